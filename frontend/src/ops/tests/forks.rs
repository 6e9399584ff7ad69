use coppice_model::{
    messages::{BackendTask, Fork},
    state::{BuildState, ChrootState},
    work::{Failure, FailureCause, TaskOutcome},
};
use coppice_store::{BuildFilter, Page, Project, builds, built_packages, packages, project_chroots};

use super::world::{EPEL, F43, Sent, World, finished, published, rpm, strings};
use crate::ops::{self, Caller, ForkWish, OpError, ProjectChanges};

fn fork(world: &World, by: &Caller, source: &Project, wish: ForkWish) -> Result<Project, OpError> {
    let (by, source) = (by.clone(), source.clone());
    world.write(move |tx, cx| ops::fork_project(tx, cx, &by, &source, &wish))
}

fn to(owner: &str, name: &str, confirm: bool) -> ForkWish {
    ForkWish { ownername: Some(owner.into()), name: name.into(), confirm }
}

fn orders(sent: Vec<Sent>) -> Vec<Fork> {
    let fork = |sent: &Sent| match serde_json::from_str(&sent.body) {
        Ok(BackendTask::ForkV1(fork)) => Some(fork),
        _ => None,
    };
    sent.iter().filter_map(fork).collect()
}

/// Two builds of `hello`: the first good everywhere, the second in one chroot only.
fn source(world: &World, alice: &Caller) -> Project {
    let project = world.project(alice, "tools", &[F43, EPEL]);
    let contact = ProjectChanges {
        contact: Some("a@example.com".into()),
        description: Some("Tools".into()),
        ..ProjectChanges::default()
    };
    let project = world.edit(alice, &project, contact).unwrap();
    let (by, of) = (alice.clone(), project.clone());
    let changes = ops::ChrootChanges { with_opts: Some(strings(&["x"])), ..Default::default() };
    world
        .write(move |tx, cx| {
            let chroot = ops::find_project_chroot(tx, &of, F43)?;
            ops::edit_chroot(tx, cx, &by, (&of, &chroot), &changes)
        })
        .unwrap();
    let failed = TaskOutcome::Failed(Failure { cause: FailureCause::Build, message: "no".into() });
    for of_epel in [published(), failed] {
        let build = world.pending(alice, &project, &[F43, EPEL]);
        for (chroot, outcome) in [(F43, published()), (EPEL, of_epel)] {
            world.take(&rpm(build, chroot), 1);
            world.heard(finished(&rpm(build, chroot), 1, outcome));
        }
    }
    world.sent();
    project
}

pub fn a_fork_takes_settings_packages_and_the_newest_good_results(world: &World) {
    let (alice, bob) = (world.member("alice"), world.member("bob"));
    let tools = source(world, &alice);
    let mine = fork(world, &bob, &tools, to("bob", "mine", false)).unwrap();
    assert_eq!((mine.reference().to_string().as_str(), &mine.settings.contact), ("bob/mine", &None));
    assert_eq!(mine.settings.description, "Tools");
    let sent = world.sent();
    assert!(sent.iter().any(|sent| sent.body.contains("create_key_v1")), "it has a key of its own");
    let order = orders(sent).remove(0);
    assert_eq!(
        (order.from.to_string().as_str(), order.project.to_string().as_str()),
        ("alice/tools", "bob/mine")
    );
    let id = mine.id;
    let (made, package, chroots) = world
        .read(move |conn| {
            let filter = BuildFilter { project: Some(id), ..BuildFilter::default() };
            let made = builds::list(conn, &filter, Page::ALL)?;
            Ok((made, packages::find(conn, id, "hello")?, project_chroots::list(conn, id)?))
        })
        .unwrap();
    assert!(package.is_some());
    assert_eq!(chroots[0].settings.with_opts, ["x"]);
    // The newest of each chroot: one build for each of the two.
    assert_eq!(made.len(), 2);
    for (view, chroot) in made.iter().zip([F43, EPEL]) {
        assert_eq!(view.state(), BuildState::Forked);
        assert_eq!((view.chroots.len(), view.chroots[0].chroot.as_str()), (1, chroot));
        assert_eq!(view.chroots[0].state, ChrootState::Forked);
        let build = view.id;
        let result_dir = format!("{}-hello", build.padded());
        assert_eq!(world.view(build).chroots[0].result_dir.as_deref(), Some(result_dir.as_str()));
        assert_eq!(view.submitter.as_ref(), Some(&bob.user.name));
        assert_eq!(world.read(move |conn| Ok(built_packages::list(conn, build)?)).unwrap().len(), 2);
        let ordered = order.builds.iter().find(|forked| forked.to == build).unwrap();
        assert_eq!(ordered.chroot.as_str(), chroot);
    }
}

pub fn a_fork_goes_only_where_one_may_and_over_nothing_unasked(world: &World) {
    let (alice, bob) = (world.member("alice"), world.member("bob"));
    let tools = source(world, &alice);
    fork(world, &bob, &tools, to("bob", "mine", false)).unwrap();
    let text = |result: Result<Project, OpError>| match result.unwrap_err() {
        OpError::Invalid(problems) => format!("{}: {}", problems[0].field, problems[0].message),
        OpError::Refused(text) | OpError::Forbidden(text) => text,
        other => panic!("{other}"),
    };
    for (wish, expected) in [
        (to("alice", "x", false), "owner: Not a valid choice."),
        (to("nosuch", "x", false), "owner: Not a valid choice."),
        (
            to("bob", "mine", false),
            "You are about to fork into existing project: mine\nPlease use --confirm if you really want to do this",
        ),
        (
            to("bob", "a/b", false),
            "name: Name must contain only letters, digits, underscores, dashes and dots.",
        ),
    ] {
        assert_eq!(text(fork(world, &bob, &tools, wish)), expected);
    }
    let itself = fork(world, &alice, &tools, to("alice", "tools", true));
    assert!(text(itself).contains("cannot be forked into itself"));
    world.sent();
    fork(world, &bob, &tools, to("bob", "mine", true)).unwrap();
    assert_eq!(orders(world.sent()).len(), 1, "its newest builds are added");
}
