//! One build, with what a page about it needs.

use coppice_model::BuildId;
use diesel::prelude::*;

use super::{Build, BuildView, Joined};
use crate::{
    BuildChroot, Conn, Project, StoreError,
    build_chroots::BuildChrootRow,
    conn::on_either,
    projects::ProjectRow,
    schema::{build_chroots as chroots, builds, projects, users},
};

/// One row for each chroot of a build, with `$more` of its project.
macro_rules! with_own_chroots {
    ($id:expr $(, $more:expr)?) => {
        builds::table
            .inner_join(projects::table)
            .left_join(users::table)
            .left_join(chroots::table)
            .filter(builds::id.eq($id.0))
            .order(chroots::id)
            .select((
                (builds::all_columns, (projects::owner, projects::name), users::name.nullable()),
                chroots::all_columns.nullable(),
                $($more,)?
            ))
    };
}

/// One build with its chroots; one statement.
pub fn find(conn: &mut Conn, id: BuildId) -> Result<Option<BuildView>, StoreError> {
    let query = with_own_chroots!(id);
    view(on_either!(conn, |c| query.load::<(Joined, Option<BuildChrootRow>)>(c)?))
}

/// One build with its chroots and the project that it belongs to; one statement.
pub fn find_with_project(conn: &mut Conn, id: BuildId) -> Result<Option<(BuildView, Project)>, StoreError> {
    let query = with_own_chroots!(id, projects::all_columns);
    let rows = on_either!(conn, |c| query.load::<(Joined, Option<BuildChrootRow>, ProjectRow)>(c)?);
    let mut project = None;
    let mut own = Vec::with_capacity(rows.len());
    for (build, chroot, row) in rows {
        project.get_or_insert(row);
        own.push((build, chroot));
    }
    let project = project.map(Project::try_from).transpose()?;
    Ok(view(own)?.zip(project))
}

fn view(rows: Vec<(Joined, Option<BuildChrootRow>)>) -> Result<Option<BuildView>, StoreError> {
    let (mut build, mut own) = (None, Vec::new());
    for (row, chroot) in rows {
        if build.is_none() {
            build = Some(Build::try_from(row)?);
        }
        own.extend(chroot.map(BuildChroot::try_from).transpose()?);
    }
    Ok(build.map(|build| BuildView { build, chroots: own }))
}
