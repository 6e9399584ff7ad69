//! CI jobs that may build in a project without a stored secret.

use coppice_model::{OwnerName, ProjectId, ProjectRef, UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{projects, publishers, spent_job_tokens},
};

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

/// What a forge calls a repository and its owner, whatever their names become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryIds {
    pub repository: String,
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    pub id: i64,
    pub project: ProjectId,
    /// Whose the builds are.
    pub user: UserId,
    pub trusts: NewPublisher,
    pub created_at: UnixTime,
    /// Which repository has the name: as the first token told.
    pub ids: Option<RepositoryIds>,
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
    repository_id: Option<String>,
    owner_id: Option<String>,
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
            ids: row
                .repository_id
                .zip(row.owner_id)
                .map(|(repository, owner)| RepositoryIds { repository, owner }),
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

/// Of an owner's projects, and those that the user made elsewhere; by project, the oldest first; one statement.
pub fn list_around(
    conn: &mut Conn,
    user: UserId,
    owner: &OwnerName,
) -> Result<Vec<(Publisher, ProjectRef)>, StoreError> {
    let query = publishers::table
        .inner_join(projects::table.on(projects::id.eq(publishers::project_id)))
        .filter(projects::owner.eq(owner.as_str()).or(publishers::user_id.eq(user.0)))
        .order((projects::owner, projects::name, publishers::id))
        .select((publishers::all_columns, (projects::owner, projects::name)));
    let rows: Vec<(PublisherRow, (String, String))> = on_either!(conn, |c| query.load(c)?);
    let named = |(row, (owner, name)): (PublisherRow, (String, String))| {
        let (owner, name) =
            (column::word("a project's owner", &owner)?, column::word("a project's name", &name)?);
        Ok((row.into(), ProjectRef { owner, name }))
    };
    rows.into_iter().map(named).collect()
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

/// From now on only the repository of these numbers is meant.
pub fn update_ids(conn: &mut Conn, id: i64, ids: &RepositoryIds) -> Result<(), StoreError> {
    let changes = (publishers::repository_id.eq(&ids.repository), publishers::owner_id.eq(&ids.owner));
    diesel::update(publishers::table.find(id)).set(changes).execute(conn)?;
    Ok(())
}

/// Takes a job's identity token; `false` when it was taken before. It is remembered until it holds no more anyway.
pub fn spend(conn: &mut Conn, issuer: &str, token: &str, expires_at: UnixTime) -> Result<bool, StoreError> {
    let row = (
        spent_job_tokens::issuer.eq(issuer),
        spent_job_tokens::token.eq(token),
        spent_job_tokens::expires_at.eq(expires_at.0),
    );
    let taken = on_either!(conn, |c| diesel::insert_into(spent_job_tokens::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)?);
    Ok(taken == 1)
}

pub fn delete_spent(conn: &mut Conn, now: UnixTime) -> Result<usize, StoreError> {
    let over = spent_job_tokens::table.filter(spent_job_tokens::expires_at.le(now.0));
    Ok(diesel::delete(over).execute(conn)?)
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
