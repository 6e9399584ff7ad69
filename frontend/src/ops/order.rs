//! Orders: complete messages for the other services, made from what the database says, so that the same order
//! can be given again with the same key.

use coppice_model::{
    ActionId, ChrootName, DirName, ProjectRef,
    messages::{BackendTask, Branch, CreateKey, DistGitTask, Import, KeygenTask, PublishRepositories},
    signing::KeyAlgorithm,
    state::{ChrootState, SourceState},
    work::{BuildContext, Limits, RpmWork, SourceSpec, SourceWork},
};
use coppice_store::{
    ActionKind, ActionMessage, Build, BuildChroot, BuildSource, BuildView, Conn, Project, ProjectChroot,
    StoreError, actions, outbox, project_chroots, project_dirs, projects,
};

use super::{Context, OpError, Settings, batch, environment, grant};

/// Orders everything of a build that can be worked on now: its source phase, its import, or its chroots.
pub(super) fn everything_ready(tx: &mut Conn, cx: &Context, view: &BuildView) -> Result<(), OpError> {
    match view.build.source_state {
        SourceState::Pending | SourceState::Starting | SourceState::Running => source(tx, cx, view),
        // Ordered once, as an action.
        SourceState::Importing if matches!(view.build.source, BuildSource::Package { .. }) => Ok(()),
        SourceState::Importing => import(tx, cx, view),
        SourceState::Succeeded => chroots(tx, cx, view),
        SourceState::Failed | SourceState::Canceled => Ok(()),
    }
}

/// The same for a build that was just made; whoever made it has read its project and chroots.
pub(super) fn new_build(
    tx: &mut Conn,
    cx: &Context,
    view: &BuildView,
    of: (&Project, &[ProjectChroot]),
) -> Result<(), OpError> {
    match view.build.source_state {
        SourceState::Pending => source_of(tx, cx, view, of),
        _ => everything_ready(tx, cx, view),
    }
}

/// The source phase, unless the build waits for another batch.
fn source(tx: &mut Conn, cx: &Context, view: &BuildView) -> Result<(), OpError> {
    let project = projects::get(tx, view.build.project_id)?;
    let chroots = project_chroots::list(tx, view.build.project_id)?;
    source_of(tx, cx, view, (&project, &chroots))
}

fn source_of(
    tx: &mut Conn,
    cx: &Context,
    view: &BuildView,
    (project, chroots): (&Project, &[ProjectChroot]),
) -> Result<(), OpError> {
    if batch::is_blocked(tx, view)? {
        return Ok(());
    }
    let build = &view.build;
    let chroot = first_chroot(view, chroots)?;
    let work = SourceWork {
        context: context(build),
        attempt: build.source_attempt,
        source: source_spec(cx, &build.source),
        environment: environment::environment(
            tx,
            &cx.settings,
            (project, chroot, &build.dir),
            &build.options,
        )?,
        limits: limits(cx, build),
    };
    Ok(outbox::push(tx, &BackendTask::SourceBuildV1(work), cx.now)?)
}

/// Where a spec file is turned into an SRPM: the first chroot of the build, or of its project.
fn first_chroot<'a>(view: &BuildView, all: &'a [ProjectChroot]) -> Result<&'a ProjectChroot, OpError> {
    let chosen = view.chroots.first().and_then(|first| all.iter().find(|c| *c.name() == first.chroot));
    let chroot = chosen.or_else(|| all.iter().find(|c| c.is_buildable())).or_else(|| all.first());
    let missing = || StoreError::Absent(format!("a chroot for the sources of build {}", view.build.id));
    Ok(chroot.ok_or_else(missing)?)
}

fn source_spec(cx: &Context, source: &BuildSource) -> SourceSpec {
    match source {
        BuildSource::Link { url } => SourceSpec::Link { url: url.clone() },
        BuildSource::Upload { path, file_name } | BuildSource::Package { path, file_name } => {
            SourceSpec::UploadedSpec {
                url: cx.settings.internal_upload_url(path),
                file_name: file_name.clone(),
            }
        }
        BuildSource::Method { method } => SourceSpec::Method { method: method.clone() },
    }
}

/// The import into DistGit of the SRPM that was uploaded or made.
fn import(tx: &mut Conn, cx: &Context, view: &BuildView) -> Result<(), OpError> {
    let import = import_of(tx, &cx.settings, view)?;
    Ok(outbox::push(tx, &DistGitTask::ImportV1(import), cx.now)?)
}

/// What DistGit is told of a build whose sources are there.
pub(super) fn import_of(conn: &mut Conn, settings: &Settings, view: &BuildView) -> Result<Import, OpError> {
    let build = &view.build;
    let srpm_url = match (&build.srpm_url, &build.source) {
        (Some(made), _) => made.clone(),
        (None, BuildSource::Upload { path, .. } | BuildSource::Package { path, .. }) => {
            settings.internal_upload_url(path)
        }
        (None, BuildSource::Link { url }) => url.clone(),
        (None, BuildSource::Method { .. }) => {
            return Err(StoreError::Absent(format!("the source package of build {}", build.id)).into());
        }
    };
    let branches = branches(conn, view)?;
    Ok(Import { build: build.id, project: build.project.clone(), srpm_url, branches })
}

/// The chosen chroots, or all that are enabled now.
fn branches(tx: &mut Conn, view: &BuildView) -> Result<Vec<Branch>, OpError> {
    let all = project_chroots::list(tx, view.build.project_id)?;
    let is_wanted = |chroot: &&ProjectChroot| match view.chroots.as_slice() {
        [] => chroot.is_buildable(),
        chosen => chosen.iter().any(|wanted| wanted.chroot == *chroot.name()),
    };
    let branch =
        |chroot: &ProjectChroot| Branch { chroot: chroot.name().clone(), branch: chroot.mock.branch.clone() };
    Ok(all.iter().filter(is_wanted).map(branch).collect())
}

/// Every chroot that waits for a builder or has one, unless the build waits for another batch.
fn chroots(tx: &mut Conn, cx: &Context, view: &BuildView) -> Result<(), OpError> {
    let is_ready = |chroot: &&BuildChroot| {
        matches!(chroot.state, ChrootState::Pending | ChrootState::Starting | ChrootState::Running)
    };
    let ready: Vec<&BuildChroot> = view.chroots.iter().filter(is_ready).collect();
    if ready.is_empty() || batch::is_blocked(tx, view)? {
        return Ok(());
    }
    let project = projects::get(tx, view.build.project_id)?;
    for chroot in ready {
        rpm(tx, cx, (&view.build, &project), chroot)?;
    }
    Ok(())
}

/// A chroot that needs another attempt. It was begun before, so no batch holds it.
pub(super) fn chroot(
    tx: &mut Conn,
    cx: &Context,
    view: &BuildView,
    chroot: &BuildChroot,
) -> Result<(), OpError> {
    let project = projects::get(tx, view.build.project_id)?;
    rpm(tx, cx, (&view.build, &project), chroot)
}

/// One chroot; what the source phase found is known by now.
fn rpm(tx: &mut Conn, cx: &Context, of: (&Build, &Project), chroot: &BuildChroot) -> Result<(), OpError> {
    let (build, project) = of;
    let (Some(header), Some(commit)) = (&build.header, &chroot.commit) else {
        return Err(StoreError::Absent(format!("the source of task {}", chroot.task())).into());
    };
    let own = project_chroots::find(tx, project.id, chroot.chroot.as_str())?
        .ok_or_else(|| StoreError::Absent(format!("chroot {} of {}", chroot.chroot, build.project)))?;
    let work = RpmWork {
        context: context(build),
        attempt: chroot.attempt,
        source: commit.clone(),
        header: header.clone(),
        environment: environment::environment(tx, &cx.settings, (project, &own, &build.dir), &build.options)?,
        limits: limits(cx, build),
        grant: grant::grant(cx, &build.project, chroot.task().to_string()),
    };
    Ok(outbox::push(tx, &BackendTask::RpmBuildV1(work), cx.now)?)
}

fn context(build: &Build) -> BuildContext {
    let submitter = build.submitter.as_ref().map_or("nobody", |name| name.as_str());
    BuildContext {
        build: build.id,
        project: build.project.clone(),
        dir: build.dir.clone(),
        sandbox: format!("{}--{submitter}", build.project),
        background: build.options.is_background,
    }
}

fn limits(cx: &Context, build: &Build) -> Limits {
    Limits { timeout_s: build.options.timeout_s, ..cx.settings.limits.clone() }
}

/// Orders an action: the row and, by the outbox, its message, with leave to sign where it needs some.
pub(super) fn act(
    tx: &mut Conn,
    cx: &Context,
    kind: ActionKind,
    project: &ProjectRef,
    message: impl FnOnce(ActionId) -> ActionMessage,
) -> Result<ActionId, OpError> {
    let (id, message) = actions::insert(tx, kind, project, cx.now, message)?;
    grant::granted(cx, id, &message).push(tx, cx.now)?;
    Ok(id)
}

/// A key pair for a new project.
pub(super) fn key(
    tx: &mut Conn,
    cx: &Context,
    project: &Project,
    algorithm: KeyAlgorithm,
) -> Result<(), OpError> {
    let reference = project.reference();
    let message = |action| {
        let create = CreateKey { action, project: reference.clone(), algorithm };
        ActionMessage::Keygen(KeygenTask::CreateKeyV1(create))
    };
    act(tx, cx, ActionKind::CreateKey, &reference, message).map(drop)
}

/// The repositories of some directories and chroots; nothing to do without any.
pub(super) fn publish(
    tx: &mut Conn,
    cx: &Context,
    project: &Project,
    dirs: Vec<DirName>,
    chroots: Vec<ChrootName>,
) -> Result<(), OpError> {
    let wish = PublishRepositories {
        action: ActionId(0),
        project: project.reference(),
        dirs,
        chroots,
        from_scratch: false,
        comps: None,
        devel: Some(project.settings.devel_mode),
        grant: None,
    };
    publish_as(tx, cx, wish)
}

/// As `wish` says, with a number of its own.
pub(super) fn publish_as(tx: &mut Conn, cx: &Context, wish: PublishRepositories) -> Result<(), OpError> {
    if wish.dirs.is_empty() || wish.chroots.is_empty() {
        return Ok(());
    }
    let project = wish.project.clone();
    let message =
        |action| ActionMessage::Backend(BackendTask::PublishV1(PublishRepositories { action, ..wish }));
    act(tx, cx, ActionKind::Publish, &project, message).map(drop)
}

/// All repositories of a project: every directory, every chroot that is built for.
pub(super) fn publish_all(
    tx: &mut Conn,
    cx: &Context,
    project: &Project,
    from_scratch: bool,
) -> Result<(), OpError> {
    let dirs = project_dirs::list(tx, project.id)?.into_iter().map(|dir| dir.name).collect();
    let chroots = project_chroots::list_buildable(tx, project.id)?;
    let wish = PublishRepositories {
        action: ActionId(0),
        project: project.reference(),
        dirs,
        chroots: chroots.iter().map(|chroot| chroot.name().clone()).collect(),
        from_scratch,
        comps: None,
        devel: Some(project.settings.devel_mode),
        grant: None,
    };
    publish_as(tx, cx, wish)
}
