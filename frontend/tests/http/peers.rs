//! The services that the frontend asks by HTTP, pretended by one server: keygen, the results, the backend.

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, guard::Header, web};
use coppice_frontend::Config;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub struct Peers {
    url: String,
    handle: ServerHandle,
    running: JoinHandle<std::io::Result<()>>,
}

impl Peers {
    /// They know `keys` and `snapshots` of alice/foo's first chroot, or nothing of it where that is null.
    pub fn start(keys: Value, snapshots: Value) -> Self {
        let app = move || {
            let (keys, snapshots) = (keys.clone(), snapshots.clone());
            let guarded =
                web::get().guard(Header("authorization", "Bearer a secret of the tests, shared with keygen"));
            let list = "/results/alice/foo/fedora-43-x86_64/snapshots/index.json";
            App::new()
                .route("/v1/keys/alice/foo/all", guarded.to(move || std::future::ready(answer(&keys))))
                .route(list, web::get().to(move || std::future::ready(answer(&snapshots))))
                .route("/publishing", web::get().to(|| async { HttpResponse::Ok().json(queue()) }))
        };
        let server = HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.disable_signals().run();
        Self { url, handle: server.handle(), running: tokio::spawn(server) }
    }

    /// With two keys, one of them retired, and two publishes of which the newer brings back the other.
    pub fn with_all() -> Self {
        let keys = json!({ "keys": [
            { "role": "current", "fingerprint": "A".repeat(40), "armored": "-----", "algorithm": "ed25519",
              "expires_on": 1_900_000_000 },
            { "role": "retired", "fingerprint": "B".repeat(40), "armored": "-----" },
        ] });
        let snapshot = |number: u64, of: Option<u64>| {
            json!({ "number": number, "published_on": 1_800_000_000 + number, "packages": 4, "builds": 2,
                    "of": of, "key": "A".repeat(40), "bytes": 999 })
        };
        Self::start(keys, json!({ "current": 8, "snapshots": [snapshot(7, None), snapshot(8, Some(7))] }))
    }

    /// Tells the frontend where they are.
    pub fn are_told_to(&self, config: &mut Config) {
        config.keygen_url.clone_from(&self.url);
        config.backend_url.clone_from(&self.url);
        config.internal_results_url = Some(format!("{}/results", self.url));
    }

    /// With its threads and open connections.
    pub async fn close(self) {
        self.handle.stop(false).await;
        self.running.await.unwrap().unwrap();
    }
}

fn answer(value: &Value) -> HttpResponse {
    match value.is_null() {
        true => HttpResponse::NotFound().finish(),
        false => HttpResponse::Ok().json(value),
    }
}

/// What the backend has to publish.
fn queue() -> Value {
    json!([
        { "repository": "bob/other/fedora-43-x86_64", "requests": 1, "since": 5, "trouble": null },
        { "repository": "alice/foo:pr:7/fedora-43-x86_64", "requests": 3, "since": 9, "trouble": "disk full at /srv" },
    ])
}
