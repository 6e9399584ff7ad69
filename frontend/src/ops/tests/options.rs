use coppice_model::{BuildId, messages::BackendTask, state::BuildState};

use super::world::{EPEL, F43, F43_ARM, World, finished, published, rpm, strings};
use crate::ops::{self, BuildRequest, OpError, Problem};

fn problems(error: OpError) -> Vec<String> {
    match error {
        OpError::Invalid(problems) => {
            problems.into_iter().map(|Problem { field, message }| format!("{field}: {message}")).collect()
        }
        other => panic!("{other}"),
    }
}

pub fn patterns_choose_chroots_and_exclusions_remove(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43, F43_ARM, EPEL]);
    let chosen = |chroots: Option<&[&str]>, exclude: &[&str]| {
        let request = BuildRequest {
            chroots: chroots.map(strings),
            exclude_chroots: strings(exclude),
            ..world.request(&project)
        };
        let view = world.submit(&alice, &request).map_err(problems)?;
        Ok::<_, Vec<String>>(view.chroots.iter().map(|c| c.chroot.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(chosen(None, &[]).unwrap(), [""; 0]);
    assert_eq!(chosen(Some(&[]), &[]).unwrap(), [""; 0]);
    assert_eq!(chosen(Some(&["fedora-43-*"]), &[]).unwrap(), [F43, F43_ARM]);
    assert_eq!(chosen(Some(&[EPEL, F43]), &[]).unwrap(), [F43, EPEL]);
    assert_eq!(chosen(None, &["*-aarch64"]).unwrap(), [F43, EPEL]);
    let wrong = "chroots: 'bogus-*' is not a valid choice for this field.";
    assert_eq!(chosen(Some(&["bogus-*", F43]), &[]).unwrap_err(), [wrong]);
    assert_eq!(chosen(Some(&[F43]), &["*"]).unwrap_err(), ["chroots: no chroot is left to build for"]);
}

pub fn wrong_values_are_named_with_their_fields(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let request = BuildRequest {
        timeout: Some(108_001),
        bootstrap: Some("custom_image".into()),
        isolation: Some("none".into()),
        after_build_id: Some(77_777),
        ..world.request(&project)
    };
    assert_eq!(
        problems(world.submit(&alice, &request).unwrap_err()),
        [
            "timeout: Number must be between 0 and 108000.",
            "bootstrap: Not a valid choice.",
            "isolation: Not a valid choice.",
            "after_build_id: Build 77777 not found",
        ]
    );
    let both = BuildRequest { with_build_id: Some(1), after_build_id: Some(1), ..world.request(&project) };
    assert_eq!(
        problems(world.submit(&alice, &both).unwrap_err()),
        [
            "after_build_id: Only one batch option can be specified",
            "with_build_id: Only one batch option can be specified",
        ]
    );
    let forge =
        BuildRequest { packit_forge_project: Some("github.com/x/y".into()), ..world.request(&project) };
    assert_eq!(
        world.submit(&alice, &forge).unwrap_err().to_string(),
        "Forge project github.com/x/y can't build in this Copr via Packit."
    );
}

pub fn addresses_must_be_packages_on_the_web(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let submit = |urls: &[&str]| {
        let (by, request, urls) = (alice.clone(), world.request(&project), strings(urls));
        world.write(move |tx, cx| ops::submit_links(tx, cx, &by, &request, &urls))
    };
    assert_eq!(problems(submit(&[]).unwrap_err()), ["pkgs: URLs to packages are required"]);
    assert_eq!(
        problems(submit(&["https://example.com/a b.src.rpm"]).unwrap_err()),
        [
            "pkgs: A list of http[s] URLs separated by whitespace characters is needed ('b.src.rpm' doesn't \
             seem to be a valid URL).",
            "pkgs: URLs must end with .src.rpm, .nosrc.rpm, or .spec ('https://example.com/a' doesn't seem \
             to be a valid URL).",
        ]
    );
    assert!(submit(&["file:///etc/x.src.rpm"]).is_err() && world.sent().is_empty());
    let made = submit(&["https://a/x.src.rpm", "http://b/y.spec"]).unwrap();
    assert_eq!((made.len(), world.sent().len()), (2, 2));
}

pub fn directories_have_a_form_and_are_published_when_new(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "foo", &[F43]);
    let submit = |dir: &str| {
        let request = BuildRequest { project_dirname: Some(dir.into()), ..world.request(&project) };
        world.submit(&alice, &request)
    };
    for bad in ["bar", "foo:bar", "foo:custom:", "foo:pr:x", "foox:custom:a"] {
        assert_eq!(
            submit(bad).unwrap_err().to_string(),
            "Please use directory format foo:custom:<SUFFIX_OF_CHOICE> or foo:pr:<ID> \
             (for automatically removed directories)",
            "{bad}"
        );
    }
    assert_eq!(
        submit("foo:custom:a_b").unwrap_err().to_string(),
        "Wrong directory 'foo:custom:a_b' specified.  Directory name can consist of alpha-numeric strings \
         separated by colons."
    );
    submit("foo").unwrap();
    assert_eq!(world.sent().len(), 1);
    let view = submit("foo:pr:12").unwrap();
    let sent = world.sent();
    let BackendTask::PublishV1(publish) = sent[0].backend() else { panic!("{sent:?}") };
    assert_eq!(publish.dirs, vec![view.build.dir]);
    submit("foo:pr:12").unwrap();
    assert_eq!(world.sent().len(), 1);
}

pub fn a_check_creates_nothing(world: &World) {
    let (alice, bob) = (world.member("alice"), world.member("bob"));
    let project = world.project(&alice, "foo", &[F43]);
    let request = BuildRequest { project_dirname: Some("foo:custom:new".into()), ..world.request(&project) };
    let check = |by: &ops::Caller, request: &BuildRequest| {
        let (by, request) = (by.clone(), request.clone());
        world.read(move |conn| ops::check_before_build(conn, &by, &request))
    };
    check(&alice, &request).unwrap();
    assert!(matches!(check(&bob, &request), Err(OpError::Forbidden(_))));
    let missing = BuildRequest { projectname: "nope".into(), ..request.clone() };
    assert_eq!(check(&alice, &missing).unwrap_err().to_string(), "Project alice/nope does not exist.");
    assert!(world.sent().is_empty());
    world.submit(&alice, &request).unwrap();
    assert_eq!(world.sent().len(), 2);
}

pub fn a_batch_waits_for_the_one_before(world: &World) {
    let alice = world.member("alice");
    let project = world.project(&alice, "tools", &[F43]);
    let first = world.pending(&alice, &project, &[F43]);
    let joined = BuildRequest { with_build_id: Some(first.0), ..world.request(&project) };
    let beside = world.submit(&alice, &joined).unwrap().build.id;
    assert_eq!(world.sent_keys(), [format!("source/{beside}/1")]);
    let later = BuildRequest { after_build_id: Some(first.0), ..world.request(&project) };
    let last = world.submit(&alice, &later).unwrap().build.id;
    assert!(world.sent().is_empty());
    world.heard(finished(&rpm(first, F43), 1, published()));
    assert!(world.sent().is_empty());
    world.cancel(&alice, beside).unwrap();
    assert_eq!(world.sent_keys(), [format!("cancel/{beside}"), format!("source/{last}/1")]);
    assert_eq!(world.state(last), BuildState::Pending);
    let by = alice;
    let stranger = world.member("bob");
    let own = world.project(&stranger, "own", &[F43]);
    let foreign = BuildRequest { after_build_id: Some(first.0), ..world.request(&own) };
    assert!(matches!(world.submit(&stranger, &foreign), Err(OpError::Invalid(_))));
    world.delete_builds(&by, &[BuildId(first.0)]).unwrap();
}
