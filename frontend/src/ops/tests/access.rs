use coppice_model::UnixTime;
use coppice_store::ApiToken;

use super::world::{F43, NOW, World};
use crate::ops::{self, OpError, ProjectChanges};

pub fn a_login_works_until_its_token_ends(world: &World) {
    let alice = world.member("alice");
    let token = |login: &str| ApiToken {
        login: login.into(),
        token_hash: "hash".into(),
        expires_at: UnixTime(NOW + 100),
    };
    let (id, first) = (alice.id, token("first"));
    world.write(move |tx, cx| ops::renew_token(tx, id, &first, cx.now)).unwrap();
    let ask = |login: &'static str, hash: &'static str, at: i64| {
        world.read(move |conn| ops::authenticate(conn, login, hash, UnixTime(at)))
    };
    assert_eq!(ask("first", "hash", NOW + 99).unwrap().name, alice.name);
    for (login, hash, at) in [("first", "hash", NOW + 100), ("first", "other", NOW), ("nobody", "hash", NOW)]
    {
        assert!(matches!(ask(login, hash, at), Err(OpError::Unauthenticated)), "{login} {hash} {at}");
    }
    let second = token("second");
    world.write(move |tx, cx| ops::renew_token(tx, id, &second, cx.now)).unwrap();
    assert!(ask("first", "hash", NOW).is_err() && ask("second", "hash", NOW).is_ok());
}

pub fn strangers_may_read_only(world: &World) {
    let (alice, bob, root) = (world.member("alice"), world.member("bob"), world.user("root", true));
    let project = world.project(&alice, "tools", &[F43]);
    let build = world.pending(&alice, &project, &[F43]);
    let forbidden = |result: Result<(), OpError>| match result.unwrap_err() {
        OpError::Forbidden(text) => text,
        other => panic!("{other}"),
    };
    assert_eq!(
        forbidden(world.submit(&bob, &world.request(&project)).map(drop)),
        "User 'bob' is not allowed to build in 'alice/tools'"
    );
    assert_eq!(
        forbidden(world.edit(&bob, &project, ProjectChanges::default()).map(drop)),
        "Only owners and admins may update their projects."
    );
    assert_eq!(forbidden(world.cancel(&bob, build).map(drop)), "You are not allowed to cancel this build.");
    let (by, doomed) = (bob.clone(), project.clone());
    assert_eq!(
        forbidden(world.write(move |tx, cx| ops::delete_project(tx, cx, &by, &doomed))),
        "Only owners may delete their projects."
    );
    let (by, project) = (bob, project);
    assert_eq!(
        forbidden(world.write(move |tx, cx| ops::regenerate_repos(tx, cx, &by, &project))),
        "Only owners and admins may update their projects."
    );
    assert!(world.sent().is_empty());
    world.cancel(&root, build).unwrap();
}
