use std::collections::BTreeMap;

use coppice_model::{
    BuildId,
    build_queue::Held,
    chroot::{ChrootDefinition, Environment, Runner},
    package::SourceHeader,
    work::{BuildContext, DistGitCommit, Limits, RpmWork, SourceSpec, SourceWork},
};

use super::*;

const CAPS: Caps = Caps { per_sandbox: 2, per_owner: 3 };

/// `owner/project`, a build and a chroot's architecture.
fn rpm(build: i64, project: &str, arch: &str) -> Job {
    Job::Rpm(RpmWork {
        context: context(build, project),
        attempt: Attempt::FIRST,
        source: DistGitCommit {
            clone_url: "http://distgit/x".into(),
            commit: "0".repeat(40),
            lookaside_url: "http://distgit/y".into(),
        },
        header: SourceHeader {
            name: "hello".parse().unwrap(),
            epoch: None,
            version: "1".into(),
            release: "1".into(),
            exclusive_arch: vec![],
            exclude_arch: vec![],
        },
        environment: environment(arch),
        limits: Limits::default(),
        grant: None,
    })
}

fn source(build: i64, project: &str, url: &str) -> Job {
    Job::Source(SourceWork {
        context: context(build, project),
        attempt: Attempt::FIRST,
        source: SourceSpec::Link { url: url.into() },
        environment: environment("s390x"),
        limits: Limits::default(),
    })
}

fn context(build: i64, project: &str) -> BuildContext {
    let (owner, name) = project.split_once('/').unwrap();
    BuildContext {
        build: BuildId(build),
        project: coppice_model::ProjectRef { owner: owner.parse().unwrap(), name: name.parse().unwrap() },
        dir: name.parse().unwrap(),
        sandbox: format!("{project}--{owner}"),
        background: false,
    }
}

fn environment(arch: &str) -> Environment {
    Environment {
        chroot: ChrootDefinition {
            name: format!("fedora-43-{arch}").parse().unwrap(),
            runner: Runner::Sandbox,
            repositories: vec![],
            setup_packages: vec![],
        },
        repositories: vec![],
        additional_packages: vec![],
        additional_modules: vec![],
        with_opts: vec![],
        without_opts: vec![],
        isolation: "default".into(),
        bootstrap: "default".into(),
        bootstrap_image: None,
        enable_net: false,
    }
}

fn background(mut job: Job) -> Job {
    let (Job::Rpm(RpmWork { context, .. }) | Job::Source(SourceWork { context, .. })) = &mut job;
    context.background = true;
    job
}

fn attempt(mut job: Job, number: u32) -> Job {
    let (Job::Rpm(RpmWork { attempt, .. }) | Job::Source(SourceWork { attempt, .. })) = &mut job;
    *attempt = Attempt(number);
    job
}

struct Bench {
    dir: tempfile::TempDir,
    queue: Queue,
    running: BTreeMap<AttemptKey, Job>,
}

impl Bench {
    fn with(jobs: impl IntoIterator<Item = Job>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(Shelf::open(dir.path().join("queue")).unwrap()).unwrap();
        let mut bench = Self { dir, queue, running: BTreeMap::new() };
        for job in jobs {
            bench.add(job);
        }
        bench
    }

    fn add(&mut self, job: Job) -> bool {
        self.queue.add(&Queued { job, since: UnixTime(1) }).unwrap()
    }

    /// What a machine gets; it runs from then on.
    fn next(&mut self, arch: &str) -> Option<String> {
        let mut load = Load::default();
        self.running.values().for_each(|job| load.add(job));
        let key = self.queue.pick(arch, &load, CAPS, |_| false)?;
        let job = self.queue.get(&key).unwrap().unwrap().job;
        self.queue.remove(&key.task).unwrap();
        self.running.insert(key.clone(), job);
        Some(key.to_string())
    }

    fn order(&mut self, arch: &str) -> Vec<String> {
        std::iter::from_fn(|| self.next(arch)).collect()
    }
}

#[test]
fn foreground_goes_first_and_then_the_older_build() {
    let mut bench = Bench::with([
        background(rpm(1, "a/x", "x86_64")),
        rpm(3, "b/x", "x86_64"),
        rpm(2, "c/x", "x86_64"),
        source(4, "d/x", "http://x/a.src.rpm"),
    ]);
    assert_eq!(
        bench.order("x86_64"),
        ["2-fedora-43-x86_64.1", "3-fedora-43-x86_64.1", "4.1", "1-fedora-43-x86_64.1"]
    );
}

#[test]
fn one_user_with_many_builds_does_not_keep_another_one_waiting() {
    let many = (1..=50).map(|build| rpm(build, &format!("greedy/p{build}.x"), "x86_64"));
    let mut bench = Bench::with(many.chain([rpm(99, "modest/x", "x86_64")]));
    assert_eq!(bench.next("x86_64").unwrap(), "1-fedora-43-x86_64.1");
    assert_eq!(bench.next("x86_64").unwrap(), "99-fedora-43-x86_64.1");
}

#[test]
fn sandboxes_and_owners_run_no_more_than_their_limits() {
    let mut bench = Bench::with((1..=5).map(|build| rpm(build, "a/x", "x86_64")));
    assert_eq!(bench.order("x86_64").len(), CAPS.per_sandbox);
    (6..=8).for_each(|build| assert!(bench.add(rpm(build, "a/y", "x86_64"))));
    assert_eq!(bench.order("x86_64"), ["6-fedora-43-x86_64.1"], "the owner has one more");
    bench.running.clear();
    assert_eq!(bench.order("x86_64").len(), CAPS.per_owner);
}

#[test]
fn a_machine_gets_only_what_its_architecture_can_do() {
    let mut bench = Bench::with([
        rpm(1, "a/x", "aarch64"),
        rpm(2, "b/x", "i686"),
        source(3, "c/x", "http://x/any.src.rpm?y"),
        source(4, "d/x", "http://x/needs-a-chroot.spec"),
    ]);
    assert_eq!(bench.order("x86_64"), ["2-fedora-43-i686.1", "3.1"]);
    assert_eq!(bench.order("s390x"), ["4.1"]);
    assert_eq!(bench.order("aarch64"), ["1-fedora-43-aarch64.1"]);
}

#[test]
fn a_repeat_changes_nothing_and_a_newer_attempt_takes_the_place() {
    let job = rpm(1, "a/x", "x86_64");
    let mut bench = Bench::with([job.clone()]);
    assert!(!bench.add(job.clone()));
    assert!(bench.add(attempt(job.clone(), 2)));
    assert!(!bench.add(job));
    assert_eq!(bench.queue.lengths(), (1, 0));
    assert_eq!(bench.order("x86_64"), ["1-fedora-43-x86_64.2"]);
}

#[test]
fn the_queue_is_the_same_after_a_restart() {
    let mut bench = Bench::with([background(rpm(1, "a/x", "x86_64")), rpm(2, "a/x", "x86_64")]);
    bench.queue = Queue::open(Shelf::open(bench.dir.path().join("queue")).unwrap()).unwrap();
    assert_eq!(bench.queue.lengths(), (1, 1));
    bench.queue.remove_build(BuildId(2)).unwrap();
    assert_eq!(bench.order("x86_64"), ["1-fedora-43-x86_64.1"]);
    bench.queue = Queue::open(Shelf::open(bench.dir.path().join("queue")).unwrap()).unwrap();
    assert_eq!(bench.queue.lengths(), (0, 0));
}

/// Two tasks of an owner run; machines are `(architecture, busy)`.
fn reasons(queue: &Queue, load: &Load, machines: &[(&str, bool)], build: i64) -> Vec<(Held, usize)> {
    let machines: Vec<(String, bool)> =
        machines.iter().map(|(arch, busy)| ((*arch).to_owned(), *busy)).collect();
    let around = Around { load, caps: CAPS, machines: &machines, some_come: false, is_closing: &|_| false };
    let waiting = queue.explain(BuildId(build), &around).unwrap();
    waiting.into_iter().map(|task| (task.held, task.ahead)).collect()
}

#[test]
fn a_waiting_task_says_what_holds_it_and_how_many_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(Shelf::open(dir.path().join("queue")).unwrap()).unwrap();
    for (build, project) in [(10, "alice/one"), (11, "alice/one"), (12, "bob/two")] {
        queue.add(&Queued { job: rpm(build, project, "x86_64"), since: UnixTime(build) }).unwrap();
    }
    let idle = Load::default();
    let busy = [("x86_64", true)];
    assert_eq!(reasons(&queue, &idle, &busy, 10), [(Held::Builders { busy: 1 }, 0)]);
    assert_eq!(reasons(&queue, &idle, &busy, 12), [(Held::Builders { busy: 1 }, 2)]);
    assert_eq!(reasons(&queue, &idle, &[("aarch64", false)], 10), [(Held::NoBuilder, 0)]);
    assert_eq!(reasons(&queue, &idle, &busy, 99), []);
    let mut load = Load::default();
    (1..=2).for_each(|build| load.add(&rpm(build, "alice/one", "x86_64")));
    // Her own limit is reached: the other owner goes first, and only her own tasks stand before hers.
    assert_eq!(reasons(&queue, &load, &busy, 11), [(Held::Project { running: 2, most: 2 }, 1)]);
    assert_eq!(reasons(&queue, &load, &busy, 12), [(Held::Builders { busy: 1 }, 0)]);
    load.add(&rpm(3, "alice/three", "x86_64"));
    assert_eq!(reasons(&queue, &load, &busy, 10), [(Held::Owner { running: 3, most: 3 }, 0)]);
}
