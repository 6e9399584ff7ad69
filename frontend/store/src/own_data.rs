//! What belongs to a person beyond their own rows: for who wants to see it, or to have it removed.

use coppice_model::{BuildId, OwnerName, ProjectRef, UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, User, column,
    schema::{
        api_tokens, builds, groups, idempotency, identities, invitations, legal_flags, memberships,
        passwords, permissions, profiles, projects, publishers, sessions, user_teams, users,
    },
    votes,
};

/// A build that somebody submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnBuild {
    pub id: BuildId,
    pub project: ProjectRef,
    pub package: Option<String>,
    pub submitted_on: UnixTime,
}

/// A role that somebody has or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRole {
    pub project: ProjectRef,
    pub admin: String,
    pub builder: String,
}

/// Without the `@`, by name; one statement.
pub fn groups(conn: &mut Conn, user: UserId) -> Result<Vec<String>, StoreError> {
    let query = memberships::table
        .inner_join(groups::table)
        .filter(memberships::user_id.eq(user.0))
        .order(groups::name)
        .select(groups::name);
    Ok(query.load(conn)?)
}

/// Under the user's own name, by name; one statement.
pub fn projects(conn: &mut Conn, owner: &OwnerName) -> Result<Vec<ProjectRef>, StoreError> {
    let query = projects::table
        .filter(projects::owner.eq(owner.as_str()))
        .order(projects::name)
        .select((projects::owner, projects::name));
    query.load::<(String, String)>(conn)?.into_iter().map(reference).collect()
}

fn reference((owner, name): (String, String)) -> Result<ProjectRef, StoreError> {
    Ok(ProjectRef {
        owner: column::word("a project's owner", &owner)?,
        name: column::word("a project's name", &name)?,
    })
}

/// In whatever projects; one statement.
pub fn roles(conn: &mut Conn, user: UserId) -> Result<Vec<OwnRole>, StoreError> {
    let query = permissions::table
        .inner_join(projects::table.on(projects::id.eq(permissions::project_id)))
        .filter(permissions::user_id.eq(user.0))
        .order((projects::owner, projects::name))
        .select((projects::owner, projects::name, permissions::admin, permissions::builder));
    let rows = query.load::<(String, String, String, String)>(conn)?;
    let role =
        |(owner, name, admin, builder)| Ok(OwnRole { project: reference((owner, name))?, admin, builder });
    rows.into_iter().map(role).collect()
}

/// The oldest first; one statement.
pub fn builds(conn: &mut Conn, user: UserId) -> Result<Vec<OwnBuild>, StoreError> {
    let query = builds::table
        .inner_join(projects::table)
        .filter(builds::submitter_id.eq(user.0))
        .order(builds::id)
        .select((builds::id, projects::owner, projects::name, builds::package, builds::submitted_on));
    let rows = query.load::<(i64, String, String, Option<String>, i64)>(conn)?;
    let build = |(id, owner, name, package, at)| {
        let project = reference((owner, name))?;
        Ok(OwnBuild { id: BuildId(id), project, package, submitted_on: UnixTime(at) })
    };
    rows.into_iter().map(build).collect()
}

/// A project that somebody reported, with what they wrote and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnReport {
    pub project: String,
    pub message: String,
    pub created_at: UnixTime,
}

/// The oldest first; one statement.
pub fn reports(conn: &mut Conn, user: UserId) -> Result<Vec<OwnReport>, StoreError> {
    let query = legal_flags::table
        .filter(legal_flags::reporter_id.eq(user.0))
        .order(legal_flags::id)
        .select((legal_flags::owner, legal_flags::project, legal_flags::message, legal_flags::created_at));
    let rows = query.load::<(String, String, String, i64)>(conn)?;
    let report = |(owner, project, message, at)| OwnReport {
        project: format!("{owner}/{project}"),
        message,
        created_at: UnixTime(at),
    };
    Ok(rows.into_iter().map(report).collect())
}

/// Removes all that is about the person and needed for nothing else: every way in, what providers told, the mail.
/// The name stays with what was built under it, and reports stay without who made them. A fixed number of statements.
pub fn delete(conn: &mut Conn, user: &User) -> Result<(), StoreError> {
    let id = user.id.0;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(conn)?;
    diesel::delete(api_tokens::table.filter(api_tokens::user_id.eq(id))).execute(conn)?;
    diesel::delete(passwords::table.filter(passwords::user_id.eq(id))).execute(conn)?;
    diesel::delete(identities::table.filter(identities::user_id.eq(id))).execute(conn)?;
    diesel::delete(user_teams::table.filter(user_teams::user_id.eq(id))).execute(conn)?;
    diesel::delete(memberships::table.filter(memberships::user_id.eq(id))).execute(conn)?;
    diesel::delete(permissions::table.filter(permissions::user_id.eq(id))).execute(conn)?;
    diesel::delete(publishers::table.filter(publishers::user_id.eq(id))).execute(conn)?;
    diesel::delete(idempotency::table.filter(idempotency::user_id.eq(id))).execute(conn)?;
    votes::delete_of(conn, user.id)?;
    diesel::delete(profiles::table.find(user.name.as_str())).execute(conn)?;
    let reports = legal_flags::table.filter(legal_flags::reporter_id.eq(id));
    diesel::update(reports).set(legal_flags::reporter_id.eq(None::<i64>)).execute(conn)?;
    let noted = invitations::table.filter(invitations::used_by.eq(id));
    diesel::update(noted).set(invitations::note.eq("")).execute(conn)?;
    let nobody = (users::mail.eq(None::<String>), users::is_admin.eq(false), users::zone.eq(None::<String>));
    diesel::update(users::table.find(id)).set(nobody).execute(conn)?;
    Ok(())
}
