//! What the template of a log is filled with.

use coppice_model::UnixTime;
use serde::Serialize;

use super::{LogOf, is_over, window::Window};
use crate::{
    api::{chroot_results, source_results},
    logs::{Failure, LogFile, Overview, Shown, Stage},
    pages::{
        build,
        frame::Moment,
        project_url,
        words::{clock, counted, grouped, size},
    },
    web::Web,
};

/// Lines that a link to one line shows before it.
const CONTEXT: u64 = 20;

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
struct StageLink {
    name: String,
    url: String,
    mark: &'static str,
    word: &'static str,
    note: String,
    /// Of all lines, in hundredths.
    share: u64,
}

/// Lines of one stage, with what is left out before them.
#[derive(Debug, Serialize)]
struct Section {
    left_out: Option<LeftOut>,
    name: String,
    mark: &'static str,
    word: &'static str,
    remark: String,
    note: String,
    is_open: bool,
    is_last: bool,
    lines: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    text: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct Row {
    n: u64,
    c: &'static str,
    t: String,
}

#[derive(Debug, Serialize)]
struct Cause {
    count: String,
    sentence: String,
    is_known: bool,
    n: u64,
    url: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Found {
    summary: String,
    lines: Vec<FoundLine>,
}

#[derive(Debug, Serialize)]
struct FoundLine {
    n: u64,
    url: String,
    c: &'static str,
    t: String,
}

/// A search's words with what it found, and whether there is more.
pub type Search = (String, (Vec<Shown>, bool));

pub fn without_log(of: &LogOf, web: &Web) -> LogView {
    let sentence = match of.word() {
        "waiting" => "It waits for the sources; the log begins when a builder takes it.",
        "pending" | "retrying" => "No builder has it yet. The page of the build says what it waits for.",
        "skipped" => "Nothing was built for this chroot, so there is no log.",
        "forked" => "The packages were copied from another project; the log is there.",
        "canceled" => "It was canceled before a builder printed anything.",
        "lost" => "The builder was lost before it printed anything.",
        _ if of.chroot.is_none() && of.view.build.source.is_uploaded_srpm() => {
            "The source package was uploaded, so that no builder made it and there is no log."
        }
        _ => "There is no log here. Logs go with the results of a build when they are deleted.",
    };
    LogView { missing: Some(sentence.to_owned()), ..head(of, web) }
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
    let (started, ended) = times(of);
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

fn times(of: &LogOf) -> (Option<UnixTime>, Option<UnixTime>) {
    let started = of.record().and_then(|record| record.started_on);
    let ended = of.record().and_then(|record| record.ended_on);
    match &of.chroot {
        Some(chroot) if of.is_newest() => (chroot.started_on.or(started), chroot.ended_on.or(ended)),
        _ => (started, ended),
    }
}

fn page_url(of: &LogOf) -> String {
    let build = &of.view.build;
    format!("{}build/{}/log/{}/", project_url(&build.project), build.id, of.task())
}

/// What a link keeps besides what it changes.
fn fixed(of: &LogOf) -> Vec<(&'static str, String)> {
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

/// Makes the links of one log, and what they stand in.
struct Links<'a> {
    of: &'a LogOf,
    is_part: bool,
}

impl Links<'_> {
    fn at(&self, parameters: &[(&str, String)]) -> String {
        let all = fixed(self.of).into_iter().chain(parameters.iter().cloned());
        let query: Vec<String> = all.map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() {
            page_url(self.of)
        } else {
            format!("{}?{}", page_url(self.of), query.join("&"))
        }
    }

    fn line(&self, n: u64) -> String {
        if !self.is_part {
            return format!("#L{n}");
        }
        let from = n.saturating_sub(CONTEXT).max(1);
        format!("{}#L{n}", self.at(&[("from", from.to_string())]))
    }

    fn stream(&self) -> String {
        format!("{}events?attempt={}", page_url(self.of), self.of.attempt)
    }

    fn cause(&self, overview: &Overview) -> Option<Cause> {
        let failure: &Failure = &overview.failure;
        let line = failure.cause()?;
        Some(Cause {
            count: counted(overview.errors, "error line"),
            sentence: failure.sentence(),
            is_known: failure.is_known,
            n: line.n,
            url: self.line(line.n),
            text: line.text.clone(),
        })
    }

    fn found(&self, (lines, has_more): (Vec<Shown>, bool)) -> Found {
        let count = counted(lines.len() as u64, "line");
        let summary = match (lines.is_empty(), has_more) {
            (true, _) => "No line holds these words.".to_owned(),
            (_, true) => format!("The first {count} that hold these words; there are more."),
            (_, false) => format!("{count} hold{} these words.", if lines.len() == 1 { "s" } else { "" }),
        };
        let lines = lines.into_iter();
        let line = |shown: Shown| FoundLine {
            n: shown.n,
            url: self.line(shown.n),
            c: shown.kind.class(),
            t: shown.text,
        };
        Found { summary, lines: lines.map(line).collect() }
    }

    fn stages(&self, overview: &Overview, is_live: bool) -> Vec<StageLink> {
        let link = |at: usize, stage: &Stage| {
            let (mark, word) = self.mark(overview, at, is_live);
            let lines = stage_lines(overview, at);
            StageLink {
                name: stage.name.clone(),
                url: self.line(stage.first),
                mark,
                word,
                note: grouped(lines),
                share: (lines * 100).checked_div(overview.lines).unwrap_or(0).clamp(1, 100),
            }
        };
        overview.stages.iter().enumerate().map(|(at, stage)| link(at, stage)).collect()
    }

    /// Mark and word of a stage.
    fn mark(&self, overview: &Overview, at: usize, is_live: bool) -> (&'static str, &'static str) {
        let is_last = at + 1 == overview.stages.len();
        let (failed_at, is_failed) = (failed_stage(overview), self.of.has_failed());
        match self.of.word() {
            _ if is_live && is_last => ("run", "running"),
            _ if is_failed && failed_at == Some(at) => ("fail", "failed"),
            "canceled" if is_last => ("cancel", "canceled"),
            "lost" if is_last => ("retry", "lost"),
            _ => ("ok", "done"),
        }
    }

    fn sections(&self, overview: &Overview, window: &Window, is_live: bool) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        let (mut before, mut stage) = (0, usize::MAX);
        for run in &window.runs {
            for line in &run.lines {
                let at = stage_of(overview, line.n);
                let is_gap = line.n != before + 1;
                if at != stage || is_gap || sections.is_empty() {
                    let left_out = is_gap.then(|| self.left_out(before + 1, line.n - 1));
                    let is_single = overview.stages.len() == 1 || self.is_part;
                    sections.push(self.section(overview, (at, line.n), is_live, (left_out, is_single)));
                }
                (before, stage) = (line.n, at);
                if let Some(last) = sections.last_mut() {
                    last.lines.push(Row { n: line.n, c: line.kind.class(), t: line.text.clone() });
                }
            }
        }
        if let Some(last) = sections.last_mut() {
            last.is_last = true;
        }
        if before < overview.lines
            && let Some(last) = sections.last()
        {
            let name = last.name.clone();
            let rest = self.left_out(before + 1, overview.lines);
            sections.push(Section { left_out: Some(rest), ..Section::empty(name) });
        }
        sections
    }

    fn left_out(&self, first: u64, last: u64) -> LeftOut {
        let text = match last - first {
            0 => format!("Line {} is left out.", grouped(first)),
            _ => format!("Lines {} to {} are left out.", grouped(first), grouped(last)),
        };
        LeftOut { text, url: self.at(&[("from", first.to_string())]) }
    }

    fn section(
        &self,
        overview: &Overview,
        (at, first): (usize, u64),
        is_live: bool,
        (left_out, is_single): (Option<LeftOut>, bool),
    ) -> Section {
        let Some(stage) = overview.stages.get(at) else { return Section::empty("Beginning".into()) };
        let (mark, word) = self.mark(overview, at, is_live);
        let remarks = [(stage.errors, "error"), (stage.warnings, "warning")];
        let remarks =
            remarks.iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(*count, what));
        Section {
            left_out,
            name: if first == stage.first {
                stage.name.clone()
            } else {
                format!("{}, continued", stage.name)
            },
            mark,
            word,
            remark: remarks.collect::<Vec<_>>().join(", "),
            note: counted(stage_lines(overview, at), "line"),
            is_open: is_single || mark != "ok",
            ..Section::empty(String::new())
        }
    }
}

impl Section {
    fn empty(name: String) -> Self {
        Self {
            left_out: None,
            name,
            mark: "ok",
            word: "done",
            remark: String::new(),
            note: String::new(),
            is_open: false,
            is_last: false,
            lines: vec![],
        }
    }
}

fn stage_of(overview: &Overview, line: u64) -> usize {
    overview.stages.partition_point(|stage| stage.first <= line).saturating_sub(1)
}

fn failed_stage(overview: &Overview) -> Option<usize> {
    let last = overview.stages.len().checked_sub(1)?;
    Some(overview.failure.first.map_or(last, |line| stage_of(overview, line)))
}

fn stage_lines(overview: &Overview, at: usize) -> u64 {
    let first = overview.stages.get(at).map_or(1, |stage| stage.first);
    let next = overview.stages.get(at + 1).map_or(overview.lines + 1, |stage| stage.first);
    next.saturating_sub(first)
}
