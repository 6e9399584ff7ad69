use coppice_model::messages::Downloads;
use coppice_store::{Conn, project_chroots, project_chroots::Fetched, projects};

use crate::ops::OpError;

/// What is not here any more is not counted.
pub fn count(tx: &mut Conn, downloads: &Downloads) -> Result<(), OpError> {
    for fetched in &downloads.fetched {
        let (owner, name) = (fetched.project.owner.as_str(), fetched.project.name.as_str());
        if let Some(project) = projects::find(tx, owner, name)? {
            let times = (Fetched::Package, i64::from(fetched.count));
            project_chroots::count(tx, project.id, &fetched.chroot, times)?;
        }
    }
    Ok(())
}
