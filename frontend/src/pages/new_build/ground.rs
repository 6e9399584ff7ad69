//! What a form of a project stands on.

use coppice_store::{Conn, Project, ProjectChroot, project_chroots};

use crate::{
    App,
    ops::find_project,
    pages::{
        PageError, Viewer,
        frame::{ProjectHead, ProjectPath},
    },
};

/// Reads with the viewer at hand, and gives it back.
pub async fn read_with<T: Send + 'static>(
    app: &App,
    viewer: Viewer,
    work: impl FnOnce(&mut Conn, &Viewer) -> Result<T, PageError> + Send + 'static,
) -> Result<(T, Viewer), PageError> {
    app.store.read(move |conn| Ok((work(conn, &viewer)?, viewer))).await
}

/// A project in which the viewer may build.
#[derive(Debug)]
pub struct Ground {
    pub project: Project,
    pub head: ProjectHead,
    /// Those that builds go to.
    pub chroots: Vec<ProjectChroot>,
}

impl Ground {
    pub fn to_build(conn: &mut Conn, path: &ProjectPath, viewer: &Viewer) -> Result<Self, PageError> {
        let project = find_project(conn, &path.owner, &path.project)?;
        let head = ProjectHead::load(conn, &project, viewer)?;
        if !head.can_build {
            return Err(PageError::Forbidden(format!(
                "You are no builder of {}. Its owner can make you one: ask on its page Permissions.",
                head.full_name
            )));
        }
        let chroots = project_chroots::list_buildable(conn, project.id)?;
        Ok(Self { project, head, chroots })
    }
}
