//! A project's key lives longer or is replaced; a repository goes back to an earlier publish.

use coppice_model::{
    ActionId, UnixTime,
    messages::{BackendTask, KeygenTask, RenewKey, RollBack, RotateKey},
    signing::KeyAlgorithm,
};
use coppice_store::{ActionKind, ActionMessage, Conn, Project, ProjectSettings, project_dirs, projects};

use super::{Caller, Context, OpError, find_dir, find_project_chroot, order, rights};

const DAY_S: i64 = 86_400;
const RENEWALS_A_LIFE: i64 = 10;
/// Keygen works on one at a time.
const RENEWALS_AT_ONCE: i64 = 100;

/// Which publish of which repository.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Empty: the project's main one.
    pub dir: String,
    pub chroot: String,
    pub snapshot: u64,
}

/// Orders that an earlier publish becomes the current one.
pub fn roll_back(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    earlier: &Earlier,
) -> Result<ActionId, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    let chroot = find_project_chroot(tx, project, &earlier.chroot)?.name().clone();
    let dir = find_dir(tx, project, &earlier.dir)?;
    let (snapshot, reference) = (earlier.snapshot, project.reference());
    let of = reference.clone();
    let message = |action| {
        let back = RollBack { action, project: of, dir, chroot, snapshot, grant: None };
        ActionMessage::Backend(BackendTask::RollBackV1(back))
    };
    order::act(tx, cx, ActionKind::RollBack, &reference, message)
}

/// Orders a longer life for the project's key. With `expires_on` the owner says when it ends, and it is not renewed
/// by itself any more; without, it is again.
pub fn renew_key(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    expires_on: Option<UnixTime>,
) -> Result<ActionId, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    if expires_on.is_some_and(|end| end <= cx.now) {
        return Err(OpError::Refused(
            "expires_on must be a time in the future, in seconds since 1970".into(),
        ));
    }
    let settings = ProjectSettings { key_end_is_chosen: expires_on.is_some(), ..project.settings.clone() };
    projects::update_settings(tx, project.id, &settings)?;
    order_renewal(tx, cx, project, expires_on.unwrap_or(cx.now.plus_seconds(cx.settings.key_lifetime_s)))
}

/// When a key that ends at `ends_on` gets a longer life: when a tenth of it is over. Clients that check the
/// metadata keep the key as they first saw it and never look again, so every client must get one that outlives it.
pub(super) fn renewal(project: &Project, now: UnixTime, ends_on: Option<UnixTime>) -> Option<UnixTime> {
    let ends_on = ends_on.filter(|_| !project.settings.key_end_is_chosen)?;
    Some(now.plus_seconds((ends_on.0 - now.0).max(0) / RENEWALS_A_LIFE))
}

/// Orders what is due; how many renewals were ordered. What fails is tried again a day later.
pub fn renew_keys(tx: &mut Conn, cx: &Context) -> Result<usize, OpError> {
    let due = projects::list_to_renew(tx, cx.now, RENEWALS_AT_ONCE)?;
    for project in &due {
        order_renewal(tx, cx, project, cx.now.plus_seconds(cx.settings.key_lifetime_s))?;
        projects::update_renewal(tx, project.id, cx.now.plus_seconds(DAY_S))?;
    }
    Ok(due.len())
}

fn order_renewal(
    tx: &mut Conn,
    cx: &Context,
    project: &Project,
    expires_on: UnixTime,
) -> Result<ActionId, OpError> {
    let reference = project.reference();
    let of = reference.clone();
    let message =
        |action| ActionMessage::Keygen(KeygenTask::RenewKeyV1(RenewKey { action, project: of, expires_on }));
    order::act(tx, cx, ActionKind::RenewKey, &reference, message)
}

/// Orders a new key and new signatures for all that the project serves.
pub fn rotate_key(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    (algorithm, compromised): (Option<KeyAlgorithm>, bool),
) -> Result<ActionId, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    let dirs = project_dirs::list(tx, project.id)?.into_iter().map(|dir| dir.name).collect();
    let reference = project.reference();
    let of = reference.clone();
    let message = |action| {
        let rotate = RotateKey { action, project: of, dirs, algorithm, compromised, grant: None };
        ActionMessage::Backend(BackendTask::RotateKeyV1(rotate))
    };
    order::act(tx, cx, ActionKind::RotateKey, &reference, message)
}
