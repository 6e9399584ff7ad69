//! The same build once more. Not in Copr.

use coppice_model::{
    BuildId, ChrootName,
    messages::{Imported, Report},
    state::SourceState,
};
use coppice_store::{BuildSource, BuildView, Conn, ProjectChroot, project_chroots, projects};

use super::{
    Caller, Context, OpError, Problem, batch::BatchWish, build_request::Accepted, find_build, report, rights,
    submit_build,
};

/// Sources, chroots and options of a build that there was. When its sources are in DistGit they are built from there,
/// whatever became of the place they once came from. `only`: not all of its chroots.
pub fn resubmit_build(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (id, only): (BuildId, Option<&[ChrootName]>),
) -> Result<BuildView, OpError> {
    let old = find_build(tx, id)?;
    let project = projects::get(tx, old.build.project_id)?;
    rights::ensure_can_build(tx, by, &project)?;
    let enabled = project_chroots::list_buildable(tx, project.id)?;
    let accepted = Accepted {
        dir: old.build.dir.clone(),
        package: old.build.package().cloned(),
        chroots: some_of(chroots(&old, &enabled)?, &enabled, only)?,
        options: old.build.options.clone(),
        batch: BatchWish::None,
        project,
        enabled,
    };
    let source = old.build.source.clone();
    match imported(&old, cx) {
        _ if matches!(source, BuildSource::Package { .. }) => {
            Err(OpError::Conflict(format!("Nothing was built by build {id}: upload the package again.")))
        }
        Some(imported) => {
            let made = submit_build::insert_imported(tx, cx, by, (&accepted, source))?;
            report::apply_report(tx, cx, &Report::ImportedV1(Imported { build: made, ..imported }))?;
            find_build(tx, made)
        }
        None if matches!(source, BuildSource::Upload { .. }) => {
            Err(OpError::Conflict(format!("The file of build {id} was not taken over: upload it again.")))
        }
        None => submit_build::insert_fresh(tx, cx, by, &accepted, source),
    }
}

/// Those of the build that are still enabled; `None` when it never came to have any.
fn chroots(old: &BuildView, enabled: &[ProjectChroot]) -> Result<Option<Vec<ChrootName>>, OpError> {
    let is_enabled = |name: &&ChrootName| enabled.iter().any(|chroot| chroot.name() == *name);
    let left: Vec<ChrootName> =
        old.chroots.iter().map(|chroot| &chroot.chroot).filter(is_enabled).cloned().collect();
    match (old.chroots.is_empty(), left.is_empty()) {
        (true, _) if enabled.is_empty() => {
            Err(OpError::Conflict("No chroot is enabled in the project.".into()))
        }
        (true, _) => Ok(None),
        (false, true) => Err(OpError::Conflict(format!(
            "None of the chroots of build {} is enabled any more.",
            old.build.id
        ))),
        (false, false) => Ok(Some(left)),
    }
}

/// Those that were asked for, of those that may be built.
fn some_of(
    all: Option<Vec<ChrootName>>,
    enabled: &[ProjectChroot],
    only: Option<&[ChrootName]>,
) -> Result<Option<Vec<ChrootName>>, OpError> {
    let Some(only) = only else { return Ok(all) };
    let all = all.unwrap_or_else(|| enabled.iter().map(|chroot| chroot.name().clone()).collect());
    let wanted: Vec<ChrootName> = all.into_iter().filter(|name| only.contains(name)).collect();
    if wanted.is_empty() {
        return Err(OpError::Invalid(vec![Problem::new("chroots", "Choose at least one chroot.")]));
    }
    Ok(Some(wanted))
}

/// What DistGit once said of the sources.
fn imported(old: &BuildView, cx: &Context) -> Option<Imported> {
    let header = old.build.header.clone().filter(|_| old.build.source_state == SourceState::Succeeded)?;
    let commits = old.chroots.iter().filter_map(|c| Some((c.chroot.clone(), c.commit.clone()?))).collect();
    Some(Imported { build: old.build.id, header, commits, at: cx.now })
}
