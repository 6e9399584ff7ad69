//! What users think of projects.

use coppice_model::{ProjectId, ProjectRef, UserId};
use diesel::{dsl::sql, prelude::*, sql_types::BigInt};

use crate::{
    Conn, StoreError, column,
    schema::{projects, votes},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    Up,
    Down,
}

impl Vote {
    /// What it adds to the score.
    pub fn value(self) -> i64 {
        match self {
            Self::Up => 1,
            Self::Down => -1,
        }
    }

    fn of(value: i64) -> Self {
        if value > 0 { Self::Up } else { Self::Down }
    }
}

/// One statement.
pub fn find(conn: &mut Conn, project: ProjectId, user: UserId) -> Result<Option<Vote>, StoreError> {
    let query = votes::table.find((project.0, user.0)).select(votes::value);
    Ok(query.first::<i64>(conn).optional()?.map(Vote::of))
}

/// Sets, changes or takes back a vote, and the score with it.
pub fn set(conn: &mut Conn, project: ProjectId, user: UserId, vote: Option<Vote>) -> Result<(), StoreError> {
    // Whoever votes for the same project waits here, so the sum below misses nobody.
    let scored = projects::table.find(project.0);
    diesel::update(scored).set(projects::score.eq(projects::score)).execute(conn)?;
    diesel::delete(votes::table.find((project.0, user.0))).execute(conn)?;
    if let Some(vote) = vote {
        let row = (votes::project_id.eq(project.0), votes::user_id.eq(user.0), votes::value.eq(vote.value()));
        diesel::insert_into(votes::table).values(row).execute(conn)?;
    }
    add_up(conn, &[project.0])
}

/// The databases disagree on the type of a sum.
const SUM: &str =
    "CAST(COALESCE((SELECT SUM(value) FROM votes WHERE project_id = projects.id), 0) AS BIGINT)";

fn add_up(conn: &mut Conn, of: &[i64]) -> Result<(), StoreError> {
    let scored = projects::table.filter(projects::id.eq_any(of.to_vec()));
    crate::conn::on_either!(conn, |c| {
        diesel::update(scored).set(projects::score.eq(sql::<BigInt>(SUM))).execute(c)?
    });
    Ok(())
}

/// By project; one statement.
pub fn list_of(conn: &mut Conn, user: UserId) -> Result<Vec<(ProjectRef, Vote)>, StoreError> {
    let query = votes::table
        .inner_join(projects::table)
        .filter(votes::user_id.eq(user.0))
        .order((projects::owner, projects::name))
        .select((projects::owner, projects::name, votes::value));
    let row = |(owner, name, value): (String, String, i64)| {
        let owner = column::word("a project's owner", &owner)?;
        let name = column::word("a project's name", &name)?;
        Ok((ProjectRef { owner, name }, Vote::of(value)))
    };
    query.load(conn)?.into_iter().map(row).collect()
}

/// All votes of a user; three statements.
pub fn delete_of(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    let own = votes::table.filter(votes::user_id.eq(user.0));
    let of: Vec<i64> = own.select(votes::project_id).load(conn)?;
    diesel::delete(own).execute(conn)?;
    add_up(conn, &of)
}
