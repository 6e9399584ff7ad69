//! The secret that forges and scripts name to start builds of a project.

use coppice_store::{Conn, Project, webhook_secrets};

use super::{Caller, OpError, rights};

/// Replaces the secret; the old one stops working. `fresh` is a UUID (RFC 9562), which clients expect.
pub fn renew_webhook_secret(
    tx: &mut Conn,
    by: &Caller,
    project: &Project,
    fresh: &str,
) -> Result<(), OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    Ok(webhook_secrets::put(tx, project.id, fresh)?)
}
