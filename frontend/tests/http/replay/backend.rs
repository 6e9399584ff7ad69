//! What Copr's backend and DistGit said by HTTP, ours say by message.

use std::collections::BTreeMap;

use coppice_model::{
    ActionId, Attempt, BuildId, ChrootName, UnixTime,
    messages::{ActionDone, Imported, Progress, Report},
    package::{Nevra, SourceHeader},
    state::Stage,
    work::{DistGitCommit, TaskId, TaskOutcome},
};
use serde_json::Value;

use super::Exchange;
use crate::support::{Frontend, until};

/// Copr's numbers of states (contract section 5).
const SUCCEEDED: i64 = 1;
const RUNNING: i64 = 3;

pub async fn play(frontend: &Frontend, exchange: &Exchange) {
    let Some(body) = &exchange.json else { return };
    match exchange.request.as_str() {
        "POST /backend/starting_build/" => {
            let progress = Progress::Taken { builder: "builder-1".into() };
            tell(frontend, body, progress_of(body, progress)).await;
        }
        "POST /backend/update/" => {
            for build in body["builds"].as_array().into_iter().flatten() {
                tell(frontend, build, update(build)).await;
            }
            for action in body["actions"].as_array().into_iter().flatten() {
                let action = ActionId(action["id"].as_i64().unwrap());
                let done = ActionDone {
                    taken: None,
                    action,
                    error: None,
                    fingerprint: None,
                    key_expires_on: None,
                    at: UnixTime(1_780_000_300),
                };
                frontend.report(Report::ActionDoneV1(done)).await;
            }
        }
        "POST /backend/import-completed/" => tell(frontend, body, imported(body)).await,
        _ => {}
    }
}

/// Sends and waits until everybody can see it.
async fn tell(frontend: &Frontend, about: &Value, report: Report) {
    let id = about.get("id").or_else(|| about.get("build_id")).and_then(Value::as_i64).unwrap();
    let look = async || {
        let build = frontend.get(&format!("/api_3/build/{id}")).await.text;
        let chroots = frontend.get(&format!("/api_3/build-chroot/list?build_id={id}")).await.text;
        build + &chroots + &frontend.get(&format!("/api_3/build/source-chroot/{id}")).await.text
    };
    let before = look().await;
    frontend.report(report).await;
    until("the report is heard", async || Some(look().await).filter(|now| *now != before)).await;
}

fn task(about: &Value) -> TaskId {
    about["task_id"].as_str().unwrap().parse().unwrap()
}

fn progress_of(about: &Value, progress: Progress) -> Report {
    Report::ProgressV1 { task: task(about), attempt: Attempt::FIRST, progress, at: UnixTime(1_780_000_000) }
}

fn update(build: &Value) -> Report {
    match build["status"].as_i64().unwrap() {
        RUNNING => progress_of(build, Progress::Stage { stage: Stage::Building }),
        SUCCEEDED => {
            let outcome = match build["srpm_url"].as_str() {
                Some(url) => TaskOutcome::SourceMade { srpm_url: url.into() },
                None => TaskOutcome::Published { packages: packages(build) },
            };
            let at = UnixTime(build["ended_on"].as_i64().unwrap());
            Report::FinishedV1 { task: task(build), attempt: Attempt::FIRST, outcome, at }
        }
        other => panic!("no such state was recorded: {other}"),
    }
}

fn packages(build: &Value) -> Vec<Nevra> {
    serde_json::from_value(build["results"]["packages"].clone()).unwrap()
}

fn imported(body: &Value) -> Report {
    let branches: BTreeMap<String, String> = serde_json::from_value(body["branch_commits"].clone()).unwrap();
    let chroot = |branch: &str| -> ChrootName {
        let name = match branch {
            "master" => "fedora-rawhide-x86_64",
            "f43" => "fedora-43-x86_64",
            "epel9" => "epel-9-x86_64",
            other => panic!("no such branch was recorded: {other}"),
        };
        name.parse().unwrap()
    };
    let commit = |commit: String| DistGitCommit {
        clone_url: "http://127.0.0.1:5001/git//user001/demo/foo".into(),
        commit,
        lookaside_url: "http://127.0.0.1:5001/repo/pkgs/user001/demo/foo".into(),
    };
    Report::ImportedV1(Imported {
        build: BuildId(body["build_id"].as_i64().unwrap()),
        header: SourceHeader {
            name: "foo".parse().unwrap(),
            epoch: None,
            version: "1".into(),
            release: "1".into(),
            exclusive_arch: vec![],
            exclude_arch: vec![],
        },
        commits: branches.into_iter().map(|(branch, hash)| (chroot(&branch), commit(hash))).collect(),
        at: UnixTime(1_780_000_090),
    })
}
