//! What a project still holds though nothing is built for it any more: until when, and a word of its admins.

use coppice_model::UnixTime;
use coppice_store::{Conn, Project, ProjectChroot, Superseded, build_chroots, project_chroots};

use super::{
    Caller, Context, OpError, Problem,
    prune::{DROPPED_DAYS, KEPT_DAYS},
    rights,
};

const DAY_S: i64 = 86_400;
/// So long a project may keep what it holds for a chroot that it dropped; then it may say so again.
const EXTENDED_DAYS: i64 = 180;
/// Copr: time to think again.
const EXPIRED_S: i64 = 12 * 3_600;
/// A preview of more is not read.
const MOST_PREVIEWED: i64 = 500;

/// What the admins of a project say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndWish {
    /// What the project dropped stays for half a year from now, what ended in the catalogue until another word.
    Extend,
    /// It goes after some hours, in which it can still be extended.
    Expire,
}

/// When what a chroot holds goes; `None` while it is built for, and when nobody said so.
pub fn end_of(chroot: &ProjectChroot) -> Option<UnixTime> {
    if !chroot.is_outdated() {
        return None;
    }
    chroot.delete_on.or_else(|| chroot.disabled_on.map(|on| on.plus_seconds(DROPPED_DAYS * DAY_S)))
}

/// Moves the end of these outdated chroots. All or nothing.
pub fn move_ends(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    (names, wish): (&[String], EndWish),
) -> Result<(), OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    let own = project_chroots::list(tx, project.id)?;
    for name in names {
        let outdated = own.iter().find(|chroot| chroot.name().as_str() == name && chroot.is_outdated());
        let chroot = outdated.ok_or_else(|| OpError::Invalid(vec![Problem::no_choice("chroot", name)]))?;
        project_chroots::update_end(tx, chroot.id, moved(chroot, wish, cx.now))?;
    }
    Ok(())
}

/// Never further away than it was for who gives up, never nearer for who extends.
fn moved(chroot: &ProjectChroot, wish: EndWish, now: UnixTime) -> Option<UnixTime> {
    let end = end_of(chroot);
    match wish {
        EndWish::Extend if chroot.is_enabled => None,
        EndWish::Extend => end.max(Some(now.plus_seconds(EXTENDED_DAYS * DAY_S))),
        EndWish::Expire => {
            let soon = now.plus_seconds(EXPIRED_S);
            Some(end.map_or(soon, |end| end.min(soon)))
        }
    }
}

/// Results that newer good builds made useless, each with the time when it goes.
pub fn preview_prune(conn: &mut Conn, project: &Project) -> Result<Vec<(Superseded, UnixTime)>, OpError> {
    if !project.settings.auto_prune {
        return Ok(Vec::new());
    }
    let all = build_chroots::list_superseded_of(conn, project.id, MOST_PREVIEWED)?;
    let with_end = |results: Superseded| {
        let goes_on = results.since.plus_seconds(KEPT_DAYS * DAY_S);
        (results, goes_on)
    };
    Ok(all.into_iter().map(with_end).collect())
}
