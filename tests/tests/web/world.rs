//! A Coppice in use: people, projects, builds that ended well and badly, one that runs and one that waits.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use coppice_kit::{Database, Member, Stack, StackOptions, distro, distro::CHROOT, member::run};
use coppice_model::UnixTime;
use coppice_runtime::secret::hash_token;
use coppice_store::{NewSession, Store, StoreError, sessions, users};
use serde_json::json;

use crate::browser::Browser;

/// A chroot that no builder of the test can build for.
const FOREIGN: &str = "mini-12-aarch64";
/// One stack at a time: each takes several processes and a browser.
static ONE: Mutex<()> = Mutex::new(());
/// No two sessions have the same secret.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

pub struct World {
    pub stack: Stack,
    pub alice: Member,
    pub good: i64,
    pub failed: i64,
    pub running: i64,
    pub waiting: i64,
    _turn: MutexGuard<'static, ()>,
}

/// The whole service on `database`, with nobody in it; `None` (with the reason printed) where it cannot be.
pub fn stack(database: Database) -> Option<(Stack, MutexGuard<'static, ()>)> {
    stack_with(database, vec![])
}

/// The same with variables of the environment.
pub fn stack_with(
    database: Database,
    mut env: Vec<(String, String)>,
) -> Option<(Stack, MutexGuard<'static, ()>)> {
    let turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    distro::repository()?;
    let log = "info,actix_server=warn,coppice_frontend::pages::templates=debug";
    env.push(("COPPICE_LOG".into(), log.into()));
    let options = StackOptions { env, ..StackOptions::on(database) };
    Some((Stack::start(&options), turn))
}

impl World {
    pub fn start(database: Database) -> Option<Self> {
        let (stack, turn) = stack(database)?;
        let (alice, bob) = (stack.member("alice"), stack.member("bob"));
        stack.manage(&["user-add", "ada", "--admin"]);
        stack.manage(&[
            "chroot-add",
            FOREIGN,
            "--runner",
            "sandbox",
            "--repo",
            "base=http://127.0.0.1:9/",
            "--setup",
            "@build",
        ]);
        projects(&stack, &alice);
        let good = alice.submits("tools", &distro::srpm("noarch-hello", stack.scratch()));
        let failed = alice.submits("tools", &distro::srpm("broken", stack.scratch()));
        alice.waits_for(good, &["succeeded"]);
        alice.waits_for(failed, &["failed"]);
        let running = alice.submits("tools", &distro::srpm("never-ends", stack.scratch()));
        let waiting = alice.submits("arm", &distro::srpm("noarch-hello", stack.scratch()));
        alice.waits_for(running, &["running"]);
        alice.waits_for(waiting, &["pending"]);
        others(&bob);
        Some(Self { stack, alice, good, failed, running, waiting, _turn: turn })
    }

    /// The build that never ends must not outlive the test.
    pub fn close(self) {
        for build in [self.running, self.waiting] {
            self.alice.copr(&["cancel", &build.to_string()]).ok();
        }
        self.stack.close();
    }
}

fn projects(stack: &Stack, alice: &Member) {
    let words = "Programs that greet. **Enable** it, then `dnf install noarch-hello`.";
    alice.copr(&["create", "tools", "--chroot", CHROOT, "--description", words]).ok();
    alice.copr(&["create", "arm", "--chroot", FOREIGN]).ok();
    alice.copr(&["create", "empty", "--chroot", CHROOT, "--chroot", FOREIGN]).ok();
    alice
        .copr(&[
            "add-package-scm",
            "tools",
            "--name",
            "greet",
            "--clone-url",
            "https://example.com/greet.git",
        ])
        .ok();
    alice.copr(&["add-package-pypi", "tools", "--name", "python-six", "--packagename", "six"]).ok();
    stack.manage(&["group-add", "team"]);
    stack.manage(&["group-member", "team", "alice"]);
    alice.copr(&["create", "@team/shared", "--chroot", CHROOT]).ok();
}

/// What other people do with it.
fn others(bob: &Member) {
    bob.copr(&["request-permissions", "alice/tools", "--builder"]).ok();
    bob.copr(&["fork", "alice/tools", "bob/mine"]).ok();
    coppice_kit::until("the fork is done", Duration::from_secs(60), || {
        let actions = bob.get("project/actions?ownername=bob&projectname=mine");
        let all = actions["items"].as_array()?.clone();
        all.iter().all(|action| action["state"] == json!("success")).then_some(())
    });
}

/// The address of the stack's database.
fn database(stack: &Stack) -> String {
    let config = fs::read_to_string(stack.data().join("etc/frontend.toml")).unwrap();
    config.parse::<toml::Table>().unwrap()["database"].as_str().unwrap().to_owned()
}

/// Logs the browser in without a login page: a session in the database and its cookie.
pub fn lends_a_session(stack: &Stack, browser: &Browser, name: &str) {
    let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
    let secret = format!("session {number} of {name}, long enough to be one");
    let (url, name, token_hash) = (database(stack), name.to_owned(), hash_token(&secret));
    let made = async move {
        let store = Store::open(&url).await?;
        store
            .write(move |tx| {
                let user = users::find_by_name(tx, &name)?.expect("the user is there");
                let new = NewSession {
                    token_hash,
                    method: "test".into(),
                    address: "127.0.0.1".into(),
                    agent: "test".into(),
                    expires_at: UnixTime(i64::MAX),
                };
                sessions::insert(tx, user.id, &new, UnixTime(1))
            })
            .await?;
        Ok::<_, StoreError>(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(made).unwrap();
    browser.carries("coppice_session", &secret);
}

/// Packs a source RPM of a spec alone.
pub fn pack(name: &str, spec: &str, dir: &Path) -> PathBuf {
    let top = dir.join(format!("{name}-top"));
    fs::create_dir_all(&top).unwrap();
    let path = top.join(format!("{name}.spec"));
    fs::write(&path, spec).unwrap();
    run(Command::new("rpmbuild")
        .env("HOME", &top)
        .args(["-bs", "--define", &format!("_topdir {}", top.display())])
        .arg(&path))
    .ok();
    let made = fs::read_dir(top.join("SRPMS")).unwrap().next().unwrap().unwrap();
    made.path()
}
