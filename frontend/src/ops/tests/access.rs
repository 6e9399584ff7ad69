use coppice_model::{
    UnixTime,
    permission::{
        PermissionState::{Approved, Nothing, Request},
        Role::{Admin, Builder},
    },
};
use coppice_runtime::secret::hash_token;

use super::world::{F43, NOW, World};
use crate::ops::{self, Caller, OpError, ProjectChanges};

pub fn a_login_works_until_its_token_ends(world: &World) {
    let alice = world.member("alice");
    let renew = || {
        let by = alice.clone();
        world.write(move |tx, cx| ops::renew_token(tx, &by, cx.now)).unwrap()
    };
    let ask = |login: &str, token: &str, at: i64| {
        let (login, hash) = (login.to_owned(), hash_token(token));
        world.read(move |conn| ops::authenticate(conn, &login, &hash, UnixTime(at)))
    };
    let (first, end) = (renew(), NOW + 180 * 86_400);
    assert_eq!((first.login.len(), first.token.len(), first.expires_at.0), (20, 30, end));
    assert_eq!(ask(&first.login, &first.token, end - 1).unwrap().caller, alice);
    for (login, token, at) in [
        (first.login.as_str(), first.token.as_str(), end),
        (&first.login, "other", NOW),
        ("nobody", &first.token, NOW),
    ] {
        assert!(matches!(ask(login, token, at), Err(OpError::Unauthenticated)), "{login} {token} {at}");
    }
    let second = renew();
    assert!(ask(&first.login, &first.token, NOW).is_err() && ask(&second.login, &second.token, NOW).is_ok());
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

pub fn roles_are_asked_for_granted_and_taken(world: &World) {
    let (alice, bob) = (world.member("alice"), world.member("bob"));
    let project = world.project(&alice, "tools", &[F43]);
    let request = |by: &Caller, wishes: &[(coppice_model::permission::Role, bool)]| {
        let (by, project, wishes) = (by.clone(), project.clone(), wishes.to_vec());
        world.write(move |tx, _| ops::request_permissions(tx, &by, &project, &wishes))
    };
    let set = |by: &Caller, of: &str, role, state| {
        let (by, project, wishes) = (by.clone(), project.clone(), vec![(of.to_owned(), vec![(role, state)])]);
        world.write(move |tx, _| ops::set_permissions(tx, &by, &project, &wishes))
    };
    let refused = |error: OpError| match error {
        OpError::Refused(text) | OpError::Forbidden(text) => text,
        other => panic!("{other}"),
    };
    let builds = || world.submit(&bob, &world.request(&project)).is_ok();
    let edits = || world.edit(&bob, &project, ProjectChanges::default()).is_ok();

    assert!(request(&bob, &[(Builder, true), (Admin, true)]).unwrap());
    assert!(!request(&bob, &[(Builder, true)]).unwrap(), "it was asked for already");
    assert!(!builds() && !edits(), "a wish is no right");
    assert_eq!(
        refused(set(&bob, "bob", Builder, Approved).unwrap_err()),
        "User 'bob' can not see permissions for project 'alice/tools' (missing admin rights)"
    );
    assert_eq!(set(&alice, "bob", Builder, Approved).unwrap(), ["bob"]);
    assert!(builds() && !edits());
    assert!(set(&alice, "bob", Builder, Approved).unwrap().is_empty(), "nothing changed");
    assert_eq!(
        refused(request(&bob, &[(Builder, true)]).unwrap_err()),
        "You already are 'builder' in 'alice/tools'"
    );
    assert_eq!(set(&alice, "bob", Admin, Approved).unwrap(), ["bob"]);
    assert_eq!(set(&bob, "bob", Builder, Nothing).unwrap(), ["bob"], "an admin grants and takes");
    assert!(builds() && edits(), "who changes settings may build");
    assert!(request(&bob, &[(Admin, false)]).unwrap(), "given up");
    assert!(!builds() && !edits());
    for (error, text) in [
        (set(&alice, "nosuch", Builder, Request), "user 'nosuch' doesn't exist in database"),
        (set(&alice, "alice", Builder, Approved), "user 'alice' is owner of the 'alice/tools' project"),
    ] {
        assert_eq!(refused(error.unwrap_err()), text);
    }
    assert_eq!(refused(request(&bob, &[]).unwrap_err()), "no permission requested");
}
