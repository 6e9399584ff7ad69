use coppice_model::messages::BackendTask;
use coppice_store::{ChrootSettings, project_chroots};

use super::world::{F43, World, strings};
use crate::ops::{self, BuildRequest, ProjectChanges};

const BASE: &str = "https://results.example.com/results";

fn configured(world: &World) -> (ops::Caller, coppice_store::Project) {
    let alice = world.member("alice");
    let dep = world.project(&alice, "dep", &[F43]);
    let hot = ProjectChanges { module_hotfixes: Some(true), ..ProjectChanges::default() };
    world.edit(&alice, &dep, hot).unwrap();
    let project = world.project(&alice, "tools", &[F43]);
    let changes = ProjectChanges {
        additional_repos: Some(strings(&[
            "copr://alice/dep?priority=5",
            "https://x/$chroot/$distname/$releasever/",
        ])),
        repo_priority: Some(7),
        bootstrap: Some("on".into()),
        isolation: Some("simple".into()),
        enable_net: Some(true),
        ..ProjectChanges::default()
    };
    let project = world.edit(&alice, &project, changes).unwrap();
    let id = project.id;
    world
        .write(move |tx, _| {
            let chroot = project_chroots::find(tx, id, F43)?.unwrap();
            let settings = ChrootSettings {
                additional_repos: strings(&["https://own/"]),
                additional_packages: strings(&["gcc"]),
                isolation: "nspawn".into(),
                ..ChrootSettings::default()
            };
            Ok(project_chroots::update_settings(tx, chroot.id, &settings)?)
        })
        .unwrap();
    world.sent();
    (alice, project)
}

pub fn repositories_come_in_the_contracts_order(world: &World) {
    let (alice, project) = configured(world);
    let devel = ProjectChanges { devel_mode: Some(true), ..ProjectChanges::default() };
    world.edit(&alice, &project, devel).unwrap();
    world.sent();
    let dir = Some("tools:pr:3".to_owned());
    world.submit(&alice, &BuildRequest { project_dirname: dir, ..world.request(&project) }).unwrap();
    let sent = world.sent();
    let BackendTask::SourceBuildV1(work) = sent[1].backend() else { panic!("{sent:?}") };
    let told: Vec<_> = work
        .environment
        .repositories
        .iter()
        .map(|r| (r.id.as_str(), r.baseurl.clone(), r.priority, r.module_hotfixes))
        .collect();
    assert_eq!(
        told,
        [
            ("copr_base", format!("{BASE}/alice/tools/{F43}/"), Some(7), None),
            ("copr_base_devel", format!("{BASE}/alice/tools/{F43}/devel/"), Some(7), None),
            ("copr_coprdir", format!("{BASE}/alice/tools:pr:3/{F43}/"), Some(7), None),
            ("copr_alice_dep", format!("{BASE}/alice/dep/{F43}/"), Some(5), Some(true)),
            (
                "https_x_chroot_distname_releasever",
                format!("https://x/{F43}/fedora/$releasever/"),
                None,
                None
            ),
            ("https_own", "https://own/".to_owned(), None, None),
        ]
    );
    assert_eq!(work.environment.chroot.name.as_str(), F43);
}

pub fn the_build_wins_over_the_chroot_and_the_chroot_over_the_project(world: &World) {
    let (alice, project) = configured(world);
    let environment = |request: BuildRequest| {
        world.submit(&alice, &request).unwrap();
        let sent = world.sent();
        let BackendTask::SourceBuildV1(work) = sent[0].backend() else { panic!("{sent:?}") };
        work.environment
    };
    let plain = environment(BuildRequest { isolation: Some("unchanged".into()), ..world.request(&project) });
    assert_eq!((plain.isolation.as_str(), plain.bootstrap.as_str()), ("nspawn", "on"));
    assert!(plain.enable_net && plain.additional_packages == ["gcc"]);
    let own = environment(BuildRequest {
        isolation: Some("default".into()),
        bootstrap: Some("off".into()),
        enable_net: Some(false),
        ..world.request(&project)
    });
    assert_eq!((own.isolation.as_str(), own.bootstrap.as_str(), own.enable_net), ("default", "off", false));
}

pub fn a_configuration_tells_what_a_build_would_use(world: &World) {
    let (alice, project) = configured(world);
    let settings = world.app.settings.clone();
    let of = project.clone();
    let config = world
        .read(move |conn| {
            let chroot = ops::find_project_chroot(conn, &of, F43)?;
            ops::build_config(conn, &settings, &of, &chroot)
        })
        .unwrap();
    assert_eq!((config.repos.len(), config.isolation.as_str()), (4, "nspawn"));
    let request = BuildRequest { isolation: Some("default".into()), ..world.request(&project) };
    let view = world.submit(&alice, &request).unwrap();
    let settings = world.app.settings.clone();
    let config = world.read(move |conn| ops::build_chroot_config(conn, &settings, &view, F43)).unwrap();
    assert_eq!(config.isolation, "default");
    let error = world.read(move |conn| ops::find_project_chroot(conn, &project, "x-1-y")).unwrap_err();
    assert_eq!(error.to_string(), "Chroot name x-1-y does not exist in Copr alice/tools.");
}
