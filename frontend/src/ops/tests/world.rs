//! A database with a chroot catalogue, people who submit, and services that report.

use std::sync::Arc;

use coppice_model::{
    Attempt, BuildId, ChrootName, UnixTime,
    chroot::{ChrootDefinition, Runner},
    messages::{ActionDone, BackendTask, DistGitTask, Imported, KeygenTask, Message, Progress, Report},
    package::{Nevra, SourceHeader},
    state::{BuildState, ChrootState, Stage},
    work::{DistGitCommit, TaskId, TaskOutcome},
};
use coppice_runtime::{Clock, Envelope, Handler, Secret, Verdict};
use coppice_store::{
    BuildView, Conn, Project, Store, mock_chroots, mock_chroots::NewMockChroot, outbox, users,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    App, Config,
    ops::{self, BuildRequest, Caller, Context, NewProject, OpError, ProjectChanges},
    reports::Reports,
};

pub const F43: &str = "fedora-43-x86_64";
pub const F43_ARM: &str = "fedora-43-aarch64";
pub const EPEL: &str = "epel-9-x86_64";
pub const NOW: i64 = 1_800_000_000;

pub struct World {
    runtime: Runtime,
    pub app: Arc<App>,
    _folder: Option<TempDir>,
}

/// A message that left by the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub key: String,
    pub body: String,
}

impl Sent {
    pub fn backend(&self) -> BackendTask {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn distgit(&self) -> DistGitTask {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn keygen(&self) -> KeygenTask {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl World {
    pub fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self::on(&format!("sqlite://{}/db", folder.path().display()));
        world._folder = Some(folder);
        world
    }

    pub fn on(database: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(database)).unwrap();
        let config = Config {
            public_url: "https://copr.example.com".into(),
            internal_url: "http://frontend:5000/".into(),
            results_url: "https://results.example.com/results".into(),
            ..Config::default()
        };
        let app = App { clock: Clock::at(NOW), ..App::new(&config, store, Secret::random()) };
        let world = Self { runtime, app: Arc::new(app), _folder: None };
        for name in [F43, F43_ARM, EPEL] {
            world.chroot(name);
        }
        world
    }

    pub fn chroot(&self, name: &str) {
        let definition = ChrootDefinition {
            name: name.parse().unwrap(),
            runner: Runner::Sandbox,
            repositories: vec![],
            setup_packages: vec!["@build".into()],
        };
        let new = NewMockChroot { comment: String::new(), branch: format!("b-{name}"), definition };
        self.write(move |tx, _| Ok(mock_chroots::insert(tx, &new)?)).unwrap();
    }

    pub fn write<T, F>(&self, work: F) -> Result<T, OpError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Context) -> Result<T, OpError> + Send + 'static,
    {
        let cx = self.app.context();
        self.runtime.block_on(self.app.store.write(move |tx| work(tx, &cx)))
    }

    pub fn read<T, F>(&self, work: F) -> Result<T, OpError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, OpError> + Send + 'static,
    {
        self.runtime.block_on(self.app.store.read(work))
    }

    pub fn user(&self, name: &str, is_admin: bool) -> Caller {
        let name = name.parse().unwrap();
        let user = self.write(move |tx, cx| Ok(users::insert(tx, &name, None, is_admin, cx.now)?)).unwrap();
        Caller::whole(user)
    }

    pub fn member(&self, name: &str) -> Caller {
        self.user(name, false)
    }

    pub fn create(&self, by: &Caller, new: NewProject) -> Result<Project, OpError> {
        let by = by.clone();
        self.write(move |tx, cx| ops::create_project(tx, cx, &by, &new))
    }

    pub fn edit(&self, by: &Caller, project: &Project, changes: ProjectChanges) -> Result<Project, OpError> {
        let (by, project) = (by.clone(), project.clone());
        self.write(move |tx, cx| ops::edit_project(tx, cx, &by, &project, &changes))
    }

    /// A project whose first messages are out of the way.
    pub fn project(&self, owner: &Caller, name: &str, chroots: &[&str]) -> Project {
        let settings = ProjectChanges { chroots: Some(strings(chroots)), ..ProjectChanges::default() };
        let ownername = owner.user.name.to_string();
        let new = NewProject { ownername, name: name.into(), settings, ..NewProject::default() };
        let project = self.create(owner, new).unwrap();
        self.sent();
        project
    }

    pub fn request(&self, project: &Project) -> BuildRequest {
        BuildRequest {
            ownername: project.owner.to_string(),
            projectname: project.name.to_string(),
            ..BuildRequest::default()
        }
    }

    pub fn submit(&self, by: &Caller, request: &BuildRequest) -> Result<BuildView, OpError> {
        let (by, request) = (by.clone(), request.clone());
        let urls = strings(&["https://example.com/hello-1-1.src.rpm"]);
        self.write(move |tx, cx| Ok(ops::submit_links(tx, cx, &by, &request, &urls)?.remove(0)))
    }

    pub fn upload(&self, by: &Caller, project: &Project, file: &str) -> BuildView {
        let (by, request) = (by.clone(), self.request(project));
        let upload = ops::Upload { path: format!("abc/{file}"), file_name: file.to_owned() };
        self.write(move |tx, cx| ops::submit_upload(tx, cx, &by, &request, &upload)).unwrap()
    }

    pub fn cancel(&self, by: &Caller, build: BuildId) -> Result<BuildView, OpError> {
        let by = by.clone();
        self.write(move |tx, cx| ops::cancel_build(tx, cx, &by, build))
    }

    pub fn delete_builds(&self, by: &Caller, builds: &[BuildId]) -> Result<(), OpError> {
        let (by, builds) = (by.clone(), builds.to_vec());
        self.write(move |tx, cx| ops::delete_builds(tx, cx, &by, &builds))
    }

    pub fn view(&self, build: BuildId) -> BuildView {
        self.read(move |conn| ops::find_build(conn, build)).unwrap()
    }

    pub fn state(&self, build: BuildId) -> BuildState {
        self.view(build).state()
    }

    pub fn chroot_state(&self, build: BuildId, chroot: &str) -> ChrootState {
        let view = self.view(build);
        view.chroots.iter().find(|c| c.chroot.as_str() == chroot).unwrap().state
    }

    /// Takes everything out of the outbox, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.write(|tx, _| {
            let waiting = outbox::list(tx, 10_000)?;
            outbox::delete(tx, &waiting.iter().map(|message| message.id).collect::<Vec<_>>())?;
            Ok(waiting.into_iter().map(|message| Sent { key: message.key, body: message.body }).collect())
        })
        .unwrap()
    }

    pub fn sent_keys(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.key).collect()
    }

    /// As the bus would give it out.
    pub fn hear(&self, report: Report) -> Verdict {
        let reports = Reports { app: Arc::clone(&self.app) };
        let envelope = Envelope { id: "1-0".into(), key: report.key(), body: report };
        self.runtime.block_on(reports.handle(envelope))
    }

    pub fn heard(&self, report: Report) {
        assert_eq!(self.hear(report), Verdict::Done);
    }

    pub fn take(&self, task: &TaskId, attempt: u32) {
        self.heard(progress(task, attempt, Progress::Taken { builder: format!("builder-{attempt}") }));
        self.heard(progress(task, attempt, Progress::Stage { stage: Stage::Building }));
    }

    pub fn import(&self, build: BuildId, chroots: &[&str]) {
        self.heard(Report::ImportedV1(imported(build, chroots)));
    }

    /// A build that waits for builders in these chroots; messages so far are out of the way.
    pub fn pending(&self, by: &Caller, project: &Project, chroots: &[&str]) -> BuildId {
        let build = self.upload(by, project, "hello-1-1.src.rpm").build.id;
        self.import(build, chroots);
        self.sent();
        build
    }
}

pub fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

pub fn source(build: BuildId) -> TaskId {
    TaskId::Source(build)
}

pub fn rpm(build: BuildId, chroot: &str) -> TaskId {
    TaskId::Rpm(build, chroot.parse().unwrap())
}

pub fn progress(task: &TaskId, attempt: u32, progress: Progress) -> Report {
    Report::ProgressV1 { task: task.clone(), attempt: Attempt(attempt), progress, at: UnixTime(NOW + 10) }
}

pub fn finished(task: &TaskId, attempt: u32, outcome: TaskOutcome) -> Report {
    Report::FinishedV1 { task: task.clone(), attempt: Attempt(attempt), outcome, at: UnixTime(NOW + 60) }
}

pub fn lost(task: &TaskId, attempt: u32) -> Report {
    let reason = "no word for 60 s".to_owned();
    Report::LostV1 { task: task.clone(), attempt: Attempt(attempt), reason, at: UnixTime(NOW + 50) }
}

pub fn published() -> TaskOutcome {
    TaskOutcome::Published { packages: vec![nevra("hello"), nevra("hello-devel")] }
}

pub fn nevra(name: &str) -> Nevra {
    Nevra {
        name: name.into(),
        epoch: None,
        version: "1".into(),
        release: "1.fc43".into(),
        arch: "x86_64".into(),
    }
}

pub fn imported(build: BuildId, chroots: &[&str]) -> Imported {
    let header = SourceHeader {
        name: "hello".parse().unwrap(),
        epoch: None,
        version: "1".into(),
        release: "1".into(),
        exclusive_arch: vec![],
        exclude_arch: vec![],
    };
    let commit = |name: &&str| -> (ChrootName, DistGitCommit) {
        let commit = DistGitCommit {
            clone_url: "http://distgit/git/alice/tools/hello".into(),
            commit: "0123456789abcdef0123456789abcdef01234567".into(),
            lookaside_url: "http://distgit/repo/pkgs/alice/tools/hello".into(),
        };
        (name.parse().unwrap(), commit)
    };
    Imported { build, header, commits: chroots.iter().map(commit).collect(), at: UnixTime(NOW + 20) }
}

/// What keygen says of the action in this message.
pub fn key_made(sent: &Sent) -> Report {
    let KeygenTask::CreateKeyV1(create) = sent.keygen() else { panic!("no key was ordered") };
    Report::ActionDoneV1(ActionDone {
        taken: None,
        action: create.action,
        error: None,
        fingerprint: Some("ABCD".into()),
        key_expires_on: None,
        at: UnixTime(NOW + 5),
    })
}
