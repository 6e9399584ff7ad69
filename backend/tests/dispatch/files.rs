use std::fs;

use coppice_model::agent::Finish;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    work::rpm,
    world::{Builder, World, failed, files_below, refusal, sent_file},
};

/// A request as it stands, without a client that tidies the path up.
async fn raw_put(world: &World, builder: &Builder, name: &str) -> String {
    let file = sent_file("x.log", b"evil");
    let path = builder.path(&format!("files/{name}?size=4&sha256={}", file.sha256));
    let token = &builder.assignment.task_token;
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 4\r\n\
         Connection: close\r\n\r\nevil"
    );
    let mut connection = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_lead_elsewhere_are_refused_and_nothing_is_written() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    builder.beats(&world).await;
    let before = files_below(world.folder.path());
    for name in [
        "../x.rpm",
        "..%2fx.rpm",
        "%2e%2e%2fx.rpm",
        "..%2f..%2fattempt.json",
        "%2fetc%2fx.log",
        "a%2fb.rpm",
        ".x.rpm",
        "x%00.rpm",
        "x%0a.rpm",
        "%ff.rpm",
        "index.html",
        "builder-live.log",
        "attempt.json",
        "..",
    ] {
        let answer = raw_put(&world, &builder, name).await;
        let status = answer.split(' ').nth(1).unwrap();
        assert!(status == "400" || status == "404", "{name}: {answer}");
        assert!(answer.contains("\"error\""), "{name}: {answer}");
    }
    assert_eq!(files_below(world.folder.path()), before);
    assert!(raw_put(&world, &builder, "fine.log").await.starts_with("HTTP/1.1 201"));
    assert_eq!(files_below(world.folder.path()).len(), before.len() + 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up_and_nothing_is_kept() {
    let world = World::start_with(|config, _| config.dispatch.body_idle_s = 1).await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    builder.beats(&world).await;
    let before = files_below(&world.staging());
    let path = builder.path(&format!("files/x.log?size=4&sha256={}", sent_file("x.log", b"evil").sha256));
    let token = &builder.assignment.task_token;
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 4");
    let mut connection = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    connection.write_all(format!("{head}\r\nConnection: close\r\n\r\nev").as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(files_below(&world.staging()), before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_place_of_a_result_is_replaced_and_not_followed() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    let outside = world.folder.path().join("outside");
    fs::write(&outside, b"kept").unwrap();
    let place = world.staging().join(format!("7-{}.1/files/build.log", crate::work::CHROOT));
    std::os::unix::fs::symlink(&outside, &place).unwrap();
    assert_eq!(builder.sends(&world, "build.log", b"output").await, StatusCode::CREATED);
    assert!(!place.is_symlink());
    assert_eq!(
        (fs::read(&place).unwrap(), fs::read(&outside).unwrap()),
        (b"output".to_vec(), b"kept".to_vec())
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_declared_is_refused_and_nothing_is_kept() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let builder = world.builder().await;
    builder.beats(&world).await;
    let before = files_below(&world.staging());
    let right = sent_file("build.log", b"output").sha256;
    let wrong = "0".repeat(64);
    for (size, sha256, status) in [
        (6, wrong.as_str(), 422),
        (5, right.as_str(), 422),
        (7, right.as_str(), 422),
        (6, "short", 400),
        (6, &right.to_uppercase(), 400),
        (200_000, right.as_str(), 413),
        (u64::MAX, right.as_str(), 413),
    ] {
        let answer = builder.declares(&world, "build.log", (size, sha256), b"output").await;
        assert_eq!(refusal(answer).await.0, status, "{size} {sha256}");
    }
    let undeclared = world.http.put(world.url(&builder.path("files/build.log")));
    let undeclared = undeclared.bearer_auth(&builder.assignment.task_token).body("output").send().await;
    assert_eq!(refusal(undeclared.unwrap()).await.0, 400);
    assert_eq!(files_below(&world.staging()), before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_stay_within_the_quota_and_a_file_may_be_sent_again() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    let big = vec![b'x'; 60_000];
    assert_eq!(builder.sends(&world, "a.log", &big).await, StatusCode::CREATED);
    assert_eq!(builder.sends(&world, "b.log", &big).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(builder.sends(&world, "a.log", &big).await, StatusCode::CREATED);
    assert_eq!(builder.sends(&world, "b.log", b"small").await, StatusCode::CREATED);
    builder.fails(&world).await;
    world.until_finished().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_that_does_not_name_the_sent_files_is_refused_and_can_be_corrected() {
    let world = World::start().await;
    world.sends(&rpm(7)).await;
    let mut builder = world.builder().await;
    builder.sends(&world, "build.log", b"output").await;
    let (sent, other) = (builder.sent[0].clone(), sent_file("other.log", b"output"));
    let changed = sent_file("build.log", b"something else");
    for files in [vec![], vec![sent.clone(), other], vec![changed], vec![sent.clone(), sent]] {
        let finish = Finish { outcome: failed(), files, buildroot: vec![] };
        assert_eq!(refusal(builder.finishes_as(&world, &finish).await).await.0, 422);
    }
    assert!(world.endings().await.is_empty());
    builder.fails(&world).await;
    world.until_finished().await;
    world.close().await;
}
