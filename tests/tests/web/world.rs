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

use coppice_kit::{
    Database, Member, Provider, Stack, StackOptions, distro,
    distro::CHROOT,
    member::{fetch, run},
};
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

/// `noarch-hello` was built well before; this one wants one more package in its build root, and fails.
const WORSE: &str = "Name: noarch-hello
Version: 2.0
Release: 1
Summary: A shell script that says hello
License: MIT
BuildArch: noarch
BuildRequires: noarch-hello
%description
It does not build.
%build
exit 3
%files
";

pub struct World {
    pub stack: Stack,
    pub alice: Member,
    /// Where people may log in too.
    pub forge: Provider,
    pub good: i64,
    pub failed: i64,
    /// Failed too, but its package was built well before.
    pub worse: i64,
    pub running: i64,
    pub waiting: i64,
    /// Waits for the batch of `waiting`.
    pub after: i64,
    /// The batch of `after`.
    pub batch: i64,
    _turn: MutexGuard<'static, ()>,
}

/// The whole service on `database`, with nobody in it; `None` (with the reason printed) where it cannot be.
pub fn stack(database: Database) -> Option<(Stack, MutexGuard<'static, ()>)> {
    stack_with(database, "")
}

/// The same with the operator's file on how people come in.
pub fn stack_with(database: Database, accounts: &str) -> Option<(Stack, MutexGuard<'static, ()>)> {
    let turn = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    distro::repository()?;
    let log = "info,actix_server=warn,coppice_frontend::pages::templates=debug";
    let env = vec![("COPPICE_LOG".into(), log.into())];
    let options = StackOptions { env, accounts: accounts.into(), ..StackOptions::on(database) };
    Some((Stack::start(&options), turn))
}

impl World {
    pub fn start(database: Database) -> Option<Self> {
        let forge = Provider::start();
        let accounts = json!({ "accounts": { "sign_up": "open", "providers": [forge.forge("gitlab")] } });
        let (stack, turn) = stack_with(database, &toml::to_string(&accounts).unwrap())?;
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
        let (good, failed) = ended(&stack, &alice);
        let worse = alice.submits("tools", &pack("noarch-hello", WORSE, stack.scratch()));
        alice.waits_for(worse, &["failed"]);
        let running = alice.submits("tools", &distro::srpm("never-ends", stack.scratch()));
        let waiting = alice.submits("arm", &distro::srpm("noarch-hello", stack.scratch()));
        alice.waits_for(running, &["running"]);
        alice.waits_for(waiting, &["pending"]);
        let (after, batch) = batch_after(&stack, &alice, waiting);
        others(&bob);
        Some(Self { stack, alice, forge, good, failed, worse, running, waiting, after, batch, _turn: turn })
    }

    /// The build that never ends must not outlive the test.
    pub fn close(self) {
        for build in [self.after, self.running, self.waiting] {
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

/// One build that ends well and one that does not.
fn ended(stack: &Stack, alice: &Member) -> (i64, i64) {
    let good = alice.submits("tools", &distro::srpm("noarch-hello", stack.scratch()));
    let failed = alice.submits("tools", &distro::srpm("broken", stack.scratch()));
    alice.waits_for(good, &["succeeded"]);
    alice.waits_for(failed, &["failed"]);
    (good, failed)
}

/// A build that begins when another one's batch has ended, and the batch that is made for it.
fn batch_after(stack: &Stack, alice: &Member, first: i64) -> (i64, i64) {
    let mut words = vec!["build", "arm", "--nowait", "--after-build-id"];
    let (first, source) = (first.to_string(), distro::srpm("noarch-hello", stack.scratch()));
    let source = source.display().to_string();
    words.extend([first.as_str(), source.as_str()]);
    let said = alice.copr(&words).ok();
    let build = said.lines().find_map(|line| line.strip_prefix("Created builds: ")?.trim().parse().ok());
    let (_, list) = fetch(&format!("{}/status/batches/", stack.url));
    let all = list.split("/status/batches/detail/").skip(1);
    let newest = all.filter_map(|rest| rest.split('/').next()?.parse().ok()).max();
    (build.unwrap_or_else(|| panic!("{said}")), newest.unwrap_or_else(|| panic!("{list}")))
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
