//! States over the API while the other services report.

use std::collections::BTreeMap;

use coppice_model::{
    Attempt, BuildId, UnixTime,
    messages::{Imported, Progress, Report},
    package::{Nevra, SourceHeader},
    state::Stage,
    work::{DistGitCommit, Failure, FailureCause, TaskId, TaskOutcome},
};
use serde_json::{Value, json};

use crate::support::{CHROOTS, Frontend, RESULTS, until, upload_body};

struct Backend<'a> {
    frontend: &'a Frontend,
    build: BuildId,
}

impl Backend<'_> {
    fn task(&self) -> TaskId {
        TaskId::Rpm(self.build, CHROOTS[0].parse().unwrap())
    }

    async fn imports(&self) {
        let commit = DistGitCommit {
            clone_url: "http://distgit/git/alice/foo/hello".into(),
            commit: "c".repeat(40),
            lookaside_url: "http://distgit/repo/pkgs/alice/foo/hello".into(),
        };
        let header = SourceHeader {
            name: "hello".parse().unwrap(),
            epoch: None,
            version: "1".into(),
            release: "1".into(),
            exclusive_arch: vec![],
            exclude_arch: vec![],
        };
        let commits = BTreeMap::from([(CHROOTS[0].parse().unwrap(), commit)]);
        let imported = Imported { build: self.build, header, commits, at: UnixTime(100) };
        self.frontend.report(Report::ImportedV1(imported)).await;
    }

    async fn progresses(&self, attempt: u32, progress: Progress) {
        let (task, attempt) = (self.task(), Attempt(attempt));
        self.frontend.report(Report::ProgressV1 { task, attempt, progress, at: UnixTime(110) }).await;
    }

    async fn ends(&self, attempt: u32, outcome: TaskOutcome) {
        let (task, attempt) = (self.task(), Attempt(attempt));
        self.frontend.report(Report::FinishedV1 { task, attempt, outcome, at: UnixTime(160) }).await;
    }

    async fn build(&self) -> Value {
        self.frontend.get(&format!("/api_3/build/{}", self.build)).await.ok()
    }

    async fn chroot(&self) -> Value {
        let path = format!("/api_3/build-chroot?build_id={}&chrootname={}", self.build, CHROOTS[0]);
        self.frontend.get(&path).await.json()
    }

    async fn until_chroot_is(&self, key: &str, wanted: &str) -> Value {
        let what = format!("{key} is {wanted}");
        until(&what, async || Some(self.chroot().await).filter(|chroot| chroot[key] == wanted)).await
    }
}

/// A build of an uploaded SRPM in one chroot.
async fn uploaded(frontend: &Frontend) -> Backend<'_> {
    let alice = frontend.member("alice").await.with_project("foo").await;
    let (kind, body) =
        upload_body("hello-1-1.src.rpm", b"x", r#"{"ownername": "alice", "projectname": "foo"}"#);
    let request = alice.request(reqwest::Method::POST, "/api_3/build/create/upload");
    let answer = crate::support::send(request.header("content-type", kind).body(body)).await.ok();
    Backend { frontend, build: BuildId(answer["id"].as_i64().unwrap()) }
}

fn nevra(arch: &str) -> Nevra {
    Nevra { name: "hello".into(), epoch: None, version: "1".into(), release: "1".into(), arch: arch.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_goes_its_way_to_succeeded() {
    let frontend = Frontend::start().await;
    let backend = uploaded(&frontend).await;
    backend.imports().await;
    backend.until_chroot_is("state", "pending").await;
    let build = backend.build().await;
    assert_eq!(build["source_package"]["version"], "1-1");
    assert_eq!(build["chroots"], json!([CHROOTS[0]]));
    backend.progresses(1, Progress::Taken { builder: "local-1".into() }).await;
    backend.until_chroot_is("state", "starting").await;
    backend.progresses(1, Progress::Stage { stage: Stage::Building }).await;
    let running = backend.until_chroot_is("state", "running").await;
    let id = backend.build.padded();
    assert_eq!(running["result_url"], format!("{RESULTS}/alice/foo/{}/{id}-hello/", CHROOTS[0]));
    assert_eq!(running["ended_on"], Value::Null);
    backend.progresses(1, Progress::Stage { stage: Stage::Publishing }).await;
    backend.until_chroot_is("stage", "publishing").await;
    backend.ends(1, TaskOutcome::Published { packages: vec![nevra("src"), nevra("x86_64")] }).await;
    let done = backend.until_chroot_is("state", "succeeded").await;
    assert_eq!(done["ended_on"], 160);
    assert_eq!(backend.build().await["state"], "succeeded");
    let expected = json!({"packages": [
        {"name": "hello", "epoch": null, "version": "1", "release": "1", "arch": "src"},
        {"name": "hello", "epoch": null, "version": "1", "release": "1", "arch": "x86_64"}]});
    let built = frontend.get(&format!("/api_3/build/built-packages/{}", backend.build)).await.ok();
    assert_eq!(built[CHROOTS[0]], expected);
    let path =
        format!("/api_3/build-chroot/built-packages?build_id={}&chrootname={}", backend.build, CHROOTS[0]);
    assert_eq!(frontend.get(&path).await.ok(), expected);
    let list = frontend.get("/api_3/build/list?ownername=alice&projectname=foo&packagename=hello").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_builder_is_another_attempt_and_its_late_success_changes_nothing() {
    let frontend = Frontend::start().await;
    let backend = uploaded(&frontend).await;
    backend.imports().await;
    backend.progresses(1, Progress::Taken { builder: "local-1".into() }).await;
    backend.until_chroot_is("state", "starting").await;
    let lost = Report::LostV1 {
        task: backend.task(),
        attempt: Attempt(1),
        reason: "no word for 60 s".into(),
        at: UnixTime(150),
    };
    frontend.report(lost).await;
    let again = backend.until_chroot_is("state", "pending").await;
    assert_eq!(again["attempt"], 2);
    backend.ends(1, TaskOutcome::Published { packages: vec![] }).await;
    let failure = Failure { cause: FailureCause::Build, message: "rpmbuild ended with 1".into() };
    backend.ends(2, TaskOutcome::Failed(failure)).await;
    let failed = backend.until_chroot_is("state", "failed").await;
    assert_eq!(failed["failure"], "rpmbuild ended with 1");
    let page = frontend.get(&format!("/coprs/alice/foo/build/{}/", backend.build)).await.text;
    for text in ["rpmbuild ended with 1", "/log/fedora-43-x86_64/?attempt=1", "no word for 60 s", "local-1"] {
        assert!(page.contains(text), "{text} is missing in\n{page}");
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_source_fails_the_build_with_a_sentence() {
    let frontend = Frontend::start().await;
    let backend = uploaded(&frontend).await;
    let failure = Failure { cause: FailureCause::SourceImport, message: "the file is not an SRPM".into() };
    frontend.report(Report::ImportFailedV1 { build: backend.build, failure, at: UnixTime(120) }).await;
    let failed = until("the build failed", async || {
        Some(backend.build().await).filter(|build| build["state"] == "failed")
    });
    assert_eq!(failed.await["failure"], "the file is not an SRPM");
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_a_chroot_of_a_build_leaves_out_what_is_default() {
    let frontend = Frontend::start().await;
    let backend = uploaded(&frontend).await;
    backend.imports().await;
    backend.until_chroot_is("state", "pending").await;
    let expected = json!({
        "additional_repos": ["copr://alice/foo"], "additional_packages": [], "with_opts": [],
        "without_opts": [], "enable_net": false, "is_background": false, "memory_limit": 2048,
        "timeout": 18000,
        "repos": [{"id": "copr_base", "name": "Copr repository", "priority": null, "module_hotfixes": null,
                   "repo_gpgcheck": false, "baseurl": format!("{RESULTS}/alice/foo/{}/", CHROOTS[0])}]
    });
    let query = format!("build_id={}&chrootname={}", backend.build, CHROOTS[0]);
    for path in [
        format!("/api_3/build-chroot/build-config?{query}"),
        format!("/api_3/build-chroot/build-config/{}/{}", backend.build, CHROOTS[0]),
    ] {
        assert_eq!(frontend.get(&path).await.ok(), expected, "{path}");
    }
    let other = format!("/api_3/build-chroot/{}/{}", backend.build, CHROOTS[3]);
    let text = format!("Build {} was not submitted to {} chroot.", backend.build, CHROOTS[3]);
    assert_eq!(frontend.get(&other).await.error(), (404, text));
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitor_tells_the_newest_result_of_each_package_and_chroot() {
    let frontend = Frontend::start().await;
    let backend = uploaded(&frontend).await;
    let monitor = "/api_3/monitor?ownername=alice&projectname=foo";
    let none = json!({ "output": "ok", "message": "Project monitor request successful", "packages": [] });
    assert_eq!(frontend.get(monitor).await.ok(), none);
    backend.imports().await;
    backend.until_chroot_is("state", "pending").await;
    let asked = format!("{monitor}&additional_fields[]=url_build_log&additional_fields%5B%5D=url_build");
    let told = frontend.get(&asked).await.ok();
    assert_eq!(told["packages"][0]["name"], "hello");
    let id = backend.build.0;
    let mut expected = json!({ "state": "pending", "status": 4, "build_id": id, "pkg_version": "1-1", "url_build_log": null });
    assert_eq!(told["packages"][0]["chroots"][CHROOTS[0]], expected);

    backend.progresses(1, Progress::Taken { builder: "builder-1".into() }).await;
    backend.ends(1, TaskOutcome::Published { packages: vec![nevra("x86_64")] }).await;
    backend.until_chroot_is("state", "succeeded").await;
    let row = frontend.get(&asked).await.ok()["packages"][0]["chroots"][CHROOTS[0]].clone();
    expected["state"] = "succeeded".into();
    expected["status"] = 1.into();
    let log = format!("{RESULTS}/alice/foo/{}/{id:08}-hello/builder-live.log.gz", CHROOTS[0]);
    expected["url_build_log"] = log.into();
    assert_eq!(row, expected);
    for (query, status, text) in [
        (
            "&additional_fields[]=a&additional_fields[]=bogus",
            400,
            "Wrong additional_fields argument(s): a, bogus",
        ),
        ("&project_dirname=foo:pr:1", 404, "Dirname 'foo:pr:1' doesn't exist in 'alice/foo' copr"),
    ] {
        let answer = frontend.get(&format!("{monitor}{query}")).await.error();
        assert_eq!(answer, (status, text.to_owned()));
    }
    frontend.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_builders_are_told_can_be_read_by_anybody() {
    let frontend = Frontend::start().await;
    let backend = uploaded(&frontend).await;
    let task = format!("/backend/get-build-task/{}-{}", backend.build, CHROOTS[0]);
    let early = frontend.get(&task).await;
    assert_eq!((early.status.as_u16(), early.json()), (404, json!({ "msg": "Specified task ID not found" })));
    backend.imports().await;
    backend.until_chroot_is("state", "pending").await;
    let answer = frontend.get(&format!("{task}/")).await;
    assert_eq!(answer.header("copr-fe-be-api-version"), "9");
    let told = answer.ok();
    for (key, value) in [
        ("task_id", json!(format!("{}-{}", backend.build, CHROOTS[0]))),
        ("package_name", json!("hello")),
        ("package_version", json!("1-1")),
        ("git_hash", json!("c".repeat(40))),
        ("enable_net", json!(false)),
        ("isolation", json!("default")),
        ("timeout", json!(18_000)),
        ("sandbox", json!("alice/foo--alice")),
    ] {
        assert_eq!(told[key], value, "{key}");
    }
    assert_eq!(told["repos"][0]["baseurl"], format!("{RESULTS}/alice/foo/{}/", CHROOTS[0]));
    let jobs = frontend.get("/backend/pending-jobs/").await.ok();
    assert_eq!((jobs[0]["task_id"].clone(), jobs.as_array().unwrap().len()), (told["task_id"].clone(), 1));
    let source = frontend.get(&format!("/backend/get-srpm-build-task/{}", backend.build)).await.ok();
    assert_eq!(
        (source["source_type"].clone(), &source["distributions_in_project"]),
        (json!(2), &json!(["fedora-43"]))
    );
    let count = frontend.get("/backend/pending-action-count/").await.ok().as_u64().unwrap();
    let all = frontend.get("/backend/pending-actions/").await.ok();
    assert!(count > 0 && all.as_array().unwrap().len() as u64 == count, "{all}");
    assert_eq!(frontend.get("/backend/pending-action/").await.ok()["id"], all[0]["id"]);
    frontend.close().await;
}
