//! Repositories made anew from the RPMs.

use coppice_store::{Conn, Project};

use super::{Caller, Context, OpError, order, rights};

/// Orders every repository of the project from scratch.
pub fn regenerate_repos(tx: &mut Conn, cx: &Context, by: &Caller, project: &Project) -> Result<(), OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    order::publish_all(tx, cx, project, true)
}
