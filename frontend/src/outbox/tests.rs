use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Instant,
};

use coppice_model::{BuildId, messages::BackendTask};
use coppice_runtime::{Clock, Consumer, Envelope, Handler, Verdict};
use coppice_store::{Store, outbox as rows};
use tempfile::TempDir;

use super::*;
use crate::{Config, ops, sweep};

/// A Redis that a test takes away and brings back at the same place.
struct Redis {
    folder: TempDir,
    child: Child,
}

impl Redis {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Self::child(&folder);
        let redis = Self { folder, child };
        redis.answers().await;
        redis
    }

    fn child(folder: &TempDir) -> Child {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(folder.path().join("redis.sock"))
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn answers(&self) {
        let socket = self.socket();
        until("Redis answers", async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_again(&mut self) {
        self.child = Self::child(&self.folder);
        self.answers().await;
    }

    fn flush(&self) {
        let done = Command::new("redis-cli").arg("-s").arg(self.socket()).arg("FLUSHALL").output().unwrap();
        assert!(done.status.success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn until(what: &str, ask: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !ask().await {
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A backend that only listens.
#[derive(Default)]
struct Listener {
    heard: Mutex<Vec<String>>,
}

impl Handler<BackendTask> for Listener {
    async fn handle(&self, envelope: Envelope<BackendTask>) -> Verdict {
        self.heard.lock().unwrap().push(envelope.key);
        Verdict::Done
    }
}

impl Listener {
    fn times(&self, key: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|heard| *heard == key).count()
    }
}

/// A frontend without its HTTP side, a listening backend, and a project to submit to.
struct Bench {
    redis: Redis,
    app: Arc<App>,
    listener: Arc<Listener>,
    stop: Stop,
    _folder: TempDir,
}

impl Bench {
    async fn start() -> Self {
        let redis = Redis::start().await;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/db", folder.path().display())).await.unwrap();
        let app = Arc::new(App {
            clock: Clock::System,
            ..App::new(&Config::default(), store, coppice_runtime::Secret::random())
        });
        let (bus, stop) = (Bus::connect(&redis.url()).await.unwrap(), Stop::new());
        let listener = Arc::new(Listener::default());
        tokio::spawn(relay(Arc::clone(&app), bus.clone(), stop.clone()));
        tokio::spawn(sweep::run(Arc::clone(&app), bus.clone(), stop.clone()));
        tokio::spawn(Consumer::new(bus, "listener").run(Arc::clone(&listener), stop.clone()));
        let bench = Self { redis, app, listener, stop, _folder: folder };
        bench.make_project().await;
        bench
    }

    async fn make_project(&self) {
        let add = "fedora-43-x86_64".parse().unwrap();
        let cx = self.app.context();
        let made = self.app.store.write(move |tx| {
            let definition = coppice_model::chroot::ChrootDefinition {
                name: add,
                runner: coppice_model::chroot::Runner::Sandbox,
                repositories: vec![],
                setup_packages: vec![],
            };
            let (comment, branch) = (String::new(), "f43".to_owned());
            let chroot = coppice_store::mock_chroots::NewMockChroot { comment, branch, definition };
            coppice_store::mock_chroots::insert(tx, &chroot)?;
            let alice = coppice_store::users::insert(tx, &"alice".parse().unwrap(), None, false, cx.now)?;
            let new = ops::NewProject {
                ownername: "alice".into(),
                name: "tools".into(),
                settings: ops::ProjectChanges {
                    chroots: Some(vec!["fedora-43-x86_64".into()]),
                    ..ops::ProjectChanges::default()
                },
                ..ops::NewProject::default()
            };
            ops::create_project(tx, &cx, &ops::Caller::whole(alice), &new)
        });
        made.await.unwrap();
    }

    async fn submit(&self) -> BuildId {
        let cx = self.app.context();
        let made = self.app.store.write(move |tx| {
            let alice = coppice_store::users::find_by_name(tx, "alice")?.unwrap();
            let request = ops::BuildRequest {
                ownername: "alice".into(),
                projectname: "tools".into(),
                ..ops::BuildRequest::default()
            };
            let urls = ["https://example.com/x.src.rpm".to_owned()];
            let made = ops::submit_links(tx, &cx, &ops::Caller::whole(alice), &request, &urls)?;
            Ok::<_, ops::OpError>(made[0].build.id)
        });
        made.await.unwrap()
    }

    async fn hears(&self, build: BuildId, times: usize) {
        let key = format!("source/{build}/1");
        until(&key, async || self.listener.times(&key) >= times).await;
    }

    async fn waiting(&self) -> usize {
        self.app.store.read(|conn| rows::list(conn, 100)).await.unwrap().len()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.trigger();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_wakes_the_relay_at_once() {
    let bench = Bench::start().await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let build = bench.submit().await;
        let committed = Instant::now();
        bench.hears(build, 1).await;
        slowest = slowest.max(committed.elapsed());
    }
    println!("slowest of 20 from commit to consumer: {slowest:?}");
    // Looking every two seconds would not do.
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    until("the outbox is empty", async || bench.waiting().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_wait_while_redis_is_away() {
    let mut bench = Bench::start().await;
    let before = bench.submit().await;
    bench.hears(before, 1).await;
    bench.redis.stop();
    let away = bench.submit().await;
    assert!(bench.waiting().await > 0);
    bench.redis.start_again().await;
    bench.hears(away, 1).await;
    until("the outbox is empty", async || bench.waiting().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_flush_unfinished_work_is_on_the_bus_again() {
    let bench = Bench::start().await;
    let build = bench.submit().await;
    bench.hears(build, 1).await;
    bench.redis.flush();
    bench.hears(build, 2).await;
}
