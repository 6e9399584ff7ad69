//! What forges and scripts name to start builds of a project. Beside the projects, so that nothing reads a secret
//! that does not need it.

use coppice_model::ProjectId;
use diesel::prelude::*;

use crate::{Conn, StoreError, conn::on_either, schema::webhook_secrets};

pub fn find(conn: &mut Conn, project: ProjectId) -> Result<Option<String>, StoreError> {
    let query = webhook_secrets::table.find(project.0).select(webhook_secrets::secret);
    Ok(query.first(conn).optional()?)
}

/// The one before is no longer known.
pub fn put(conn: &mut Conn, project: ProjectId, secret: &str) -> Result<(), StoreError> {
    on_either!(conn, |c| {
        diesel::insert_into(webhook_secrets::table)
            .values((webhook_secrets::project_id.eq(project.0), webhook_secrets::secret.eq(secret)))
            .on_conflict(webhook_secrets::project_id)
            .do_update()
            .set(webhook_secrets::secret.eq(secret))
            .execute(c)
    })?;
    Ok(())
}
