//! Work on keys and repositories that no build asked for.

use coppice_model::{
    ActionId, ProjectRef, UnixTime,
    messages::{BackendTask, KeygenTask},
    state::ActionState,
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Conn, StoreError, column, outbox, schema::actions};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub id: ActionId,
    pub kind: ActionKind,
    pub project: ProjectRef,
    pub message: ActionMessage,
    pub state: ActionState,
    pub error: Option<String>,
    pub created_at: UnixTime,
    pub ended_on: Option<UnixTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionKind {
    CreateKey,
    Publish,
    DeleteBuilds,
    DeleteProject,
    RollBack,
    RenewKey,
    RotateKey,
    Fork,
    TakePackage,
}

impl ActionKind {
    pub const ALL: [Self; 9] = [
        Self::CreateKey,
        Self::Publish,
        Self::DeleteBuilds,
        Self::DeleteProject,
        Self::RollBack,
        Self::RenewKey,
        Self::RotateKey,
        Self::Fork,
        Self::TakePackage,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateKey => "create_key",
            Self::Publish => "publish",
            Self::DeleteBuilds => "delete_builds",
            Self::DeleteProject => "delete_project",
            Self::RollBack => "roll_back",
            Self::RenewKey => "renew_key",
            Self::RotateKey => "rotate_key",
            Self::Fork => "fork",
            Self::TakePackage => "take_package",
        }
    }
}

/// The message of an action; the same each time it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", content = "task", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one at a time, made and written at once")]
pub enum ActionMessage {
    Backend(BackendTask),
    Keygen(KeygenTask),
}

impl ActionMessage {
    /// Puts it into the outbox.
    pub fn push(&self, conn: &mut Conn, now: UnixTime) -> Result<(), StoreError> {
        match self {
            Self::Backend(task) => outbox::push(conn, task, now),
            Self::Keygen(task) => outbox::push(conn, task, now),
        }
    }
}

#[derive(Queryable)]
struct ActionRow {
    id: i64,
    kind: String,
    owner: String,
    project: String,
    message: String,
    state: String,
    error: Option<String>,
    created_at: i64,
    ended_on: Option<i64>,
    _touched_on: i64,
}

impl TryFrom<ActionRow> for Action {
    type Error = StoreError;
    fn try_from(row: ActionRow) -> Result<Self, StoreError> {
        let kind = ActionKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind);
        let kind = kind.ok_or(StoreError::Unreadable { what: "an action's kind", reason: row.kind })?;
        Ok(Self {
            id: ActionId(row.id),
            kind,
            project: ProjectRef {
                owner: column::word("an action's owner", &row.owner)?,
                name: column::word("an action's project", &row.project)?,
            },
            message: column::from_json("an action's message", &row.message)?,
            state: column::word("an action's state", &row.state)?,
            error: row.error,
            created_at: UnixTime(row.created_at),
            ended_on: column::time(row.ended_on),
        })
    }
}

/// Notes an action with its message, which `message` makes for the new id. Nothing is sent yet.
pub fn insert(
    conn: &mut Conn,
    kind: ActionKind,
    project: &ProjectRef,
    now: UnixTime,
    message: impl FnOnce(ActionId) -> ActionMessage,
) -> Result<(ActionId, ActionMessage), StoreError> {
    let id: i64 = diesel::insert_into(actions::table)
        .values((
            actions::kind.eq(kind.as_str()),
            actions::owner.eq(project.owner.as_str()),
            actions::project.eq(project.name.as_str()),
            actions::message.eq(""),
            actions::state.eq(ActionState::Waiting.as_str()),
            actions::created_at.eq(now.0),
            actions::touched_on.eq(now.0),
        ))
        .returning(actions::id)
        .get_result(conn)?;
    let message = message(ActionId(id));
    let text = column::to_json("an action's message", &message)?;
    diesel::update(actions::table.find(id)).set(actions::message.eq(text)).execute(conn)?;
    Ok((ActionId(id), message))
}

pub fn find(conn: &mut Conn, id: ActionId) -> Result<Option<Action>, StoreError> {
    actions::table.find(id.0).first::<ActionRow>(conn).optional()?.map(Action::try_from).transpose()
}

/// The newest ones of a project; one statement.
pub fn list(conn: &mut Conn, project: &ProjectRef, limit: i64) -> Result<Vec<Action>, StoreError> {
    let query = actions::table
        .filter(actions::owner.eq(project.owner.as_str()))
        .filter(actions::project.eq(project.name.as_str()))
        .order(actions::id.desc())
        .limit(limit);
    column::all(query.load::<ActionRow>(conn)?)
}

/// Of everybody, those that failed since then, the newest first; one statement.
pub fn list_failed(conn: &mut Conn, since: UnixTime, limit: i64) -> Result<Vec<Action>, StoreError> {
    let query = actions::table
        .filter(actions::created_at.ge(since.0))
        .filter(actions::state.eq(ActionState::Failure.as_str()))
        .order((actions::created_at.desc(), actions::id.desc()))
        .limit(limit);
    column::all(query.load::<ActionRow>(conn)?)
}

/// Waiting ones beyond `after` that nobody spoke of since `before`, oldest first; one statement.
pub fn list_silent(
    conn: &mut Conn,
    before: UnixTime,
    after: ActionId,
    limit: i64,
) -> Result<Vec<Action>, StoreError> {
    let query = actions::table
        .filter(actions::state.eq(ActionState::Waiting.as_str()))
        .filter(actions::id.gt(after.0))
        .filter(actions::touched_on.lt(before.0))
        .order(actions::id)
        .limit(limit);
    column::all(query.load::<ActionRow>(conn)?)
}

/// Moves the state if it is still `from`; `false` when somebody else moved it.
pub fn update_state(
    conn: &mut Conn,
    id: ActionId,
    from: ActionState,
    to: ActionState,
    end: (Option<&str>, UnixTime),
) -> Result<bool, StoreError> {
    let (error, at) = end;
    let changes = (
        actions::state.eq(to.as_str()),
        actions::error.eq(error),
        actions::ended_on.eq(at.0),
        actions::touched_on.eq(at.0),
    );
    let row = actions::table.find(id.0).filter(actions::state.eq(from.as_str()));
    Ok(diesel::update(row).set(changes).execute(conn)? == 1)
}

pub fn touch(conn: &mut Conn, id: ActionId, now: UnixTime) -> Result<(), StoreError> {
    diesel::update(actions::table.find(id.0)).set(actions::touched_on.eq(now.0)).execute(conn)?;
    Ok(())
}
