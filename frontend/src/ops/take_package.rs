//! A finished package that a user uploads: nothing is built, it is only published (contract section 10.9).

use coppice_model::{
    BuildId, ChrootName, UnixTime,
    messages::{BackendTask, BuildResults, TakePackage, TakenPackage},
    package::SourceHeader,
    state::{ChrootEvent, Outcome, SourceEvent, Step},
    work::FailureCause,
};
use coppice_store::{
    Action, ActionKind, ActionMessage, Build, BuildChroot, BuildFailure, BuildSource, BuildView, Conn,
    PackageSettings, build_chroots, builds, built_packages, packages,
};

use super::{
    BuildRequest, Caller, Context, OpError, Problem, Upload, delete_builds, find_build, order, report,
    submit_build,
};

/// One build that has nothing to build; for those of its chroots whose architecture the file's name says.
pub fn submit_package_file(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    upload: &Upload,
) -> Result<BuildView, OpError> {
    let mut problems = Vec::new();
    let arch = arch_of(&upload.file_name);
    if arch.is_none() {
        problems.push(Problem::new(
            "pkgs",
            "You can upload only finished .rpm files; sources are submitted to be built",
        ));
    }
    let mut accepted = request.accept(tx, by, problems)?;
    let arch = arch.unwrap_or_default();
    let all = || accepted.enabled.iter().map(|chroot| chroot.name().clone()).collect();
    let chosen: Vec<ChrootName> = accepted.chroots.clone().unwrap_or_else(all);
    let fits = |name: &ChrootName| arch == "noarch" || name.arch() == arch;
    let chroots: Vec<ChrootName> = chosen.into_iter().filter(fits).collect();
    if chroots.is_empty() {
        let text = format!("none of the chroots takes packages of the architecture {arch}");
        return Err(OpError::Invalid(vec![Problem::new("chroots", text)]));
    }
    accepted.chroots = Some(chroots.clone());
    let source = BuildSource::Package { path: upload.path.clone(), file_name: upload.file_name.clone() };
    let id = submit_build::insert_imported(tx, cx, by, (&accepted, source))?;
    let message = |action| {
        let (project, url) = (accepted.project.reference(), cx.settings.internal_upload_url(&upload.path));
        let dir = accepted.dir.clone();
        let take = TakePackage { action, project, build: id, dir, chroots, url, grant: None };
        ActionMessage::Backend(BackendTask::TakePackageV1(take))
    };
    order::act(tx, cx, ActionKind::TakePackage, &accepted.project.reference(), message)?;
    find_build(tx, id)
}

/// `x86_64` of `hello-1-2.x86_64.rpm`; `None` for sources and what is no package.
fn arch_of(file_name: &str) -> Option<&str> {
    let arch = file_name.strip_suffix(".rpm")?.rsplit('.').next()?;
    Some(arch).filter(|arch| !arch.is_empty() && !matches!(*arch, "src" | "nosrc") && *arch != file_name)
}

/// The backend published the package, or says why not.
pub(super) fn taken(
    tx: &mut Conn,
    cx: &Context,
    take: &TakePackage,
    ended: Result<&TakenPackage, &str>,
    at: UnixTime,
) -> Result<(), OpError> {
    if !builds::lock(tx, take.build, cx.now)? {
        return ended.map_or(Ok(()), |taken| remove(tx, cx, take, taken));
    }
    let view = find_build(tx, take.build)?;
    let taken = match ended {
        Ok(taken) => taken,
        Err(reason) => {
            let failure =
                BuildFailure { cause: Some(FailureCause::ResultRefused), message: reason.to_owned() };
            return report::fail_source(tx, cx, &view, failure, at);
        }
    };
    let step = view.build.source_state.on(SourceEvent::Imported);
    let Ok(Step::To(next)) = step else { return remove(tx, cx, take, taken) };
    let after = Build {
        source_state: next,
        source_ended_on: Some(at),
        header: Some(header(taken)),
        ..view.build.clone()
    };
    report::moved(builds::update_source(tx, &view.build, &after)?)?;
    if packages::find(tx, view.build.project_id, taken.package.as_str())?.is_none() {
        // It is not known how to build it.
        let new = (None, &PackageSettings::default());
        packages::insert(tx, view.build.project_id, &taken.package, new, at)?;
    }
    for chroot in &view.chroots {
        publish(tx, (take.build, taken), chroot, at)?;
    }
    Ok(())
}

fn header(taken: &TakenPackage) -> SourceHeader {
    SourceHeader {
        name: taken.package.clone(),
        epoch: taken.nevra.epoch,
        version: taken.nevra.version.clone(),
        release: taken.nevra.release.clone(),
        exclusive_arch: Vec::new(),
        exclude_arch: Vec::new(),
    }
}

fn publish(
    tx: &mut Conn,
    (build, taken): (BuildId, &TakenPackage),
    chroot: &BuildChroot,
    at: UnixTime,
) -> Result<(), OpError> {
    let Ok(Step::To(begun)) = chroot.state.on(ChrootEvent::Imported) else { return Ok(()) };
    let Ok(Step::To(next)) = begun.on(ChrootEvent::Finished(Outcome::Succeeded)) else { return Ok(()) };
    let after = BuildChroot {
        state: next,
        started_on: Some(at),
        ended_on: Some(at),
        result_dir: Some(format!("{}-{}", build.padded(), taken.package)),
        ..chroot.clone()
    };
    report::moved(build_chroots::update(tx, chroot, &after)?)?;
    Ok(built_packages::insert(tx, chroot.id, std::slice::from_ref(&taken.nevra))?)
}

/// It was published after the user had stopped or deleted the build.
fn remove(tx: &mut Conn, cx: &Context, take: &TakePackage, taken: &TakenPackage) -> Result<(), OpError> {
    let results = BuildResults {
        build: take.build,
        dir: take.dir.clone(),
        package: Some(taken.package.clone()),
        chroots: take.chroots.clone(),
    };
    delete_builds::order_removal(tx, cx, &take.project, vec![results])
}

/// The message of such an action.
pub(super) fn of_action(action: &Action) -> Option<&TakePackage> {
    match &action.message {
        ActionMessage::Backend(BackendTask::TakePackageV1(take)) => Some(take),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_for_what_it_is() {
        assert_eq!(arch_of("hello-1-2.fc43.x86_64.rpm"), Some("x86_64"));
        assert_eq!(arch_of("hello-1-2.noarch.rpm"), Some("noarch"));
        for other in ["hello-1-2.src.rpm", "hello.nosrc.rpm", "hello.spec", ".rpm", "rpm", "hello..rpm"] {
            assert_eq!(arch_of(other), None, "{other}");
        }
    }
}
