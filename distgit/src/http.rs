//! Read-only HTTP: git's smart protocol and the lookaside cache.

mod git;
mod lookaside;
mod pump;

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, dev::Server, http::StatusCode, web};
use coppice_model::{OwnerName, PackageName, ProjectName, ProjectRef};
use coppice_runtime::{
    Stop,
    health::{self, Metrics},
};
use prometheus::IntCounterVec;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::{config::HttpConfig, lookaside::Lookaside, repository::Repositories};

const SHUTDOWN_S: u64 = 5;
/// What a client wants and has; thousands of hashes fit.
const MOST_REQUEST_BYTES: usize = 16 << 20;

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct Pages {
    repositories: Repositories,
    lookaside: Lookaside,
    git_processes: Arc<Semaphore>,
    git_limit: Duration,
    metrics: Metrics,
    /// By kind.
    requests: IntCounterVec,
}

impl Pages {
    pub fn new(
        config: &HttpConfig,
        repositories: Repositories,
        lookaside: Lookaside,
        metrics: Metrics,
    ) -> Result<Self, prometheus::Error> {
        let requests = metrics.counter("coppice_distgit_requests_total", "Requests by kind.", &["kind"])?;
        let git_processes = Arc::new(Semaphore::new(config.git_processes.max(1)));
        let git_limit = Duration::from_secs(config.git_timeout_s);
        Ok(Self { repositories, lookaside, git_processes, git_limit, metrics, requests })
    }
}

/// The package that an address names.
#[derive(Debug, Deserialize)]
struct PackagePath {
    owner: OwnerName,
    project: ProjectName,
    package: PackageName,
}

impl PackagePath {
    fn repository(self, pages: &Pages) -> std::path::PathBuf {
        let project = ProjectRef { owner: self.owner, name: self.project };
        pages.repositories.path(&project, &self.package)
    }
}

pub fn serve(listener: TcpListener, workers: usize, pages: Pages) -> io::Result<Server> {
    let metrics = pages.metrics.clone();
    let pages = web::Data::new(pages);
    let app = move || {
        App::new()
            .app_data(pages.clone())
            .app_data(web::PayloadConfig::new(MOST_REQUEST_BYTES))
            .configure(health::routes(metrics.clone()))
            .configure(routes)
    };
    let server = HttpServer::new(app).workers(workers.max(1)).shutdown_timeout(SHUTDOWN_S);
    Ok(server.disable_signals().listen(listener)?.run())
}

pub async fn until_stopped(server: Server, stop: Stop) {
    let handle = server.handle();
    let (ended, ()) = tokio::join!(server, async {
        stop.wait().await;
        handle.stop(true).await;
    });
    if let Err(error) = ended {
        tracing::error!(%error, "the HTTP server broke");
    }
}

fn routes(config: &mut web::ServiceConfig) {
    let repository = "/git/{owner}/{project}/{package}";
    let file = "/repo/pkgs/{owner}/{project}/{package}/{file}/sha512/{hash}/{same_file}";
    config
        .route(&format!("{repository}/info/refs"), web::get().to(git::info_refs))
        .route(&format!("{repository}/git-upload-pack"), web::post().to(git::upload_pack))
        .route(&format!("{repository}/git-receive-pack"), web::post().to(git::receive_pack))
        .service(
            web::resource(file).route(web::get().to(lookaside::file)).route(web::head().to(lookaside::file)),
        );
}

fn sentence(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text)
}
