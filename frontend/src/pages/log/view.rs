//! What the template of a log is filled with.

use serde::Serialize;

use super::{LogOf, is_over, links::Links, window::Window};
use crate::{
    api::{chroot_results, source_results},
    logs::{LogFile, Overview, Shown},
    pages::{
        build,
        frame::Moment,
        project_url,
        words::{clock, counted, size},
    },
    web::Web,
};

#[derive(Debug, Default, Serialize)]
pub struct LogView {
    full_name: String,
    project_url: String,
    build_id: i64,
    build_url: String,
    package: String,
    task: String,
    word: &'static str,
    attempt: u32,
    newest: u32,
    attempts: Vec<AttemptLink>,
    builder: Option<String>,
    took: Option<String>,
    /// When it runs.
    since: Option<Moment>,
    started: Option<Moment>,
    raw_url: Option<String>,
    size: String,
    /// The file when it is not what the builder printed.
    file: &'static str,
    others: Vec<Other>,
    stages: Vec<StageLink>,
    sections: Vec<Section>,
    cause: Option<Cause>,
    found: Option<Found>,
    words: String,
    /// This page without what stands behind the question mark.
    url: String,
    /// Which attempt and file, for forms.
    fixed: Vec<(&'static str, String)>,
    missing: Option<String>,
    is_part: bool,
    is_live: bool,
    stream: Option<String>,
    next: u64,
    ending: String,
}

#[derive(Debug, Serialize)]
struct AttemptLink {
    n: u32,
    url: String,
    is_this: bool,
    outcome: String,
}

#[derive(Debug, Serialize)]
struct Other {
    name: String,
    url: String,
}

#[derive(Debug, Serialize)]
pub struct StageLink {
    pub name: String,
    pub url: String,
    pub mark: &'static str,
    pub word: &'static str,
    /// How long it took, or how many lines it has where that is not known.
    pub note: String,
    /// When it began, of the stage that runs.
    pub since: Option<Moment>,
    /// Of the time or of all lines, in hundredths.
    pub share: u64,
}

/// Lines of one stage, with what is left out before them.
#[derive(Debug, Serialize)]
pub struct Section {
    pub left_out: Option<LeftOut>,
    pub name: String,
    pub mark: &'static str,
    pub word: &'static str,
    pub remark: String,
    pub note: String,
    pub is_open: bool,
    pub is_last: bool,
    pub lines: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub text: String,
    pub url: String,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub n: u64,
    pub c: &'static str,
    pub t: String,
}

#[derive(Debug, Serialize)]
pub struct Cause {
    pub count: String,
    pub sentence: String,
    pub is_known: bool,
    pub n: u64,
    pub url: String,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub struct Found {
    pub summary: String,
    pub lines: Vec<FoundLine>,
}

#[derive(Debug, Serialize)]
pub struct FoundLine {
    pub n: u64,
    pub url: String,
    pub c: &'static str,
    pub t: String,
}

/// A search's words with what it found, and whether there is more.
pub type Search = (String, (Vec<Shown>, bool));

pub fn without_log(of: &LogOf, web: &Web) -> LogView {
    let sentence = match of.word() {
        "waiting" => "It waits for the sources; the log begins when a builder takes it.",
        "pending" | "retrying" => "No builder has it yet. The page of the build says what it waits for.",
        "starting" | "running" => "The builder has not printed anything yet.",
        "skipped" => "Nothing was built for this chroot, so there is no log.",
        "forked" => "The packages were copied from another project; the log is there.",
        "canceled" => "It was canceled before a builder printed anything.",
        "lost" => "The builder was lost before it printed anything.",
        _ if of.chroot.is_none() && of.view.build.source.is_uploaded_srpm() => {
            "The source package was uploaded, so that no builder made it and there is no log."
        }
        _ => "There is no log here. Logs go with the results of a build when they are deleted.",
    };
    LogView { missing: Some(sentence.to_owned()), is_live: of.is_live(), ..head(of, web) }
}

pub fn of(of: &LogOf, overview: &Overview, (window, found): (Window, Option<Search>), web: &Web) -> LogView {
    let is_live = !is_over(of, overview);
    let links = Links { of, is_part: window.is_part };
    let (words, found) = match found {
        Some((words, found)) => (words, Some(links.found(found))),
        None => (String::new(), None),
    };
    LogView {
        size: size(overview.bytes),
        stages: links.stages(overview, is_live),
        sections: links.sections(overview, &window, is_live),
        cause: of.has_failed().then(|| links.cause(overview)).flatten(),
        found,
        words,
        is_part: window.is_part,
        is_live,
        stream: is_live.then(|| links.stream()),
        next: overview.lines + 1,
        ending: ending(overview, is_live),
        missing: (overview.lines == 0 && !is_live).then(|| "The log is empty.".to_owned()),
        ..head(of, web)
    }
}

fn ending(overview: &Overview, is_live: bool) -> String {
    let lines = counted(overview.lines, "line");
    if is_live {
        format!("{lines} so far. The build is still writing.")
    } else {
        format!("End of the log, {lines}.")
    }
}

fn head(of: &LogOf, web: &Web) -> LogView {
    let build = &of.view.build;
    let record = of.record();
    let (started, ended) = of.times();
    let is_live = of.is_live();
    let project_url = project_url(&build.project);
    LogView {
        full_name: build.project.to_string(),
        build_url: format!("{project_url}build/{}/", build.id),
        url: page_url(of),
        project_url,
        build_id: build.id.0,
        package: build::package(&(&of.view).into()),
        task: of.task().to_owned(),
        word: of.word(),
        attempt: of.attempt.0,
        newest: of.newest().0,
        attempts: attempt_links(of),
        builder: record.and_then(|record| record.builder.clone()),
        took: started.zip(ended).map(|(from, to)| clock(to.0 - from.0)),
        since: Moment::of(started.filter(|_| is_live), of.now),
        started: Moment::of(started, of.now),
        raw_url: raw_url(of, web),
        file: if of.file == LogFile::LIVE { "" } else { of.file.name() },
        others: others(of),
        fixed: fixed(of),
        ..LogView::default()
    }
}

pub fn page_url(of: &LogOf) -> String {
    let build = &of.view.build;
    format!("{}build/{}/log/{}/", project_url(&build.project), build.id, of.task())
}

/// What a link keeps besides what it changes.
pub fn fixed(of: &LogOf) -> Vec<(&'static str, String)> {
    let attempt = (!of.is_newest()).then(|| ("attempt", of.attempt.to_string()));
    let file = (of.file != LogFile::LIVE).then(|| ("file", of.file.name().to_owned()));
    attempt.into_iter().chain(file).collect()
}

fn attempt_links(of: &LogOf) -> Vec<AttemptLink> {
    let link = |n: u32| {
        let record = of.attempts.iter().find(|record| record.attempt.0 == n);
        AttemptLink {
            n,
            url: format!("{}?attempt={n}", page_url(of)),
            is_this: n == of.attempt.0,
            outcome: record.and_then(|record| record.outcome.clone()).unwrap_or_default(),
        }
    };
    if of.newest().0 > 1 { (1..=of.newest().0).map(link).collect() } else { vec![] }
}

/// Mock and rpmbuild write their own files; they exist when the task has ended.
fn others(of: &LogOf) -> Vec<Other> {
    if of.is_live() || !of.is_newest() {
        return vec![];
    }
    let url = page_url(of);
    let own = [("live", "builder-live.log".to_owned())].into_iter().filter(|_| of.file != LogFile::LIVE);
    let others = LogFile::others().filter(|(word, _)| *word != of.file.name());
    own.chain(others).map(|(word, name)| Other { url: format!("{url}?file={word}"), name }).collect()
}

fn raw_url(of: &LogOf, web: &Web) -> Option<String> {
    let folder = match &of.chroot {
        Some(chroot) => chroot_results(&of.view, chroot, web),
        None => source_results(&of.view, web).map(|url| format!("{url}/")),
    };
    let path = of.address()?.paths().into_iter().next()?;
    let name = path.rsplit('/').next()?.to_owned();
    Some(format!("{}{name}", folder?))
}
