//! What builders do at this moment, and how long they took lately: what an estimate is made of.

use coppice_model::{ChrootName, OwnerName, ProjectRef, UnixTime};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};

use super::{chroot, reference};
use crate::{Conn, StoreError, column, conn::on_either};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtWork {
    pub running: Vec<Running>,
    /// Seconds that the newest tasks in chroots took, the newest first.
    pub recent: Vec<(ChrootName, i64)>,
}

/// A task that a builder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// `None`: a source phase.
    pub chroot: Option<ChrootName>,
    pub project: ProjectRef,
    pub submitter: Option<OwnerName>,
    pub started_on: Option<UnixTime>,
    /// How long it took when it was last built well.
    pub usual_s: Option<i64>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    chroot: String,
    #[diesel(sql_type = Nullable<Text>)]
    owner: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    project: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    submitter: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    started_on: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    took_s: Option<i64>,
}

/// What runs, and what ended after `since`; one statement.
pub fn at_work(conn: &mut Conn, since: UnixTime) -> Result<AtWork, StoreError> {
    let query = diesel::sql_query(include_str!("work.sql")).bind::<BigInt, _>(since.0);
    let mut work = AtWork::default();
    for row in on_either!(conn, |c| query.load::<Row>(c)?) {
        let chroot = chroot(&row.chroot)?;
        match (row.owner.zip(row.project), chroot, row.took_s) {
            (Some((owner, project)), chroot, usual_s) => work.running.push(Running {
                chroot,
                project: reference(&owner, &project)?,
                submitter: column::word_if_any("a task's submitter", row.submitter.as_deref())?,
                started_on: column::time(row.started_on),
                usual_s,
            }),
            (None, Some(chroot), Some(took_s)) => work.recent.push((chroot, took_s)),
            (None, ..) => {}
        }
    }
    Ok(work)
}
