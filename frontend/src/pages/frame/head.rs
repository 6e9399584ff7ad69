//! The band above every page of a project: whose it is, what may be done, which tab is open.

use coppice_store::{Conn, Project};
use serde::Serialize;

use super::Viewer;
use crate::{
    ops::{self, Caller, OpError},
    pages::{project_url, rows::summary},
};

#[derive(Debug, Clone, Serialize)]
pub struct ProjectHead {
    pub id: i64,
    pub owner: String,
    pub owner_url: String,
    pub name: String,
    pub full_name: String,
    /// Ends with a slash.
    pub url: String,
    /// The first line of the description.
    pub summary: String,
    pub can_build: bool,
    pub can_edit: bool,
    pub can_delete: bool,
}

impl ProjectHead {
    /// One statement more for who is no owner, none for visitors.
    pub fn load(conn: &mut Conn, project: &Project, viewer: &Viewer) -> Result<Self, OpError> {
        Self::of(conn, project, viewer.caller())
    }

    /// The same where the viewer cannot be taken along.
    pub fn of(conn: &mut Conn, project: &Project, caller: Option<&Caller>) -> Result<Self, OpError> {
        let (mut can_build, mut can_edit, mut can_delete) = (false, false, false);
        if let Some(caller) = caller {
            can_delete = ops::can_delete(conn, caller, project)?;
            can_edit = can_delete || ops::can_edit(conn, caller, project)?;
            can_build = can_edit || ops::can_build(conn, caller, project)?;
        }
        let owner_url = match project.owner.group() {
            Some(group) => format!("/groups/g/{group}/coprs/"),
            None => format!("/coprs/{}/", project.owner),
        };
        let reference = project.reference();
        Ok(Self {
            id: project.id.0,
            owner: project.owner.to_string(),
            owner_url,
            name: project.name.to_string(),
            full_name: reference.to_string(),
            url: project_url(&reference),
            summary: summary(&project.settings.description),
            can_build,
            can_edit,
            can_delete,
        })
    }
}
