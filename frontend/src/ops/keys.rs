//! A project's key lives longer or is replaced; a repository goes back to an earlier publish.

use coppice_model::{
    ActionId, UnixTime,
    messages::{BackendTask, KeygenTask, RenewKey, RollBack, RotateKey},
    signing::KeyAlgorithm,
};
use coppice_store::{ActionKind, ActionMessage, Conn, Project, User, project_dirs};

use super::{Context, OpError, find_project_chroot, order, rights};

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
    by: &User,
    project: &Project,
    earlier: &Earlier,
) -> Result<ActionId, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    let chroot = find_project_chroot(tx, project, &earlier.chroot)?.name().clone();
    let wanted = if earlier.dir.is_empty() { project.name.as_str() } else { &earlier.dir };
    let dirs = project_dirs::list(tx, project.id)?;
    let dir = dirs.into_iter().map(|dir| dir.name).find(|dir| dir.as_str() == wanted);
    let missing =
        || OpError::NotFound(format!("Directory {wanted} does not exist in {}", project.reference()));
    let (dir, snapshot, reference) = (dir.ok_or_else(missing)?, earlier.snapshot, project.reference());
    let of = reference.clone();
    let message = |action| {
        let back = RollBack { action, project: of, dir, chroot, snapshot, grant: None };
        ActionMessage::Backend(BackendTask::RollBackV1(back))
    };
    order::act(tx, cx, ActionKind::RollBack, &reference, message)
}

/// Orders that the project's key lives until `expires_on`.
pub fn renew_key(
    tx: &mut Conn,
    cx: &Context,
    by: &User,
    project: &Project,
    expires_on: UnixTime,
) -> Result<ActionId, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    if expires_on <= cx.now {
        return Err(OpError::Refused(
            "expires_on must be a time in the future, in seconds since 1970".into(),
        ));
    }
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
    by: &User,
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
