//! Reports about imports into DistGit.

use coppice_model::{
    BuildId, UnixTime,
    messages::Imported,
    state::{ChrootEvent, SourceEvent, Step},
    work::{Failure, FailureCause},
};
use coppice_store::{
    Build, BuildChroot, BuildFailure, BuildView, Conn, PackageSettings, build_chroots, builds, packages,
    project_chroots,
};

use super::{inconsistent, moved, package_failure, source};
use crate::ops::{Context, OpError, batch, choose, find_build, order};

/// The source is in DistGit: the package is known, and each chroot is built or skipped.
pub(super) fn imported(tx: &mut Conn, cx: &Context, imported: &Imported) -> Result<(), OpError> {
    if !builds::lock(tx, imported.build, cx.now)? {
        return Ok(());
    }
    let view = find_build(tx, imported.build)?;
    let build = &view.build;
    let Step::To(next) = build.source_state.on(SourceEvent::Imported).map_err(inconsistent)? else {
        return Ok(());
    };
    let (project, name) = (build.project_id, &imported.header.name);
    let package = packages::ensure(tx, project, name, &build.source, cx.now)?;
    let chroots = chroots(tx, &view, &package.settings)?;
    if chroots.is_empty() {
        let message = "no chroot was enabled in the project when the source was imported".to_owned();
        return source::fail(tx, cx, &view, BuildFailure { cause: None, message }, imported.at);
    }
    let after = Build {
        source_state: next,
        source_ended_on: Some(imported.at),
        header: Some(imported.header.clone()),
        ..build.clone()
    };
    moved(builds::update_source(tx, build, &after)?)?;
    for chroot in &chroots {
        begin(tx, &after, chroot, imported)?;
    }
    let begun = find_build(tx, build.id)?;
    order::everything_ready(tx, cx, &begun)?;
    batch::release(tx, cx, build.batch)
}

/// The chosen ones, or all that are enabled now but what the package's denylist names.
fn chroots(tx: &mut Conn, view: &BuildView, package: &PackageSettings) -> Result<Vec<BuildChroot>, OpError> {
    if !view.chroots.is_empty() {
        return Ok(view.chroots.clone());
    }
    let mut made = Vec::new();
    let enabled = project_chroots::list_buildable(tx, view.build.project_id)?;
    for chroot in enabled.iter().filter(|chroot| !choose::is_denied(package, chroot.name())) {
        made.push(build_chroots::insert(tx, view.build.id, chroot.name())?);
    }
    Ok(made)
}

/// What becomes of a chroot now: skipped, failed without a commit, or ready for a builder.
fn begin(tx: &mut Conn, build: &Build, chroot: &BuildChroot, imported: &Imported) -> Result<(), OpError> {
    let commit = imported.commits.get(&chroot.chroot);
    let event = match commit {
        _ if !imported.header.builds_for(chroot.chroot.arch()) => ChrootEvent::Excluded,
        None => ChrootEvent::SourceFailed,
        Some(_) => ChrootEvent::Imported,
    };
    let Step::To(next) = chroot.state.on(event).map_err(inconsistent)? else { return Ok(()) };
    let mut after = BuildChroot { state: next, ..chroot.clone() };
    match (event, commit) {
        (ChrootEvent::Imported, Some(commit)) => after.commit = Some(commit.clone()),
        (ChrootEvent::SourceFailed, _) => {
            let message = format!("the source was not imported for {}", chroot.chroot);
            after.failure = Some(BuildFailure { cause: Some(FailureCause::SourceImport), message });
            after.ended_on = Some(imported.at);
        }
        // Copr: a skipped chroot shows the times of the source phase.
        _ => {
            after.started_on = build.source_started_on.or(Some(build.submitted_on));
            after.ended_on = Some(imported.at);
        }
    }
    moved(build_chroots::update(tx, chroot, &after)?)
}

/// What the user gave cannot be imported.
pub(super) fn failed(
    tx: &mut Conn,
    cx: &Context,
    build: BuildId,
    failure: &Failure,
    at: UnixTime,
) -> Result<(), OpError> {
    if !builds::lock(tx, build, cx.now)? {
        return Ok(());
    }
    let view = find_build(tx, build)?;
    source::fail(tx, cx, &view, package_failure(failure), at)
}
