use coppice_model::{
    UnixTime,
    messages::{BackendTask, Comps},
};
use coppice_store::{Project, ProjectSettings, groups, project_chroots, projects};

use super::world::{EPEL, F43, F43_ARM, NOW, World, key_made, strings};
use crate::ops::{self, BuildRequest, NewProject, OpError, Problem, ProjectChanges};

fn new(owner: &str, name: &str, chroots: &[&str]) -> NewProject {
    let settings = ProjectChanges { chroots: Some(strings(chroots)), ..ProjectChanges::default() };
    NewProject { ownername: owner.into(), name: name.into(), settings, ..NewProject::default() }
}

fn problems(error: OpError) -> Vec<String> {
    match error {
        OpError::Invalid(problems) => {
            problems.into_iter().map(|Problem { field, message }| format!("{field}: {message}")).collect()
        }
        other => panic!("{other}"),
    }
}

fn forbidden(error: OpError) -> String {
    match error {
        OpError::Forbidden(text) => text,
        other => panic!("{other}"),
    }
}

pub fn a_new_project_orders_its_key_and_its_repositories(world: &World) {
    let alice = world.member("alice");
    let project = world.create(&alice, new("alice", "tools", &[EPEL, F43])).unwrap();
    let sent = world.sent();
    assert_eq!(sent[0].key, "key/alice/tools");
    let BackendTask::PublishV1(publish) = sent[1].backend() else { panic!("{sent:?}") };
    assert_eq!(publish.project, project.reference());
    assert_eq!(publish.dirs, ["tools".parse().unwrap()]);
    assert_eq!(publish.chroots, [F43.parse().unwrap(), EPEL.parse().unwrap()]);
    assert!(!publish.from_scratch && sent.len() == 2);
}

pub fn a_made_key_publishes_everything_once_more(world: &World) {
    let alice = world.member("alice");
    let project = world.create(&alice, new("alice", "tools", &[F43])).unwrap();
    let created = world.sent().remove(0);
    world.heard(key_made(&created));
    let sent = world.sent();
    assert!(matches!(sent[0].backend(), BackendTask::PublishV1(_)) && sent.len() == 1);
    let id = project.id;
    let known = world.read(move |conn| Ok(projects::get(conn, id)?)).unwrap();
    assert_eq!(known.key_fingerprint.as_deref(), Some("ABCD"));
    world.heard(key_made(&created));
    assert!(world.sent().is_empty());
}

pub fn problems_of_a_form_come_together(world: &World) {
    let alice = world.member("alice");
    let refused = |new: NewProject| problems(world.create(&alice, new).unwrap_err());
    assert_eq!(
        refused(new("alice", "", &[])),
        ["name: This field is required.", "chroots: '[]' is not a valid choice for this field."]
    );
    assert_eq!(refused(new("alice", "12", &[F43])), ["name: Project's name can not be just number."]);
    for bad in ["-rf", "..", "a/b", "ünï"] {
        assert_eq!(
            refused(new("alice", bad, &[F43])),
            ["name: Name must contain only letters, digits, underscores, dashes and dots."],
            "{bad}"
        );
    }
    let mut many = new("alice", "tools", &[F43, "wrong"]);
    many.settings.homepage = Some("nowhere".into());
    many.settings.contact = Some("nobody".into());
    many.settings.repo_priority = Some(0);
    many.settings.delete_after_days = Some(721);
    many.settings.additional_repos = Some(strings(&["copr://alice/nope", "ftp://x/y"]));
    assert_eq!(
        refused(many),
        [
            "chroots: 'wrong' is not a valid choice for this field.",
            "homepage: Invalid URL.",
            "contact: Contact must be email address or URL",
            "delete_after_days: Number must be between -1 and 720.",
            "repo_priority: Number must be at least 1.",
            "additional_repos: Project alice/nope does not exist.",
            "additional_repos: A list of http[s] URLs separated by whitespace characters is needed \
             ('ftp://x/y' doesn't seem to be a valid URL).",
        ]
    );
    assert!(world.sent().is_empty());
}

pub fn a_name_is_taken_for_its_owner_only(world: &World) {
    let (alice, bob) = (world.member("alice"), world.member("bob"));
    let team = "@team".parse().unwrap();
    let member = alice.user.id;
    world
        .write(move |tx, cx| {
            let group = groups::insert(tx, &team, cx.now)?;
            Ok(groups::insert_member(tx, &group, member)?)
        })
        .unwrap();
    let first = world.create(&alice, new("alice", "tools", &[F43])).unwrap();
    world.create(&bob, new("bob", "tools", &[F43])).unwrap();
    world.create(&alice, new("@team", "tools", &[F43])).unwrap();
    world.sent();
    assert_eq!(
        problems(world.create(&alice, new("alice", "tools", &[F43])).unwrap_err()),
        ["name: You already have a project named 'tools'."]
    );
    assert_eq!(
        problems(world.create(&alice, new("@team", "tools", &[F43])).unwrap_err()),
        ["name: Group team (fas: team) already has a project named 'tools'."]
    );
    let again = NewProject { exist_ok: true, ..new("alice", "tools", &[EPEL]) };
    assert_eq!(world.create(&alice, again).unwrap(), first);
    assert!(world.sent().is_empty());
    assert_eq!(
        forbidden(world.create(&bob, new("alice", "x", &[F43])).unwrap_err()),
        "You were authorized as 'bob' user without permissions to access projects of user 'alice'"
    );
    assert_eq!(
        forbidden(world.create(&bob, new("@team", "x", &[F43])).unwrap_err()),
        "User 'bob' doesn't have access to the copr group 'team' (fas_name='team')"
    );
    let missing = |owner: &str| world.create(&bob, new(owner, "x", &[F43])).unwrap_err().to_string();
    assert_eq!(missing("nobody"), "No such user `nobody'");
    assert_eq!(missing("@nogroup"), "Group nogroup does not exist.");
}

fn everything_changed() -> ProjectChanges {
    ProjectChanges {
        chroots: None,
        description: Some("# Tools\n'\"%_\\ ünï".into()),
        instructions: Some("none".into()),
        homepage: Some("https://example.com/".into()),
        contact: Some("a@example.com".into()),
        additional_repos: Some(strings(&["copr://alice/dep", "https://x/$chroot/?priority=3"])),
        unlisted_on_hp: Some(true),
        devel_mode: Some(true),
        enable_net: Some(true),
        auto_prune: None,
        bootstrap: Some("on".into()),
        isolation: Some("simple".into()),
        follow_fedora_branching: Some(false),
        delete_after_days: Some(2),
        multilib: Some(true),
        module_hotfixes: Some(true),
        appstream: Some(true),
        fedora_review: Some(true),
        runtime_dependencies: Some(strings(&["https://y/"])),
        packit_forge_projects_allowed: Some(strings(&["https://github.com/packit/ogr/"])),
        repo_priority: Some(7),
    }
}

fn everything_kept() -> ProjectSettings {
    ProjectSettings {
        description: "# Tools\n'\"%_\\ ünï".into(),
        unlisted_on_hp: true,
        delete_on: Some(UnixTime(NOW + 2 * 86_400)),
        instructions: "none".into(),
        homepage: Some("https://example.com/".into()),
        contact: Some("a@example.com".into()),
        additional_repos: strings(&["copr://alice/dep", "https://x/$chroot/?priority=3"]),
        devel_mode: true,
        enable_net: true,
        persistent: false,
        auto_prune: true,
        bootstrap: "on".into(),
        isolation: "simple".into(),
        follow_fedora_branching: false,
        multilib: true,
        module_hotfixes: true,
        appstream: true,
        fedora_review: true,
        runtime_dependencies: strings(&["https://y/"]),
        packit_forge_projects_allowed: strings(&["github.com/packit/ogr"]),
        repo_priority: Some(7),
        key_end_is_chosen: false,
    }
}

pub fn every_setting_is_kept(world: &World) {
    let alice = world.member("alice");
    world.project(&alice, "dep", &[F43]);
    let project = world.project(&alice, "tools", &[F43]);
    let edited = world.edit(&alice, &project, everything_changed()).unwrap();
    let expected = everything_kept();
    assert_eq!(edited.settings, expected);
    let same = world.edit(&alice, &project, ProjectChanges::default()).unwrap();
    assert_eq!(same.settings, expected);
    let cleared = ProjectChanges {
        homepage: Some(String::new()),
        additional_repos: Some(vec![]),
        delete_after_days: Some(-1),
        repo_priority: Some(99),
        ..ProjectChanges::default()
    };
    let after = world.edit(&alice, &project, cleared).unwrap().settings;
    assert_eq!(
        (after.homepage, after.additional_repos, after.delete_on, after.repo_priority),
        (None, vec![], None, None)
    );
}

fn enabled(world: &World, project: &Project) -> Vec<String> {
    let id = project.id;
    let chroots = world.read(move |conn| Ok(project_chroots::list_buildable(conn, id)?)).unwrap();
    chroots.iter().map(|chroot| chroot.name().to_string()).collect()
}

pub fn only_new_chroots_are_published_after_an_edit(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let to =
        |chroots: &[&str]| ProjectChanges { chroots: Some(strings(chroots)), ..ProjectChanges::default() };
    let published = || -> Vec<String> {
        let sent = world.sent();
        let BackendTask::PublishV1(publish) = sent[0].backend() else { panic!("{sent:?}") };
        assert_eq!(sent.len(), 1);
        publish.chroots.iter().map(ToString::to_string).collect()
    };
    world.edit(&alice, &project, to(&[F43, F43_ARM])).unwrap();
    assert_eq!(published(), [F43_ARM]);
    assert_eq!(enabled(world, &project), [F43, F43_ARM]);
    world.edit(&alice, &project, to(&[F43, EPEL])).unwrap();
    assert_eq!(published(), [EPEL]);
    world.edit(&alice, &project, to(&[])).unwrap();
    assert_eq!(enabled(world, &project), [F43, EPEL]);
    assert!(world.sent().is_empty());
    let error = world.edit(&alice, &project, to(&["wrong"])).unwrap_err();
    assert_eq!(problems(error), ["chroots: 'wrong' is not a valid choice for this field."]);
    let devel = ProjectChanges { devel_mode: Some(true), ..ProjectChanges::default() };
    world.edit(&alice, &project, devel).unwrap();
    assert_eq!(published(), [F43, EPEL]);
}

pub fn what_only_admins_may_set_is_refused_to_others(world: &World) {
    let (alice, root) = (world.member("alice"), world.user("root", true));
    let keeping = |owner: &str| NewProject { persistent: Some(true), ..new(owner, "kept", &[F43]) };
    let mut unpruned = new("alice", "x", &[F43]);
    unpruned.settings.auto_prune = Some(false);
    let stored = NewProject { storage: Some("pulp".into()), ..new("alice", "x", &[F43]) };
    for (new, text) in [
        (keeping("alice"), "Non-admin cannot create persistent project."),
        (unpruned, "Non-admin cannot disable auto-prunning."),
        (stored, "Non-admin cannot set storage"),
    ] {
        assert_eq!(forbidden(world.create(&alice, new).unwrap_err()), text);
    }
    let kept = world.create(&root, keeping("root")).unwrap();
    assert_eq!(
        forbidden(world.write(move |tx, cx| ops::delete_project(tx, cx, &root, &kept)).unwrap_err()),
        "This project is protected against deletion."
    );
}

pub fn a_project_with_running_builds_stays(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let build = world.pending(&alice, &project, &[F43]);
    let error = world.write(move |tx, cx| ops::delete_project(tx, cx, &alice, &project)).unwrap_err();
    assert_eq!(error.to_string(), format!("Build(s) {build} are still running.\n"));
    assert!(world.sent().is_empty());
}

pub fn a_deleted_project_is_gone_with_all_its_directories(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let mut request = world.request(&project);
    request.project_dirname = Some("tools:custom:x".into());
    let build = world.submit(&alice, &request).unwrap().build.id;
    world.cancel(&alice, build).unwrap();
    world.sent();
    let (by, doomed) = (alice.clone(), project.clone());
    world.write(move |tx, cx| ops::delete_project(tx, cx, &by, &doomed)).unwrap();
    let sent = world.sent();
    let BackendTask::DeleteProjectV1(delete) = sent[0].backend() else { panic!("{sent:?}") };
    assert_eq!(delete.dirs, ["tools".parse().unwrap(), "tools:custom:x".parse().unwrap()]);
    let error = world.read(|conn| ops::find_project(conn, "alice", "tools")).unwrap_err();
    assert_eq!(error.to_string(), "Project alice/tools does not exist.");
    let error = world.read(move |conn| ops::find_build(conn, build)).unwrap_err();
    assert_eq!(error.to_string(), format!("Build {build} does not exist."));
    let next = world.project(&alice, "tools", &[F43]);
    assert!(next.id > project.id);
    assert!(world.submit(&alice, &world.request(&next)).unwrap().build.id > build);
}

pub fn regenerating_orders_all_directories_from_scratch(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    world.write(move |tx, cx| ops::regenerate_repos(tx, cx, &alice, &project)).unwrap();
    let sent = world.sent();
    let BackendTask::PublishV1(publish) = sent[0].backend() else { panic!("{sent:?}") };
    assert!(publish.from_scratch && publish.chroots.len() == 2 && publish.dirs.len() == 1);
}

pub fn new_comps_go_to_the_repositories_of_their_chroot(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, EPEL]);
    let edit = |changes: ops::ChrootChanges| {
        let (by, of) = (alice.clone(), project.clone());
        world
            .write(move |tx, cx| {
                let chroot = ops::find_project_chroot(tx, &of, F43)?;
                ops::edit_chroot(tx, cx, &by, (&of, &chroot), &changes)
            })
            .unwrap();
        let sent = world.sent().into_iter().map(|sent| match sent.backend() {
            BackendTask::PublishV1(publish) => publish,
            other => panic!("{other:?}"),
        });
        sent.collect::<Vec<_>>()
    };
    let comps = ops::NewComps { name: "groups.xml".into(), content: "<comps/>".into() };
    let sent = edit(ops::ChrootChanges { comps: Some(comps), ..Default::default() });
    assert_eq!(sent[0].chroots, [F43.parse().unwrap()]);
    assert_eq!(sent[0].comps, Some(Comps { content: Some("<comps/>".into()) }));
    assert!(edit(ops::ChrootChanges { with_opts: Some(strings(&["x"])), ..Default::default() }).is_empty());
    let sent = edit(ops::ChrootChanges { delete_comps: true, ..Default::default() });
    assert_eq!(sent[0].comps, Some(Comps { content: None }));
    assert!(
        edit(ops::ChrootChanges { delete_comps: true, ..Default::default() }).is_empty(),
        "there are none"
    );
}

pub fn a_project_goes_when_its_time_is_over_and_nothing_runs(world: &World) {
    let alice = world.member("alice");
    for name in ["idle", "busy", "lasting"] {
        let project = world.project(&alice, name, &[F43]);
        if name != "lasting" {
            let changes = ProjectChanges { delete_after_days: Some(2), ..ProjectChanges::default() };
            world.edit(&alice, &project, changes).unwrap();
        }
        if name == "busy" {
            world.pending(&alice, &project, &[F43]);
        }
    }
    let left = || {
        let all = world.read(|conn| Ok(projects::list(conn, None, coppice_store::Page::ALL)?)).unwrap();
        all.into_iter().map(|project| project.name.to_string()).collect::<Vec<_>>()
    };
    world.app.clock.advance(2 * 86_400 - 1);
    assert_eq!(world.write(ops::expire_projects).unwrap(), 0);
    world.app.clock.advance(1);
    world.sent();
    assert_eq!(world.write(ops::expire_projects).unwrap(), 1);
    assert!(matches!(world.sent().remove(0).backend(), BackendTask::DeleteProjectV1(_)));
    assert_eq!(left(), ["busy", "lasting"]);
    assert_eq!(world.write(ops::expire_projects).unwrap(), 0);
}

pub fn a_directory_of_a_pull_request_goes_when_nothing_is_built_for_long(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    for dir in ["tools:pr:1", "tools:pr:2", "tools:custom:x"] {
        let request = BuildRequest { project_dirname: Some(dir.into()), ..world.request(&project) };
        world.submit(&alice, &request).unwrap();
    }
    world.app.clock.advance(39 * 86_400);
    let again = BuildRequest { project_dirname: Some("tools:pr:2".into()), ..world.request(&project) };
    world.submit(&alice, &again).unwrap();
    assert_eq!(world.write(ops::expire_pull_dirs).unwrap(), 0);
    world.app.clock.advance(2 * 86_400);
    world.sent();
    assert_eq!(world.write(ops::expire_pull_dirs).unwrap(), 1);
    let BackendTask::DeleteProjectV1(delete) = world.sent().remove(0).backend() else { panic!("no order") };
    assert_eq!(delete.dirs, ["tools:pr:1".parse().unwrap()]);
    let id = project.id;
    let left = world.read(move |conn| Ok(coppice_store::project_dirs::list(conn, id)?)).unwrap();
    let left: Vec<_> = left.iter().map(|dir| dir.name.as_str()).collect();
    assert_eq!(left, ["tools", "tools:pr:2", "tools:custom:x"]);
    assert_eq!(world.write(ops::expire_pull_dirs).unwrap(), 0);
}
