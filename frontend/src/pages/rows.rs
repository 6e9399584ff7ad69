//! Projects and builds as lists show them.

use std::collections::BTreeMap;

use coppice_model::UnixTime;
use coppice_store::{BuildLine, BuildSource, Project, builds::ChrootLine};
use serde::Serialize;

use super::{
    frame::Moment,
    markdown::{first_line, without_directions},
    project_url,
    words::{build_line_word, line_word},
};
use crate::calendar;

const SUMMARY_CHARS: usize = 160;

#[derive(Debug, Clone, Serialize)]
pub struct ProjectRow {
    pub url: String,
    pub full_name: String,
    pub summary: String,
    /// `3 chroots`, where the list counts them.
    pub chroots: Option<String>,
    pub made: Moment,
}

impl ProjectRow {
    pub fn new(project: &Project, chroots: Option<usize>, now: UnixTime) -> Self {
        let reference = project.reference();
        Self {
            url: project_url(&reference),
            full_name: reference.to_string(),
            summary: summary(&project.settings.description),
            chroots: chroots.map(|count| counted(count, "chroot")),
            made: Moment::new(project.created_at, now),
        }
    }
}

/// The first line that holds something, as plain text.
pub fn summary(text: &str) -> String {
    first_line(text).chars().take(SUMMARY_CHARS).collect()
}

/// `1 chroot`, `3 chroots`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[derive(Debug, Serialize)]
pub struct BuildRow {
    pub id: i64,
    pub url: String,
    pub state: &'static str,
    pub package: String,
    pub version: Option<String>,
    /// In the order of the build's chroots.
    pub strip: Strip,
    /// Only when it is not the main one, without the project's name.
    pub dir: Option<String>,
    pub submitter: Option<String>,
    pub took: Option<String>,
    pub submitted: Moment,
    pub failure: Option<String>,
}

/// The states of the chroots of a build.
#[derive(Debug, Serialize)]
pub struct Strip {
    pub states: Vec<&'static str>,
    pub summary: String,
}

impl BuildRow {
    pub fn new(line: &BuildLine, now: UnixTime) -> Self {
        let took = line.started_on().zip(line.ended_on()).map(|(from, to)| calendar::duration(from, to));
        Self {
            id: line.id.0,
            url: format!("{}build/{}/", project_url(&line.project), line.id),
            state: build_line_word(line),
            package: package(line),
            version: line.version.clone(),
            strip: Strip::new(&line.chroots),
            dir: line.dir.as_str().split_once(':').map(|(_, rest)| format!(":{rest}")),
            submitter: line.submitter.as_ref().map(ToString::to_string),
            took,
            submitted: Moment::new(line.submitted_on, now),
            failure: line.failure.as_ref().map(|failure| failure.message.clone()),
        }
    }
}

impl Strip {
    pub fn new(chroots: &[ChrootLine]) -> Self {
        let states: Vec<&str> = chroots.iter().map(line_word).collect();
        Self { summary: counts(&states), states }
    }
}

/// In the order in which they matter to who looks.
const ORDER: [&str; 12] = [
    "failed",
    "signing",
    "publishing",
    "running",
    "starting",
    "retrying",
    "pending",
    "waiting",
    "succeeded",
    "forked",
    "skipped",
    "canceled",
];

/// `2 failed, 10 succeeded`.
pub fn counts(states: &[&str]) -> String {
    let mut counted: BTreeMap<usize, usize> = BTreeMap::new();
    for state in states {
        let rank = ORDER.iter().position(|known| known == state).unwrap_or(ORDER.len());
        *counted.entry(rank).or_default() += 1;
    }
    let texts =
        counted.iter().map(|(rank, count)| format!("{count} {}", ORDER.get(*rank).unwrap_or(&"other")));
    texts.collect::<Vec<_>>().join(", ")
}

/// The package's name, or what is to become one.
pub fn package(line: &BuildLine) -> String {
    if let Some(name) = &line.package {
        return name.to_string();
    }
    let text = match &line.source {
        Some(BuildSource::Link { url }) => {
            url.rsplit('/').find(|part| !part.is_empty()).unwrap_or(url).to_owned()
        }
        Some(BuildSource::Upload { file_name, .. } | BuildSource::Package { file_name, .. }) => {
            file_name.clone()
        }
        Some(BuildSource::Method { method }) => format!("sources by {}", method.name()),
        None => "sources that were made".to_owned(),
    };
    without_directions(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_what_matters_first() {
        assert_eq!(counts(&["succeeded", "failed", "succeeded"]), "1 failed, 2 succeeded");
        assert_eq!(counts(&["publishing", "retrying", "running"]), "1 publishing, 1 running, 1 retrying");
        assert_eq!(counts(&[]), "");
    }

    #[test]
    fn a_summary_is_one_line_that_cannot_turn_round() {
        assert_eq!(summary("\n## My\u{202e} **best** `tools`\nmore"), "My best tools");
        assert_eq!(counted(1, "chroot"), "1 chroot");
        assert_eq!(counted(0, "chroot"), "0 chroots");
    }
}
