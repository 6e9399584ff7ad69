use coppice_model::{
    ActionId, ProjectRef,
    messages::{ActionDone, BackendTask, PublishRepositories, Report},
};

use crate::{
    work::CHROOT,
    world::{World, keyless_keygen},
};

fn publish() -> BackendTask {
    BackendTask::PublishV1(PublishRepositories {
        devel: None,
        action: ActionId(9),
        project: ProjectRef { owner: "alice".parse().unwrap(), name: "tools".parse().unwrap() },
        dirs: vec!["tools".parse().unwrap()],
        chroots: vec![CHROOT.parse().unwrap()],
        from_scratch: false,
        comps: None,
        grant: None,
    })
}

fn is_done(report: &Report) -> bool {
    matches!(report, Report::ActionDoneV1(ActionDone { action: ActionId(9), error: None, .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_project_gets_its_empty_repository_and_a_repeat_is_answered() {
    let keygen = keyless_keygen().await;
    let world = World::start_with(|config, _| config.keygen_url = keygen).await;
    world.sends(&publish()).await;
    world.until_report("the action is done", is_done).await;
    let repomd = format!("alice/tools/{CHROOT}/repodata/repomd.xml");
    assert!(world.reads(&repomd).await.is_some());
    world.sends_and_waits(&publish()).await;
    let done: Vec<Report> = world.reports().await.into_iter().filter(is_done).collect();
    assert_eq!(done.len(), 2);
    assert_eq!(done[0], done[1]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_cannot_be_done_yet_is_done_after_a_restart() {
    let mut world = World::start().await;
    world.sends_and_waits(&publish()).await;
    world.down().await;
    assert!(world.reports().await.is_empty(), "keygen does not answer");
    let keygen = keyless_keygen().await;
    world.change(|config| config.keygen_url = keygen);
    world.up().await;
    world.until_report("the action is done", is_done).await;
    world.close().await;
}
