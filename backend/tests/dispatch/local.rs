use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use coppice_backend::Config;
use coppice_model::messages::Report;
use reqwest::StatusCode;

use crate::{
    work::rpm,
    world::{World, until},
};

/// In the place of the agent's program: leaves its ticket and process number for the test and sleeps.
const SLEEPER: &str = r#"#!/bin/sh
umask 022
echo "$COPPICE_TICKET" > "$TICKETS/$$.new"
mv "$TICKETS/$$.new" "$TICKETS/$$"
exec sleep 600
"#;

fn script(folder: &Path, text: &str) -> Vec<String> {
    let (path, tickets) = (folder.join("agent.sh"), folder.join("tickets"));
    fs::create_dir_all(&tickets).unwrap();
    fs::write(&path, text.replace("$TICKETS", tickets.to_str().unwrap())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    vec![path.to_str().unwrap().to_owned()]
}

fn local(config: &mut Config, folder: &Path, agents: usize, text: &str) {
    config.local.agents = agents;
    config.local.command = script(folder, text);
    config.local.work_dir = folder.join("agents");
}

/// Process number and ticket of every agent that was started.
fn started(folder: &Path) -> Vec<(i32, String)> {
    let is_ready = |path: &PathBuf| path.extension().is_none();
    let tickets = fs::read_dir(folder.join("tickets")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let ticket = fs::read_to_string(&path).unwrap().trim().to_owned();
        (path.file_name().unwrap().to_str().unwrap().parse().unwrap(), ticket)
    };
    tickets.filter(is_ready).map(read).collect()
}

fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn until_started(folder: &Path, count: usize) -> Vec<(i32, String)> {
    until("agents are started", || async {
        let all = started(folder);
        (all.len() >= count).then_some(all)
    })
    .await
}

async fn until_dead(pid: i32) {
    until("the process is gone", || async { (!is_alive(pid)).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_kept_alive_replaced_and_ended_with_the_backend() {
    let mut world = World::start_with(|config, folder| local(config, folder, 2, SLEEPER)).await;
    let folder = world.folder.path().to_owned();
    let first = until_started(&folder, 2).await;
    assert_eq!(first.len(), 2);
    for (_, ticket) in &first {
        assert_eq!(world.enrolls(ticket).await.status(), StatusCode::OK);
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(first[0].0), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    let all = until_started(&folder, 3).await;
    world.down().await;
    for (pid, _) in all.into_iter().chain(started(&folder)) {
        until_dead(pid).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_in_its_task_loses_it_at_once() {
    let world = World::start_with(|config, folder| local(config, folder, 1, SLEEPER)).await;
    let folder = world.folder.path().to_owned();
    let (pid, ticket) = until_started(&folder, 1).await.remove(0);
    let session = world.enrolls(&ticket).await.json::<coppice_model::agent::Enrolled>().await.unwrap();
    world.sends(&rpm(7)).await;
    world.asks(&session.session_token).await.beats(&world).await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    let lost = |report: &Report| matches!(report, Report::LostV1 { reason, .. } if reason.contains("ended"));
    world.until_report("the attempt is lost", lost).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_enrol_in_time_is_replaced() {
    let world = World::start_with(|config, folder| local(config, folder, 1, SLEEPER)).await;
    let folder = world.folder.path().to_owned();
    let (pid, _) = until_started(&folder, 1).await.remove(0);
    world.clock.advance(61);
    until_dead(pid).await;
    until_started(&folder, 2).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_break_at_once_are_started_ever_more_slowly() {
    let broken = "#!/bin/sh\necho x >> $TICKETS/../starts\necho no such library >&2\nexit 1\n";
    let world = World::start_with(|config, folder| local(config, folder, 1, broken)).await;
    let starts =
        || fs::read_to_string(world.folder.path().join("starts")).unwrap_or_default().lines().count();
    until("the agent was started three times", || async { (starts() >= 3).then_some(()) }).await;
    let (before, began) = (starts(), std::time::Instant::now());
    until("two more starts", || async { (starts() >= before + 2).then_some(()) }).await;
    assert!(began.elapsed().as_millis() > 1_000, "two starts within {:?}", began.elapsed());
    world.close().await;
}

/// The backend as a process of its own, so that it can be killed.
struct Killable {
    child: Child,
    addr: String,
}

impl Killable {
    async fn start(world: &World, folder: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join("backend.toml");
        let text = format!(
            "redis = \"{}\"\ndata_dir = \"{root}/killable\"\nresults_listen = \"127.0.0.1:0\"\n\
             keygen_secret_file = \"{root}/secret\"\n[http]\nlisten = \"127.0.0.1:{port}\"\n\
             [local]\nagents = 1\ncommand = {command:?}\nwork_dir = \"{root}/agents\"\n",
            world.redis_url(),
            root = folder.display(),
            command = script(folder, SLEEPER),
        );
        fs::write(&config, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_coppice-backend"))
            .arg("--config")
            .arg(&config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let addr = format!("http://127.0.0.1:{port}");
        until("the backend answers", || async { reqwest::get(format!("{addr}/healthz")).await.ok() }).await;
        Self { child, addr }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backend_finds_its_building_agent_again_and_ends_the_idle_one() {
    let mut world = World::start().await;
    world.down().await;
    let folder = world.folder.path().to_owned();
    let mut backend = Killable::start(&world, &folder).await;
    let (building, ticket) = until_started(&folder, 1).await.remove(0);
    world.at(&backend.addr);
    let session = world.enrolls(&ticket).await.json::<coppice_model::agent::Enrolled>().await.unwrap();
    world.sends(&rpm(7)).await;
    let mut builder = world.asks(&session.session_token).await;
    builder.logs(&world, 0, "before ").await;
    builder.sends(&world, "root.log", b"sent before").await;
    backend.kill();
    assert!(is_alive(building), "a build outlives a crash");

    let mut backend = Killable::start(&world, &folder).await;
    world.at(&backend.addr);
    assert_eq!(builder.beats(&world).await.length, 7);
    builder.fails(&world).await;
    world.until_finished().await;
    assert_eq!(world.endings().await.len(), 1);
    let idle = until_started(&folder, 2).await.into_iter().find(|(pid, _)| *pid != building).unwrap();
    backend.kill();
    assert!(is_alive(idle.0));
    let backend = Killable::start(&world, &folder).await;
    world.at(&backend.addr);
    until_dead(idle.0).await;
    assert_eq!(world.enrolls(&idle.1).await.status(), StatusCode::UNAUTHORIZED);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(backend.child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    for (pid, _) in started(&folder) {
        until_dead(pid).await;
    }
}
