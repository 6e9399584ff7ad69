//! The newest builds of everybody, or one's own.

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use coppice_model::{BuildId, UnixTime, UserId};
use coppice_store::{BuildFilter, BuildLine, builds};
use serde::Serialize;

use super::{
    Page, PageError, Viewer,
    build::package,
    frame::Moment,
    project_url,
    words::{build_line_word, line_word},
};
use crate::{App, api::Query, calendar, web::Web};

type Answer = Result<HttpResponse, PageError>;

const PER_PAGE: usize = 50;

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/recent").get(all))
        .service(web::resource("/recent/all").get(all))
        .service(web::resource("/recent/my").get(mine));
}

#[derive(Debug, Serialize)]
struct RecentPage {
    /// Of the viewer alone.
    is_mine: bool,
    builds: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    url: String,
    state: &'static str,
    package: String,
    project: String,
    project_url: String,
    states: Vec<&'static str>,
    summary: String,
    submitter: Option<String>,
    took: Option<String>,
    submitted: Moment,
}

impl Row {
    fn new(line: &BuildLine, now: UnixTime) -> Self {
        let project_url = project_url(&line.project);
        let states: Vec<&'static str> = line.chroots.iter().map(line_word).collect();
        let took = line.started_on().zip(line.ended_on()).map(|(from, to)| calendar::duration(from, to));
        Self {
            id: line.id.0,
            url: format!("{project_url}build/{}/", line.id),
            state: build_line_word(line),
            package: package(line),
            project: line.project.to_string(),
            project_url,
            summary: summary(&states),
            states,
            submitter: line.submitter.as_ref().map(ToString::to_string),
            took,
            submitted: Moment::new(line.submitted_on, now),
        }
    }
}

/// `2 succeeded, 1 failed`, in the order of the chroots.
fn summary(states: &[&str]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for state in states {
        match counts.iter_mut().find(|(known, _)| known == state) {
            Some((_, count)) => *count += 1,
            None => counts.push((state, 1)),
        }
    }
    counts.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
}

async fn all(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    let filter = BuildFilter { only_listed: true, ..BuildFilter::default() };
    show(&app, (&web, &viewer), filter, &query).await
}

async fn mine(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    let user: UserId = viewer.login()?.user.id;
    let filter = BuildFilter { submitter: Some(user), ..BuildFilter::default() };
    show(&app, (&web, &viewer), filter, &query).await
}

async fn show(app: &App, (web, viewer): (&Web, &Viewer), filter: BuildFilter, query: &Query) -> Answer {
    let before: Option<BuildId> = query.get("before").and_then(|text| text.parse().ok());
    let (is_mine, filter) = (filter.submitter.is_some(), BuildFilter { before, ..filter });
    let part = coppice_store::Page::first(PER_PAGE as i64 + 1);
    let mut found = app.store.read(move |conn| builds::list(conn, &filter, part)).await?;
    let has_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let last = found.last().filter(|_| has_more);
    let own = if is_mine { "/recent/my/" } else { "/recent/all/" };
    let now = app.clock.now();
    let page = RecentPage {
        is_mine,
        newer: before.map(|_| own.to_owned()),
        older: last.map(|line| format!("?before={}", line.id)),
        builds: found.iter().map(|line| Row::new(line, now)).collect(),
    };
    Page::new(web, viewer).html("recent.html", &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_in_their_order() {
        assert_eq!(summary(&["failed", "succeeded", "failed"]), "2 failed, 1 succeeded");
        assert_eq!(summary(&[]), "");
    }
}
