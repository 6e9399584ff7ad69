//! What the template of a build is filled with.

use std::collections::BTreeMap;

use coppice_model::{source_method::SourceMethod, work::TaskId};
use coppice_store::{BuildFailure, BuildSource};
use serde::Serialize;

use super::{
    build_url,
    card::{self, Card, has_source_log},
    chroots::{self, Earlier, Row, history},
    load::{Around, Shown},
    package, stem,
    stem::Step,
    waiting::{self, Why},
};
use crate::{
    api::source_results,
    pages::{
        build_word,
        frame::{Moment, ProjectHead},
        source_word,
        words::clock,
    },
    web::Web,
};

#[derive(Debug, Serialize)]
pub struct BuildPage<'a> {
    head: &'a ProjectHead,
    tab: &'static str,
    build: About,
    stem: Vec<Step>,
    cards: Vec<Card>,
    rows: Vec<Row>,
    has_times: bool,
    summary: String,
    states: Vec<&'static str>,
    source_why: Option<Why>,
    packages: Vec<Built>,
    source: Source,
}

#[derive(Debug, Serialize)]
struct About {
    id: i64,
    url: String,
    word: &'static str,
    title: String,
    submitter: Option<String>,
    submitted: Moment,
    dir: Option<String>,
    settings: Vec<String>,
    failure: Option<String>,
    is_live: bool,
    can_cancel: bool,
    can_delete: bool,
    can_repeat: bool,
}

/// A package that came out, and in how many chroots.
#[derive(Debug, Serialize)]
struct Built {
    name: String,
    version: String,
    count: usize,
    of: usize,
}

#[derive(Debug, Serialize)]
struct Source {
    kind: &'static str,
    what: String,
    link: Option<String>,
    word: &'static str,
    log_url: Option<String>,
    results: Option<String>,
    srpm_url: Option<String>,
    commit: Option<Commit>,
    /// Earlier attempts, when there were any.
    history: Vec<Earlier>,
}

#[derive(Debug, Serialize)]
struct Commit {
    url: String,
    id: String,
}

pub fn of<'a>(shown: &'a Shown, around: &Around, web: &Web) -> BuildPage<'a> {
    let url = build_url(&shown.view);
    let rows = chroots::rows(shown, around, web, &url);
    BuildPage {
        head: &shown.head,
        tab: "builds",
        build: about(shown, &url),
        stem: stem::of(shown),
        cards: card::of(shown, around, &url),
        summary: chroots::summary(&rows),
        has_times: rows.iter().any(|row| row.times.is_some()),
        states: rows.iter().map(|row| row.word).collect(),
        rows,
        source_why: waiting::of_source(shown, around),
        packages: packages(shown),
        source: source(shown, &url, web),
    }
}

fn about(shown: &Shown, url: &str) -> About {
    let (view, build) = (&shown.view, &shown.view.build);
    let is_final = view.state().is_final();
    About {
        id: build.id.0,
        url: url.to_owned(),
        word: build_word(view),
        title: package(&view.into()),
        submitter: build.submitter.as_ref().map(ToString::to_string),
        submitted: Moment::new(build.submitted_on, shown.now),
        dir: (build.dir.as_str() != build.project.name.as_str()).then(|| build.dir.to_string()),
        settings: settings(shown),
        failure: build.failure.as_ref().map(|failure: &BuildFailure| failure.message.clone()),
        is_live: !is_final,
        can_cancel: shown.head.can_build && !is_final,
        can_delete: shown.head.can_build && is_final,
        can_repeat: shown.head.can_build && !matches!(build.source, BuildSource::Package { .. }),
    }
}

/// How it is built, as far as it is worth a word.
fn settings(shown: &Shown) -> Vec<String> {
    let options = &shown.view.build.options;
    let timeout_s = i64::try_from(options.timeout_s).unwrap_or(i64::MAX);
    let mut settings = vec![format!("timeout {}", clock(timeout_s))];
    if let Some(net) = options.enable_net {
        settings.push(format!("network {}", if net { "on" } else { "off" }));
    }
    if options.is_background {
        settings.push("in the background".into());
    }
    let chosen = [("bootstrap", &options.bootstrap), ("isolation", &options.isolation)];
    let chosen = chosen.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    settings.extend(chosen.filter(|(_, v)| *v != "unchanged").map(|(name, value)| format!("{name} {value}")));
    settings
}

fn packages(shown: &Shown) -> Vec<Built> {
    let of = shown.built.len();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for packages in shown.built.values() {
        let mut own: Vec<(String, String)> = packages
            .iter()
            .filter(|nevra| nevra.arch != "src" && nevra.arch != "nosrc")
            .map(|nevra| {
                let epoch = nevra.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
                (nevra.name.clone(), format!("{epoch}{}-{}", nevra.version, nevra.release))
            })
            .collect();
        own.sort();
        own.dedup();
        own.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    let built = |((name, version), count)| Built { name, version, count, of };
    counts.into_iter().map(built).collect()
}

fn source(shown: &Shown, url: &str, web: &Web) -> Source {
    let (view, build) = (&shown.view, &shown.view.build);
    let (kind, what, link) = origin(&build.source);
    let commit = view.chroots.iter().find_map(|chroot| chroot.commit.as_ref());
    let has_log = has_source_log(shown);
    let log_url = format!("{url}log/source/");
    let task = (&TaskId::Source(build.id), build.source_attempt);
    Source {
        kind,
        what,
        link,
        word: source_word(view),
        history: history(shown, task, &log_url),
        log_url: has_log.then_some(log_url),
        results: source_results(view, web).map(|url| format!("{url}/")),
        srpm_url: build.srpm_url.clone(),
        commit: commit.map(|commit| Commit {
            url: commit.clone_url.clone(),
            id: commit.commit.chars().take(7).collect(),
        }),
    }
}

/// What was submitted: its kind, its name, and where it can be seen.
fn origin(source: &BuildSource) -> (&'static str, String, Option<String>) {
    let web = |url: &String| {
        url.starts_with("https://")
            .then(|| url.clone())
            .or_else(|| url.starts_with("http://").then(|| url.clone()))
    };
    match source {
        BuildSource::Link { url } => ("Address", url.clone(), web(url)),
        BuildSource::Upload { file_name, .. } => ("Uploaded", file_name.clone(), None),
        BuildSource::Package { file_name, .. } => ("Uploaded as it is", file_name.clone(), None),
        BuildSource::Method { method } => match method {
            SourceMethod::Scm(scm) => {
                ("Repository", at(&scm.clone_url, &scm.committish), web(&scm.clone_url))
            }
            SourceMethod::Distgit(git) => {
                ("Dist-git", at(&git.clone_url, &git.committish), web(&git.clone_url))
            }
            SourceMethod::Pypi(pypi) => {
                let version = pypi.version.as_deref().unwrap_or("the newest version");
                ("PyPI", format!("{} {version}", pypi.package_name), None)
            }
            SourceMethod::Rubygems { gem_name } => ("RubyGems", gem_name.clone(), None),
            SourceMethod::Custom(custom) => ("Script", format!("in {}", custom.chroot), None),
        },
    }
}

fn at(url: &str, committish: &str) -> String {
    if committish.is_empty() { url.to_owned() } else { format!("{url} at {committish}") }
}
