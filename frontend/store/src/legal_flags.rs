//! What people report of projects, for the operators to decide. A report outlives its project.

use coppice_model::{OwnerName, ProjectRef, UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, Page, StoreError, column,
    conn::on_either,
    schema::{legal_flags, users},
};

/// A report to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLegalFlag {
    pub project: ProjectRef,
    pub reporter: UserId,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalFlag {
    pub id: i64,
    /// As it was called when it was reported; it may be gone.
    pub project: ProjectRef,
    /// `None` once the account is deleted.
    pub reporter: Option<OwnerName>,
    pub message: String,
    pub created_at: UnixTime,
    /// `None` while it is open.
    pub resolved_at: Option<UnixTime>,
    /// The admin who resolved it.
    pub resolved_by: Option<String>,
}

type Row = (i64, String, String, Option<String>, String, i64, Option<i64>, Option<String>);

impl TryFrom<Row> for LegalFlag {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let (id, owner, project, reporter, message, created_at, resolved_at, resolved_by) = row;
        let owner = column::word("a reported project's owner", &owner)?;
        let name = column::word("a reported project's name", &project)?;
        let reporter = reporter.map(|name| column::word("a reporter's name", &name)).transpose()?;
        Ok(Self {
            id,
            project: ProjectRef { owner, name },
            reporter,
            message,
            created_at: UnixTime(created_at),
            resolved_at: column::time(resolved_at),
            resolved_by,
        })
    }
}

pub fn insert(conn: &mut Conn, new: &NewLegalFlag, now: UnixTime) -> Result<(), StoreError> {
    diesel::insert_into(legal_flags::table)
        .values((
            legal_flags::owner.eq(new.project.owner.as_str()),
            legal_flags::project.eq(new.project.name.as_str()),
            legal_flags::reporter_id.eq(new.reporter.0),
            legal_flags::message.eq(&new.message),
            legal_flags::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Reports that wait for a decision, oldest first; one statement.
pub fn list_open(conn: &mut Conn, page: Page) -> Result<Vec<LegalFlag>, StoreError> {
    list(conn, true, page)
}

/// Reports that were decided, newest first; one statement.
pub fn list_resolved(conn: &mut Conn, page: Page) -> Result<Vec<LegalFlag>, StoreError> {
    list(conn, false, page)
}

fn list(conn: &mut Conn, is_open: bool, page: Page) -> Result<Vec<LegalFlag>, StoreError> {
    let query = legal_flags::table.left_join(users::table).select((
        legal_flags::id,
        legal_flags::owner,
        legal_flags::project,
        users::name.nullable(),
        legal_flags::message,
        legal_flags::created_at,
        legal_flags::resolved_at,
        legal_flags::resolved_by,
    ));
    let (limit, offset) = (page.limit(), page.offset());
    let rows = on_either!(conn, |c| match is_open {
        true => query
            .filter(legal_flags::resolved_at.is_null())
            .order(legal_flags::id)
            .limit(limit)
            .offset(offset)
            .load::<Row>(c)?,
        false => query
            .filter(legal_flags::resolved_at.is_not_null())
            .order((legal_flags::resolved_at.desc(), legal_flags::id.desc()))
            .limit(limit)
            .offset(offset)
            .load::<Row>(c)?,
    });
    column::all(rows)
}

/// `false` when there is no such open report.
pub fn resolve(conn: &mut Conn, id: i64, by: &OwnerName, now: UnixTime) -> Result<bool, StoreError> {
    let open = legal_flags::table.filter(legal_flags::id.eq(id)).filter(legal_flags::resolved_at.is_null());
    let done = (legal_flags::resolved_at.eq(now.0), legal_flags::resolved_by.eq(by.as_str()));
    Ok(diesel::update(open).set(done).execute(conn)? == 1)
}
