//! Stages, sections and lines of a log, with the links between them.

use coppice_model::UnixTime;

use super::{
    LogOf,
    view::{Cause, Found, FoundLine, LeftOut, Row, Section, StageLink, fixed, page_url},
    window::Window,
};
use crate::{
    logs::{Failure, Overview, Shown, Stage},
    pages::{
        frame::Moment,
        words::{clock, counted, grouped},
    },
};

/// Lines that a link to one line shows before it.
const CONTEXT: u64 = 20;

/// Makes the links of one log, and what they stand in.
pub struct Links<'a> {
    pub of: &'a LogOf,
    /// Whether lines are left out.
    pub is_part: bool,
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

    pub fn stream(&self) -> String {
        format!("{}events?attempt={}", page_url(self.of), self.of.attempt)
    }

    pub fn cause(&self, overview: &Overview) -> Option<Cause> {
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

    pub fn found(&self, (lines, has_more): (Vec<Shown>, bool)) -> Found {
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

    pub fn stages(&self, overview: &Overview, is_live: bool) -> Vec<StageLink> {
        let link = |at: usize, stage: &Stage| {
            let (mark, word) = self.mark(overview, at, is_live);
            let lines = stage_lines(overview, at);
            StageLink {
                name: stage.name.clone(),
                url: self.line(stage.first),
                mark,
                word,
                share: share(overview, at),
                note: stage_took(overview, at).map_or_else(|| grouped(lines), took),
                since: self.since(overview, at, is_live),
            }
        };
        overview.stages.iter().enumerate().map(|(at, stage)| link(at, stage)).collect()
    }

    /// When the stage began that runs now.
    fn since(&self, overview: &Overview, at: usize, is_live: bool) -> Option<Moment> {
        let is_last = is_live && at + 1 == overview.stages.len();
        let tenths = overview.stages.get(at).filter(|_| is_last)?.at?;
        let began = self.of.began()?.0 + i64::try_from(tenths / 10).ok()?;
        Some(Moment::new(UnixTime(began), self.of.now))
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

    pub fn sections(&self, overview: &Overview, window: &Window, is_live: bool) -> Vec<Section> {
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
            note: match stage_took(overview, at) {
                Some(tenths) => format!("{}, {}", counted(stage_lines(overview, at), "line"), took(tenths)),
                None => counted(stage_lines(overview, at), "line"),
            },
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

/// How long a stage took, in tenths of a second, as far as the builder noted when it and the next one began.
fn stage_took(overview: &Overview, at: usize) -> Option<u64> {
    let began = overview.stages.get(at)?.at?;
    let ended = match overview.stages.get(at + 1) {
        Some(next) => next.at?,
        // The builder's last word.
        None => Some(overview.until).filter(|until| *until > began && overview.is_complete)?,
    };
    ended.checked_sub(began)
}

/// `0.4 s`, `12.3 s`, `3:52`.
fn took(tenths: u64) -> String {
    match tenths {
        ..600 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => clock(i64::try_from(tenths / 10).unwrap_or(i64::MAX)),
    }
}

/// Of the time in hundredths, or of the lines where no time is known.
fn share(overview: &Overview, at: usize) -> u64 {
    let (part, all) = match stage_took(overview, at) {
        Some(tenths) => (tenths, overview.until),
        None if overview.until > 0 => (0, 1),
        None => (stage_lines(overview, at), overview.lines),
    };
    (part * 100).checked_div(all).unwrap_or(0).clamp(1, 100)
}

fn stage_lines(overview: &Overview, at: usize) -> u64 {
    let first = overview.stages.get(at).map_or(1, |stage| stage.first);
    let next = overview.stages.get(at + 1).map_or(overview.lines + 1, |stage| stage.first);
    next.saturating_sub(first)
}
