//! The lists and files that shape the distribution, compiled in.

pub const PACKAGES: &str = include_str!("../data/packages.txt");
pub const BUILD_GROUP: &str = include_str!("../data/build-group.txt");
pub const PROVIDES: &str = include_str!("../data/provides.txt");
pub const REQUIRES: &str = include_str!("../data/requires.txt");
pub const LINKS: &str = include_str!("../data/links.txt");
pub const TRIM: &str = include_str!("../data/trim.txt");
pub const DIRECTORIES: &str = include_str!("../data/directories.txt");
pub const OPEN_SONAMES: &str = include_str!("../data/open-sonames.txt");
pub const MACROS: &str = include_str!("../data/macros.minidistro");
pub const OS_RELEASE: &str = include_str!("../data/os-release");
pub const NSSWITCH: &str = include_str!("../data/nsswitch.conf");
pub const HOSTS: &str = include_str!("../data/hosts");

/// Everything besides the debs that decides what comes out: lists and the code itself.
/// Hashed into the key, so that a change here never meets an old cache.
pub const SHAPING: &[&str] = &[
    PACKAGES,
    BUILD_GROUP,
    PROVIDES,
    REQUIRES,
    LINKS,
    TRIM,
    DIRECTORIES,
    OPEN_SONAMES,
    MACROS,
    OS_RELEASE,
    NSSWITCH,
    HOSTS,
    include_str!("convert.rs"),
    include_str!("deb.rs"),
    include_str!("depend.rs"),
    include_str!("elf.rs"),
    include_str!("filesystem.rs"),
    include_str!("make.rs"),
    include_str!("recipe.rs"),
    include_str!("repodata.rs"),
    include_str!("tree.rs"),
    include_str!("usrmerge.rs"),
    include_str!("version.rs"),
];

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// All words of a list, comments left out.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    lines(text).flat_map(str::split_whitespace)
}

/// The lines of a table as rows of words.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    lines(text).map(|line| line.split_whitespace().collect())
}

/// The words after `name:` in a table of the form `name: word word`.
pub fn words_of<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    lines(text)
        .filter_map(|line| line.split_once(": "))
        .filter(|(head, _)| *head == name)
        .flat_map(|(_, rest)| rest.split_whitespace())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_words() {
        assert_eq!(words("# no\n\na b\n c").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_table_answers_by_the_exact_name() {
        let table = "libc6: glibc\nlibc6-dev: glibc-devel headers\n";
        assert_eq!(words_of(table, "libc6-dev"), ["glibc-devel", "headers"]);
        assert_eq!(words_of(table, "libc"), [""; 0]);
    }

    #[test]
    fn every_package_the_tables_speak_of_is_in_the_list() {
        let known: Vec<&str> = words(PACKAGES).chain(["mini-filesystem"]).collect();
        let heads = lines(PROVIDES).chain(lines(REQUIRES)).filter_map(|line| line.split_once(':'));
        let links = rows(LINKS).map(|row| row[0]);
        for name in heads.map(|(name, _)| name).chain(links).chain(words(BUILD_GROUP)) {
            assert!(known.contains(&name), "{name} is not in packages.txt");
        }
    }

    #[test]
    fn no_package_is_listed_twice() {
        let mut names: Vec<&str> = words(PACKAGES).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
