//! Tasks as the frontend sends them.

use coppice_model::{
    Attempt, BuildId,
    chroot::{ChrootDefinition, Environment, Runner},
    messages::BackendTask,
    package::SourceHeader,
    work::{BuildContext, DistGitCommit, Limits, RpmWork, SourceSpec, SourceWork},
};

pub const CHROOT: &str = "debian-12-x86_64";

pub fn rpm_work(build: i64) -> RpmWork {
    RpmWork {
        context: context(build),
        attempt: Attempt::FIRST,
        source: DistGitCommit {
            clone_url: "http://distgit/git/alice/tools/hello".into(),
            commit: "0123456789abcdef0123456789abcdef01234567".into(),
            lookaside_url: "http://distgit/repo/pkgs/alice/tools/hello".into(),
        },
        header: SourceHeader {
            name: "hello".parse().unwrap(),
            epoch: None,
            version: "1".into(),
            release: "1".into(),
            exclusive_arch: vec![],
            exclude_arch: vec![],
        },
        environment: environment(),
        limits: limits(),
        grant: None,
    }
}

pub fn rpm(build: i64) -> BackendTask {
    BackendTask::RpmBuildV1(rpm_work(build))
}

pub fn rpm_again(build: i64, attempt: u32) -> BackendTask {
    BackendTask::RpmBuildV1(RpmWork { attempt: Attempt(attempt), ..rpm_work(build) })
}

pub fn source(build: i64) -> BackendTask {
    BackendTask::SourceBuildV1(SourceWork {
        context: context(build),
        attempt: Attempt::FIRST,
        source: SourceSpec::Link { url: "http://example.com/hello-1-1.src.rpm".into() },
        environment: environment(),
        limits: limits(),
    })
}

/// Small ones, so that tests reach them.
fn limits() -> Limits {
    Limits { timeout_s: 3_600, log_bytes: 1_000, result_bytes: 100_000, ..Limits::default() }
}

fn context(build: i64) -> BuildContext {
    BuildContext {
        build: BuildId(build),
        project: coppice_model::ProjectRef {
            owner: "alice".parse().unwrap(),
            name: "tools".parse().unwrap(),
        },
        dir: "tools".parse().unwrap(),
        sandbox: "alice/tools--alice".into(),
        background: false,
    }
}

fn environment() -> Environment {
    Environment {
        chroot: ChrootDefinition {
            name: CHROOT.parse().unwrap(),
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
