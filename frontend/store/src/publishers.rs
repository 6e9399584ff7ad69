//! CI jobs that may build in a project without a stored secret.

use coppice_model::{ProjectId, UnixTime, UserId};
use diesel::prelude::*;

use crate::{Conn, StoreError, schema::publishers};

/// Which jobs a project trusts. `None`: any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPublisher {
    /// The name of the issuer in the configuration.
    pub issuer: String,
    /// As the forge writes it, for example `alice/hello`.
    pub repository: String,
    pub workflow: Option<String>,
    pub environment: Option<String>,
    pub git_ref: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    pub id: i64,
    pub project: ProjectId,
    /// Whose the builds are.
    pub user: UserId,
    pub trusts: NewPublisher,
    pub created_at: UnixTime,
}

#[derive(Queryable)]
struct PublisherRow {
    id: i64,
    project_id: i64,
    user_id: i64,
    issuer: String,
    repository: String,
    workflow: Option<String>,
    environment: Option<String>,
    git_ref: Option<String>,
    created_at: i64,
}

impl From<PublisherRow> for Publisher {
    fn from(row: PublisherRow) -> Self {
        Self {
            id: row.id,
            project: ProjectId(row.project_id),
            user: UserId(row.user_id),
            trusts: NewPublisher {
                issuer: row.issuer,
                repository: row.repository,
                workflow: row.workflow,
                environment: row.environment,
                git_ref: row.git_ref,
            },
            created_at: UnixTime(row.created_at),
        }
    }
}

/// Of a project, the oldest first; one statement.
pub fn list(conn: &mut Conn, project: ProjectId) -> Result<Vec<Publisher>, StoreError> {
    let query = publishers::table.filter(publishers::project_id.eq(project.0)).order(publishers::id);
    Ok(query.load::<PublisherRow>(conn)?.into_iter().map(Publisher::from).collect())
}

/// Made by a user, the oldest first; one statement.
pub fn list_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Publisher>, StoreError> {
    let query = publishers::table.filter(publishers::user_id.eq(user.0)).order(publishers::id);
    Ok(query.load::<PublisherRow>(conn)?.into_iter().map(Publisher::from).collect())
}

/// Those of a project that trust a repository in whatever of its jobs; one statement.
pub fn list_for(
    conn: &mut Conn,
    project: ProjectId,
    issuer: &str,
    repository: &str,
) -> Result<Vec<Publisher>, StoreError> {
    let query = publishers::table
        .filter(publishers::project_id.eq(project.0))
        .filter(publishers::issuer.eq(issuer))
        .filter(publishers::repository.eq(repository))
        .order(publishers::id);
    Ok(query.load::<PublisherRow>(conn)?.into_iter().map(Publisher::from).collect())
}

pub fn insert(
    conn: &mut Conn,
    project: ProjectId,
    user: UserId,
    new: &NewPublisher,
    now: UnixTime,
) -> Result<i64, StoreError> {
    let id = diesel::insert_into(publishers::table)
        .values((
            publishers::project_id.eq(project.0),
            publishers::user_id.eq(user.0),
            publishers::issuer.eq(&new.issuer),
            publishers::repository.eq(&new.repository),
            publishers::workflow.eq(&new.workflow),
            publishers::environment.eq(&new.environment),
            publishers::git_ref.eq(&new.git_ref),
            publishers::created_at.eq(now.0),
        ))
        .returning(publishers::id)
        .get_result(conn)?;
    Ok(id)
}

/// Whether the project had it.
pub fn delete(conn: &mut Conn, project: ProjectId, id: i64) -> Result<bool, StoreError> {
    let one = publishers::table.find(id).filter(publishers::project_id.eq(project.0));
    Ok(diesel::delete(one).execute(conn)? == 1)
}

pub fn delete_of_user(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    diesel::delete(publishers::table.filter(publishers::user_id.eq(user.0))).execute(conn)?;
    Ok(())
}
