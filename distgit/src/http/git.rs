//! Git's smart protocol for reading. A push is refused.

use std::{path::PathBuf, process::Stdio, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Bytes},
};
use serde::Deserialize;
use tokio::process::Command;

use super::{PackagePath, Pages, pump, sentence};
use crate::git;

const WAIT_FOR_PROCESS: Duration = Duration::from_secs(30);
const NO_PUSH: &str = "Sources are read-only here: submit a build instead of pushing\n";

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    service: String,
}

pub(super) async fn info_refs(
    pages: web::Data<Pages>,
    path: web::Path<PackagePath>,
    wanted: web::Query<Wanted>,
    request: HttpRequest,
) -> HttpResponse {
    match wanted.service.as_str() {
        "git-upload-pack" => {}
        "git-receive-pack" => return sentence(StatusCode::FORBIDDEN, NO_PUSH),
        _ => return sentence(StatusCode::FORBIDDEN, "Only git's smart protocol is served here\n"),
    }
    pages.requests.with_label_values(&["refs"]).inc();
    let repository = path.into_inner().repository(&pages);
    let exchange = Exchange {
        arguments: &["--advertise-refs"],
        content_type: "application/x-git-upload-pack-advertisement",
        // Protocol 2 announces itself; the older ones want this line first.
        preface: if is_version_2(&request) { b"" } else { b"001e# service=git-upload-pack\n0000" },
        body: Bytes::new(),
    };
    exchange.answer(&pages, repository, &request).await
}

pub(super) async fn upload_pack(
    pages: web::Data<Pages>,
    path: web::Path<PackagePath>,
    request: HttpRequest,
    // Compressed bodies arrive here as plain ones.
    body: Bytes,
) -> HttpResponse {
    pages.requests.with_label_values(&["pack"]).inc();
    let repository = path.into_inner().repository(&pages);
    let content_type = "application/x-git-upload-pack-result";
    let exchange = Exchange { arguments: &[], content_type, preface: b"", body };
    exchange.answer(&pages, repository, &request).await
}

pub(super) async fn receive_pack() -> HttpResponse {
    sentence(StatusCode::FORBIDDEN, NO_PUSH)
}

fn is_version_2(request: &HttpRequest) -> bool {
    request.headers().get("Git-Protocol").is_some_and(|value| value == "version=2")
}

/// One question to `git upload-pack`.
struct Exchange {
    arguments: &'static [&'static str],
    content_type: &'static str,
    preface: &'static [u8],
    body: Bytes,
}

impl Exchange {
    async fn answer(self, pages: &Pages, repository: PathBuf, request: &HttpRequest) -> HttpResponse {
        if !repository.is_dir() {
            return sentence(StatusCode::NOT_FOUND, "There is no such repository\n");
        }
        let slot = tokio::time::timeout(WAIT_FOR_PROCESS, pages.git_processes.clone().acquire_owned());
        let Ok(Ok(slot)) = slot.await else {
            return sentence(StatusCode::SERVICE_UNAVAILABLE, "Too many clones at once: try again soon\n");
        };
        let mut command = self.command(&repository);
        if is_version_2(request) {
            command.env("GIT_PROTOCOL", "version=2");
        }
        match command.spawn() {
            Ok(child) => HttpResponse::Ok()
                .content_type(self.content_type)
                .insert_header((header::CACHE_CONTROL, "no-cache"))
                .streaming(pump::through(child, self.preface, self.body, slot, pages.git_limit)),
            Err(error) => {
                tracing::error!(%error, "could not start git; is it installed?");
                sentence(StatusCode::INTERNAL_SERVER_ERROR, "The server could not start git\n")
            }
        }
    }

    fn command(&self, repository: &std::path::Path) -> Command {
        let mut command = git::command(repository);
        // Builders ask for one commit by its hash.
        command.args(["-c", "uploadpack.allowAnySHA1InWant=true", "-c", "uploadpack.allowFilter=true"]);
        command.args(["upload-pack", "--strict", "--stateless-rpc"]).args(self.arguments).arg(repository);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        command
    }
}
