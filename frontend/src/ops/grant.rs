//! Leave to have something signed, for the one project that a task or action is of. Only keygen can open it, and
//! only the backend can use it.

use coppice_model::{
    ActionId, ProjectRef,
    messages::BackendTask,
    signing::{Grant, GrantClaims},
};
use coppice_store::ActionMessage;

use super::Context;

/// A task may wait for a builder, and its publish for a disk, but not for ever. What is sent again gets new leave.
const VALID_S: i64 = 90 * 86_400;

/// Leave for the project of a task or action, named as `subject` in the log of signatures.
pub(super) fn grant(cx: &Context, project: &ProjectRef, subject: String) -> Option<Grant> {
    let claims = GrantClaims { project: project.clone(), subject, until: cx.now.plus_seconds(VALID_S) };
    let text = serde_json::to_string(&claims).expect("names and a number are written as JSON");
    Some(cx.settings.keygen_secret.seal(&text).into())
}

/// The message with fresh leave; the database keeps it without.
pub(super) fn granted(cx: &Context, action: ActionId, message: &ActionMessage) -> ActionMessage {
    let of = |project: &ProjectRef| grant(cx, project, format!("action/{action}"));
    let mut message = message.clone();
    if let ActionMessage::Backend(task) = &mut message {
        match task {
            BackendTask::PublishV1(publish) => publish.grant = of(&publish.project),
            BackendTask::DeleteBuildsV1(delete) => delete.grant = of(&delete.project),
            BackendTask::RollBackV1(back) => back.grant = of(&back.project),
            BackendTask::RotateKeyV1(rotate) => rotate.grant = of(&rotate.project),
            BackendTask::ForkV1(fork) => fork.grant = of(&fork.project),
            BackendTask::TakePackageV1(take) => take.grant = of(&take.project),
            BackendTask::DeleteProjectV1(_)
            | BackendTask::SourceBuildV1(_)
            | BackendTask::RpmBuildV1(_)
            | BackendTask::CancelV1 { .. } => {}
        }
    }
    message
}
