//! A copy of a project under another owner or name: settings, packages and their newest good builds, which the backend
//! copies and signs with the new project's key (contract section 7.5).

use std::collections::BTreeMap;

use coppice_model::{
    ActionId, BuildId, ChrootName, DirName, OwnerName, ProjectRef,
    messages::{BackendTask, Fork, ForkedBuild},
    state::{ChrootState, SourceState},
};
use coppice_store::{
    ActionKind, ActionMessage, Build, BuildChroot, BuildView, ChrootSettings, Conn, MockChroot,
    PackageSettings, Page, Project, ProjectChroot, ProjectSettings, build_chroots, builds, built_packages,
    packages, project_chroots, projects,
};

use super::{Caller, Context, OpError, Problem, create_project, order, rights};

/// Copr: larger ones only by admins.
const MOST_PACKAGES: usize = 1_000;

/// Where the copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkWish {
    pub ownername: Option<String>,
    pub name: String,
    /// It may be a project that exists.
    pub confirm: bool,
}

/// The copy, with its results on their way.
pub fn fork_project(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    source: &Project,
    wish: &ForkWish,
) -> Result<Project, OpError> {
    rights::ensure_whole(by)?;
    let known = packages::list(tx, source.id, Page::ALL)?;
    if known.len() > MOST_PACKAGES && !by.user.is_admin {
        let text = format!("Only admins may fork a project of more than {MOST_PACKAGES} packages.");
        return Err(OpError::Forbidden(text));
    }
    let owner = owner(tx, by, wish)?;
    let target = match projects::find(tx, owner.as_str(), &wish.name)? {
        Some(existing) => into_existing(tx, by, source, existing, wish)?,
        None => create(tx, cx, source, (owner, &wish.name))?,
    };
    projects::update_origin(tx, target.id, source.id)?;
    for package in known {
        if packages::find(tx, target.id, package.name.as_str())?.is_none() {
            // What a forge says of the source is not meant for the copy.
            let settings = PackageSettings { webhook_rebuild: false, ..package.settings };
            packages::insert(tx, target.id, &package.name, (package.source.as_ref(), &settings), cx.now)?;
        }
    }
    copy_results(tx, cx, by, source, &target)?;
    Ok(target)
}

fn owner(conn: &mut Conn, by: &Caller, wish: &ForkWish) -> Result<OwnerName, OpError> {
    let raw = wish.ownername.as_deref().unwrap_or(by.user.name.as_str());
    match raw.parse() {
        Ok(owner) if rights::is_owner(conn, &by.user, &owner)? => Ok(owner),
        _ => Err(OpError::Invalid(vec![Problem::new("owner", "Not a valid choice.")])),
    }
}

fn into_existing(
    conn: &mut Conn,
    by: &Caller,
    source: &Project,
    existing: Project,
    wish: &ForkWish,
) -> Result<Project, OpError> {
    rights::ensure_can_edit(conn, by, &existing)?;
    if existing.id == source.id {
        return Err(OpError::Refused("A project cannot be forked into itself: choose another name.".into()));
    }
    if !wish.confirm {
        return Err(OpError::Refused(format!(
            "You are about to fork into existing project: {}\nPlease use --confirm if you really want to do this",
            wish.name
        )));
    }
    Ok(existing)
}

/// Copr: everything is copied but the contact, protection, opting out of pruning, secrets and roles.
fn create(
    tx: &mut Conn,
    cx: &Context,
    source: &Project,
    (owner, name): (OwnerName, &str),
) -> Result<Project, OpError> {
    let mut problems = Vec::new();
    let name = create_project::checked_name(&owner, name, false, &mut problems);
    let name = name.ok_or(OpError::Invalid(problems))?;
    let settings = ProjectSettings {
        contact: None,
        persistent: false,
        auto_prune: true,
        key_end_is_chosen: false,
        ..source.settings.clone()
    };
    let mut own = project_chroots::list(tx, source.id)?;
    own.retain(|chroot| chroot.is_enabled);
    let chroots: Vec<MockChroot> = own.iter().map(|chroot| chroot.mock.clone()).collect();
    let reference = ProjectRef { owner, name };
    let target = create_project::store(tx, cx, &reference, (&settings, &chroots, Default::default()))?;
    for chroot in project_chroots::list(tx, target.id)? {
        if let Some(same) = own.iter().find(|same| same.name() == chroot.name()) {
            let settings = ChrootSettings { delete_on: None, ..same.settings.clone() };
            project_chroots::update_settings(tx, chroot.id, &settings)?;
        }
    }
    Ok(target)
}

fn copy_results(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    source: &Project,
    target: &Project,
) -> Result<(), OpError> {
    let chroots = project_chroots::list_buildable(tx, target.id)?;
    let names: Vec<ChrootName> = chroots.iter().map(|chroot| chroot.name().clone()).collect();
    let mut by_build: BTreeMap<BuildId, Vec<ChrootName>> = BTreeMap::new();
    let main = DirName::from(&source.name);
    for (_, chroot, build) in builds::newest_good_in_chroots(tx, source.id, &main, &names)? {
        by_build.entry(build).or_default().push(chroot);
    }
    let ids: Vec<BuildId> = by_build.keys().copied().collect();
    let mut forked = Vec::new();
    for view in builds::list_by_id(tx, &ids)? {
        let wanted = by_build.remove(&view.build.id).unwrap_or_default();
        forked.extend(copy_build(tx, cx, (by, target), &view, &wanted)?);
    }
    let has_comps = |chroot: &&ProjectChroot| chroot.settings.comps_name.is_some();
    let comps_of: Vec<ChrootName> =
        chroots.iter().filter(has_comps).map(|chroot| chroot.name().clone()).collect();
    if forked.is_empty() && comps_of.is_empty() {
        return Ok(());
    }
    let (from, project) = (source.reference(), target.reference());
    let message = |action: ActionId| {
        let fork = Fork { action, from, project: project.clone(), builds: forked, comps_of, grant: None };
        ActionMessage::Backend(BackendTask::ForkV1(fork))
    };
    order::act(tx, cx, ActionKind::Fork, &target.reference(), message).map(drop)
}

/// A build in the other project that ended as the first one did; only these chroots.
fn copy_build(
    tx: &mut Conn,
    cx: &Context,
    (by, target): (&Caller, &Project),
    view: &BuildView,
    wanted: &[ChrootName],
) -> Result<Vec<ForkedBuild>, OpError> {
    let (old, Some(package)) = (&view.build, view.build.package()) else { return Ok(Vec::new()) };
    let row = builds::NewBuildRow {
        project: target.id,
        dir: DirName::from(&target.name),
        package: Some(package.clone()),
        submitter: by.user.id,
        source: old.source.clone(),
        source_state: SourceState::Succeeded,
        options: old.options.clone(),
        batch: None,
    };
    let id = builds::insert(tx, &row, cx.now)?;
    let new = super::find_build(tx, id)?.build;
    let whole = Build {
        header: old.header.clone(),
        source_started_on: old.source_started_on,
        source_ended_on: old.source_ended_on,
        ..new.clone()
    };
    builds::update_source(tx, &new, &whole)?;
    let built = built_packages::list(tx, old.id)?;
    let mut forked = Vec::new();
    for chroot in view.chroots.iter().filter(|chroot| wanted.contains(&chroot.chroot)) {
        let fresh = build_chroots::insert(tx, id, &chroot.chroot)?;
        let copy = BuildChroot {
            state: ChrootState::Forked,
            started_on: chroot.started_on,
            ended_on: chroot.ended_on,
            result_dir: Some(format!("{}-{package}", id.padded())),
            commit: chroot.commit.clone(),
            ..fresh.clone()
        };
        build_chroots::update(tx, &fresh, &copy)?;
        let of_chroot = built.iter().filter(|(name, _)| *name == chroot.chroot);
        let nevras: Vec<_> = of_chroot.map(|(_, nevra)| nevra.clone()).collect();
        built_packages::insert(tx, fresh.id, &nevras)?;
        let (chroot, package) = (chroot.chroot.clone(), package.clone());
        forked.push(ForkedBuild { chroot, package, from: old.id, to: id });
    }
    Ok(forked)
}
