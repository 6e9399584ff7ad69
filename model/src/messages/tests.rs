use std::{collections::BTreeMap, fmt::Debug, path::Path};

use super::*;
use crate::{
    ActionId, Attempt, BuildId, ProjectRef, UnixTime,
    chroot::{ChrootDefinition, Environment, Repository, Runner},
    package::{Nevra, SourceHeader},
    signing::{Grant, KeyAlgorithm},
    source_method::*,
    state::Stage,
    work::*,
};

fn project() -> ProjectRef {
    ProjectRef { owner: "@team".parse().unwrap(), name: "tools".parse().unwrap() }
}

fn context() -> BuildContext {
    BuildContext {
        build: BuildId(7),
        project: project(),
        dir: "tools:pr:3".parse().unwrap(),
        sandbox: "@team/tools--alice".into(),
        background: false,
    }
}

fn repository(id: &str) -> Repository {
    Repository {
        id: id.into(),
        name: "Base".into(),
        baseurl: "https://example.com/base/".into(),
        priority: Some(7),
        module_hotfixes: None,
        repo_gpgcheck: Some(false),
    }
}

fn environment() -> Environment {
    Environment {
        chroot: ChrootDefinition {
            name: "fedora-43-x86_64".parse().unwrap(),
            runner: Runner::Mock { config: Some("fedora-43-x86_64".into()) },
            repositories: vec![repository("base")],
            setup_packages: vec!["@build".into()],
        },
        repositories: vec![repository("copr_base")],
        additional_packages: vec!["gcc".into()],
        additional_modules: vec![],
        with_opts: vec!["x".into()],
        without_opts: vec![],
        isolation: "default".into(),
        bootstrap: "default".into(),
        bootstrap_image: None,
        enable_net: false,
    }
}

fn header() -> SourceHeader {
    SourceHeader {
        name: "hello".parse().unwrap(),
        epoch: Some(1),
        version: "2.8".into(),
        release: "1".into(),
        exclusive_arch: vec![],
        exclude_arch: vec!["s390x".into()],
    }
}

fn commit() -> DistGitCommit {
    DistGitCommit {
        clone_url: "http://distgit/git/@team/tools/hello".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        lookaside_url: "http://distgit/lookaside/@team/tools/hello".into(),
    }
}

fn backend_tasks() -> Vec<(&'static str, BackendTask)> {
    vec![
        (
            "source_build_v1",
            BackendTask::SourceBuildV1(SourceWork {
                context: context(),
                attempt: Attempt(2),
                source: SourceSpec::Link { url: "https://example.com/hello.src.rpm".into() },
                environment: environment(),
                limits: Limits::default(),
            }),
        ),
        (
            "rpm_build_v1",
            BackendTask::RpmBuildV1(RpmWork {
                context: context(),
                attempt: Attempt::FIRST,
                source: commit(),
                header: header(),
                environment: environment(),
                limits: Limits::default(),
                grant: None,
            }),
        ),
        ("cancel_v1", BackendTask::CancelV1 { build: BuildId(7) }),
    ]
}

fn keys_and_repositories() -> Vec<(&'static str, BackendTask)> {
    vec![
        (
            "roll_back_v1",
            BackendTask::RollBackV1(RollBack {
                action: ActionId(9),
                project: project(),
                dir: "tools".parse().unwrap(),
                chroot: "fedora-43-x86_64".parse().unwrap(),
                snapshot: 12,
                grant: Some(grant()),
            }),
        ),
        (
            "rotate_key_v1",
            BackendTask::RotateKeyV1(RotateKey {
                action: ActionId(9),
                project: project(),
                dirs: vec!["tools".parse().unwrap()],
                algorithm: Some(KeyAlgorithm::Rsa4096),
                compromised: true,
                grant: Some(grant()),
            }),
        ),
    ]
}

fn fork() -> BackendTask {
    let forked = ForkedBuild {
        chroot: "fedora-43-x86_64".parse().unwrap(),
        package: "hello".parse().unwrap(),
        from: BuildId(7),
        to: BuildId(8),
    };
    BackendTask::ForkV1(Fork {
        action: ActionId(9),
        from: project(),
        project: ProjectRef { owner: "alice".parse().unwrap(), name: "mine".parse().unwrap() },
        builds: vec![forked],
        comps_of: vec!["fedora-43-x86_64".parse().unwrap()],
        grant: Some(grant()),
    })
}

fn publishing() -> Vec<(&'static str, BackendTask)> {
    let results = BuildResults {
        build: BuildId(7),
        dir: "tools".parse().unwrap(),
        package: Some("hello".parse().unwrap()),
        chroots: vec!["fedora-43-x86_64".parse().unwrap()],
    };
    vec![
        (
            "publish_v1",
            BackendTask::PublishV1(PublishRepositories {
                devel: None,
                action: ActionId(9),
                project: project(),
                dirs: vec!["tools".parse().unwrap()],
                chroots: vec!["fedora-43-x86_64".parse().unwrap()],
                from_scratch: true,
                comps: None,
                grant: None,
            }),
        ),
        (
            "publish_v1_granted",
            BackendTask::PublishV1(PublishRepositories {
                devel: None,
                action: ActionId(10),
                project: project(),
                dirs: vec![],
                chroots: vec![],
                from_scratch: false,
                comps: None,
                grant: Some(grant()),
            }),
        ),
        (
            "delete_builds_v1",
            BackendTask::DeleteBuildsV1(DeleteBuilds {
                action: ActionId(9),
                project: project(),
                builds: vec![results],
                grant: None,
            }),
        ),
        (
            "delete_project_v1",
            BackendTask::DeleteProjectV1(DeleteProject {
                action: ActionId(9),
                project: project(),
                dirs: vec!["tools".parse().unwrap()],
            }),
        ),
    ]
}

fn all_backend_tasks() -> Vec<(&'static str, BackendTask)> {
    [backend_tasks(), publishing(), keys_and_repositories()].concat()
}

fn nevra() -> Nevra {
    Nevra {
        name: "hello".into(),
        epoch: None,
        version: "2.8".into(),
        release: "1.fc43".into(),
        arch: "x86_64".into(),
    }
}

fn failure() -> Failure {
    Failure { cause: FailureCause::Build, message: "%build failed".into() }
}

fn grant() -> Grant {
    Grant::from("7.text.mac".to_owned())
}

const AT: UnixTime = UnixTime(1_800_000_000);

fn progress(progress: Progress) -> Report {
    let task = "7-fedora-43-x86_64".parse().unwrap();
    Report::ProgressV1 { task, attempt: Attempt::FIRST, progress, at: AT }
}

fn finished(task: &str, outcome: TaskOutcome) -> Report {
    Report::FinishedV1 { task: task.parse().unwrap(), attempt: Attempt::FIRST, outcome, at: AT }
}

fn reports() -> Vec<(&'static str, Report)> {
    let rpm = "7-fedora-43-x86_64";
    let made = TaskOutcome::SourceMade { srpm_url: "http://backend/x.src.rpm".into() };
    let imported = Imported {
        build: BuildId(7),
        header: header(),
        commits: BTreeMap::from([("fedora-43-x86_64".parse().unwrap(), commit())]),
        at: AT,
    };
    let lost = Report::LostV1 {
        task: rpm.parse().unwrap(),
        attempt: Attempt::FIRST,
        reason: "no heartbeat".into(),
        at: AT,
    };
    let taken = TakenPackage { package: "hello".parse().unwrap(), nevra: nevra() };
    let done = ActionDone {
        taken: None,
        action: ActionId(9),
        error: None,
        fingerprint: Some("AB".into()),
        key_expires_on: None,
        at: AT,
    };
    let chroot = "fedora-43-x86_64".parse().unwrap();
    let fetched = vec![FetchedPackages { project: project(), chroot, count: 12 }];
    let downloads = Downloads { name: "3f9a".into(), fetched };
    vec![
        ("progress_v1_taken", progress(Progress::Taken { builder: "local-1".into() })),
        ("progress_v1_stage", progress(Progress::Stage { stage: Stage::Signing })),
        (
            "progress_v1_delayed",
            progress(Progress::Delayed { stage: Stage::Publishing, reason: "the disk is full".into() }),
        ),
        ("finished_v1_published", finished(rpm, TaskOutcome::Published { packages: vec![nevra()] })),
        ("finished_v1_failed", finished(rpm, TaskOutcome::Failed(failure()))),
        ("finished_v1_source", finished("7", made)),
        ("lost_v1", lost),
        ("imported_v1", Report::ImportedV1(imported)),
        ("import_failed_v1", Report::ImportFailedV1 { build: BuildId(7), failure: failure(), at: AT }),
        (
            "action_done_v1_taken",
            Report::ActionDoneV1(ActionDone {
                action: ActionId(11),
                taken: Some(Box::new(taken)),
                ..done.clone()
            }),
        ),
        ("action_done_v1", Report::ActionDoneV1(done.clone())),
        ("downloads_v1", Report::DownloadsV1(downloads)),
        (
            "action_done_v1_key",
            Report::ActionDoneV1(ActionDone { action: ActionId(10), key_expires_on: Some(AT), ..done }),
        ),
    ]
}

/// The golden file is a promise to messages that already wait in some Redis.
fn keeps_its_promise<M: Message + PartialEq + Debug>(name: &str, message: &M) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    if std::env::var_os("COPPICE_WRITE_GOLDEN").is_some() && !path.exists() {
        std::fs::write(&path, serde_json::to_string_pretty(message).unwrap() + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; write it with COPPICE_WRITE_GOLDEN=1", path.display()));
    assert_eq!(&serde_json::from_str::<M>(&text).unwrap(), message, "{name}");
}

#[test]
fn golden_files_parse_for_ever() {
    for (name, message) in all_backend_tasks() {
        keeps_its_promise(name, &message);
    }
    for (name, message) in reports() {
        keeps_its_promise(name, &message);
    }
    keeps_its_promise(
        "import_v1",
        &DistGitTask::ImportV1(Import {
            build: BuildId(7),
            project: project(),
            srpm_url: "http://frontend/tmp/x/hello.src.rpm".into(),
            branches: vec![Branch { chroot: "fedora-43-x86_64".parse().unwrap(), branch: "f43".into() }],
        }),
    );
    let create = CreateKey { action: ActionId(9), project: project(), algorithm: KeyAlgorithm::Rsa4096 };
    keeps_its_promise("create_key_v1", &KeygenTask::CreateKeyV1(create.clone()));
    let modern = CreateKey { algorithm: KeyAlgorithm::Ed25519, ..create };
    keeps_its_promise("create_key_v1_ed25519", &KeygenTask::CreateKeyV1(modern));
    let renew = RenewKey { action: ActionId(9), project: project(), expires_on: AT };
    keeps_its_promise("renew_key_v1", &KeygenTask::RenewKeyV1(renew));
}

fn source_methods() -> Vec<(&'static str, SourceMethod)> {
    let scm = ScmSource {
        scm_type: ScmType::Git,
        clone_url: "https://example.com/hello.git".into(),
        committish: "main".into(),
        subdirectory: "rpm".into(),
        spec: "hello.spec".into(),
        method: ScmMethod::TitoTest,
    };
    let distgit = DistgitSource {
        instance: "fedora".into(),
        clone_url: "https://src.fedoraproject.org/forks/alice/hello".into(),
        namespace: "forks/alice".into(),
        committish: String::new(),
    };
    let pypi = PypiSource {
        package_name: "six".into(),
        version: Some("1.17.0".into()),
        generator: SpecGenerator::Pyp2spec,
        template: "fedora".into(),
        python_versions: vec!["3".into()],
    };
    let custom = CustomSource {
        script: "#!/bin/sh\n".into(),
        chroot: "fedora-latest-x86_64".into(),
        builddeps: "git make".into(),
        resultdir: "out".into(),
        repos: String::new(),
    };
    vec![
        ("source_build_v1_scm", SourceMethod::Scm(scm)),
        ("source_build_v1_distgit", SourceMethod::Distgit(distgit)),
        ("source_build_v1_pypi", SourceMethod::Pypi(pypi)),
        ("source_build_v1_rubygems", SourceMethod::Rubygems { gem_name: "rake".into() }),
        ("source_build_v1_custom", SourceMethod::Custom(custom)),
    ]
}

#[test]
fn golden_files_of_every_way_to_make_sources_and_of_comps_parse_for_ever() {
    for (name, method) in source_methods() {
        let work = SourceWork {
            context: context(),
            attempt: Attempt::FIRST,
            source: SourceSpec::Method { method },
            environment: environment(),
            limits: Limits::default(),
        };
        keeps_its_promise(name, &BackendTask::SourceBuildV1(work));
    }
    let comps = PublishRepositories {
        devel: None,
        action: ActionId(9),
        project: project(),
        dirs: vec!["tools".parse().unwrap()],
        chroots: vec!["fedora-43-x86_64".parse().unwrap()],
        from_scratch: false,
        comps: Some(Comps { content: Some("<comps/>".into()) }),
        grant: Some(grant()),
    };
    let devel = PublishRepositories { devel: Some(true), comps: None, ..comps.clone() };
    keeps_its_promise("publish_v1_devel", &BackendTask::PublishV1(devel));
    keeps_its_promise("publish_v1_comps", &BackendTask::PublishV1(comps));
    keeps_its_promise("fork_v1", &fork());
    let take = TakePackage {
        action: ActionId(9),
        project: project(),
        build: BuildId(7),
        dir: "tools".parse().unwrap(),
        chroots: vec!["fedora-43-x86_64".parse().unwrap()],
        url: "http://frontend/tmp/x/hello-1-1.x86_64.rpm".into(),
        grant: Some(grant()),
    };
    keeps_its_promise("take_package_v1", &BackendTask::TakePackageV1(take));
}

#[test]
fn another_attempt_is_other_news_and_a_repeat_is_not() {
    let keys: Vec<String> = all_backend_tasks().iter().map(|(_, task)| task.key()).collect();
    assert_eq!(keys[0], "source/7/2");
    assert_eq!(keys[1], "rpm/7/fedora-43-x86_64/1");
    let keys: Vec<String> = reports().iter().map(|(_, report)| report.key()).collect();
    let distinct: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len() - 1, "the two finishes of one attempt share a key: {keys:?}");
}
