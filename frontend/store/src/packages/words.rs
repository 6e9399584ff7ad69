//! What packages are found by: every word of their names.

use std::collections::HashSet;

use coppice_model::{OwnerName, PackageName, ProjectRef};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    column::lower,
    conn::on_either,
    schema::{package_words, packages, projects},
};

const DIVIDERS: [char; 4] = ['-', '_', '.', '+'];
/// A name may hold what is looked for several times.
const MORE: i64 = 2;

/// The name in small letters from each place on where a word begins.
fn words(name: &str) -> HashSet<String> {
    let name = name.to_lowercase();
    let begins = |at: usize| !name[at..].starts_with(DIVIDERS) && (at == 0 || name[..at].ends_with(DIVIDERS));
    let places = name.char_indices().map(|(at, _)| at).filter(|at| begins(*at));
    places.map(|at| name[at..].to_owned()).collect()
}

/// One statement.
pub(super) fn insert(conn: &mut Conn, id: i64, name: &PackageName) -> Result<(), StoreError> {
    let row = |word| (package_words::package_id.eq(id), package_words::word.eq(word));
    let rows: Vec<_> = words(name.as_str()).into_iter().map(row).collect();
    on_either!(conn, |c| diesel::insert_into(package_words::table).values(rows).execute(c)?);
    Ok(())
}

/// Packages of all projects in whose names a word begins like the first of these, and which hold the others; in whatever
/// letters. By the word that was found, then the newest first; one statement, which reads no more than what begins so.
pub fn search(
    conn: &mut Conn,
    wanted: &str,
    limit: i64,
) -> Result<Vec<(ProjectRef, PackageName)>, StoreError> {
    let wanted = wanted.to_lowercase();
    let mut wanted = wanted.split_whitespace().map(|word| word.trim_start_matches(DIVIDERS));
    let Some(first) = wanted.next().filter(|first| !first.is_empty()) else { return Ok(Vec::new()) };
    let mut query = package_words::table
        .inner_join(packages::table.inner_join(projects::table))
        .filter(package_words::word.ge(first.to_owned()))
        .filter(package_words::word.lt(format!("{first}{}", char::MAX)))
        .order((package_words::word, package_words::package_id.desc()))
        .select((packages::id, projects::owner, projects::name, packages::name))
        .limit(limit.saturating_mul(MORE))
        .into_boxed();
    for other in wanted {
        let other = format!("%{}%", column::literal(other));
        query = query.filter(lower(packages::name).like(other).escape('\\'));
    }
    let rows: Vec<(i64, String, String, String)> = query.load(conn)?;
    let mut seen = HashSet::new();
    let once = rows.into_iter().filter(|(id, ..)| seen.insert(*id));
    once.take(usize::try_from(limit).unwrap_or_default()).map(found).collect()
}

fn found(
    (_, owner, project, package): (i64, String, String, String),
) -> Result<(ProjectRef, PackageName), StoreError> {
    let owner: OwnerName = column::word("a project's owner", &owner)?;
    let project = ProjectRef { owner, name: column::word("a project's name", &project)? };
    Ok((project, column::word("a package's name", &package)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_behind_dividers_and_reach_to_the_end() {
        let of = |name: &str| {
            let mut all: Vec<String> = words(name).into_iter().collect();
            all.sort_unstable();
            all
        };
        assert_eq!(of("python3-Requests_oauth"), ["oauth", "python3-requests_oauth", "requests_oauth"]);
        assert_eq!(of("gtk4"), ["gtk4"]);
        assert_eq!(of("libstdc++-devel"), ["devel", "libstdc++-devel"]);
        assert_eq!(of("a-a"), ["a", "a-a"]);
    }
}
