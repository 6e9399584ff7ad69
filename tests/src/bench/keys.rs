//! A project with a key in a running stack, and leave to have things signed with it.

use coppice_kit::{Member, Stack, distro::CHROOT, until};
use coppice_model::{
    ProjectRef, UnixTime,
    signing::{Grant, GrantClaims},
};
use coppice_runtime::Secret;
use std::time::Duration;

/// As far as a bench may see.
const FAR_AHEAD: UnixTime = UnixTime(4_000_000_000);
const LIMIT: Duration = Duration::from_secs(60);

/// Makes the project and waits for its key.
pub fn project(stack: &Stack, owner: &Member, name: &str) -> anyhow::Result<ProjectRef> {
    owner.copr(&["create", name, "--chroot", CHROOT]).ok();
    let key = stack.data().join("backend/results").join(&owner.name).join(name).join("pubkey.gpg");
    until("the project has its key", LIMIT, || key.is_file().then_some(()));
    Ok(ProjectRef { owner: owner.name.parse()?, name: name.parse()? })
}

pub fn grant(stack: &Stack, project: &ProjectRef) -> anyhow::Result<Grant> {
    let secret = Secret::read(&stack.data().join("etc/keygen.secret"))?;
    let claims = GrantClaims { project: project.clone(), subject: "bench".into(), until: FAR_AHEAD };
    Ok(secret.seal(&serde_json::to_string(&claims)?).into())
}
