//! What waits and what runs, of everybody.

mod batches;
mod overview;
mod tasks;

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use coppice_model::OwnerName;
use coppice_store::{Conn, StoreError, queue, queue::OpenTasks};
use serde::Serialize;

use super::PageError;

type Answer = Result<HttpResponse, PageError>;

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/status").get(overview::show))
        .service(web::resource("/status/pending/all").get(tasks::show_all_pending))
        .service(web::resource("/status/{state:pending|starting|running|importing}").get(tasks::show))
        .service(web::resource("/status/batches").get(batches::list))
        .service(web::resource("/status/batches/detail/{id:\\d+}").get(batches::show))
        .service(web::resource("/batches/detail/{id:\\d+}").get(batches::show));
}

/// Batches that are counted and listed; more than that nobody reads.
const MOST_BATCHES: i64 = 500;

/// The band above all pages of the queue: how much there is of everything.
#[derive(Debug, Serialize)]
pub(super) struct QueueHead {
    tabs: Vec<Tab>,
    tab: &'static str,
}

#[derive(Debug, Serialize)]
struct Tab {
    name: &'static str,
    label: &'static str,
    url: &'static str,
    count: Option<i64>,
}

/// What the head is made of; two statements.
struct Counts {
    tasks: Vec<OpenTasks>,
    batches: Vec<queue::OpenBatch>,
}

impl Counts {
    fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self { tasks: queue::count(conn)?, batches: queue::list_batches(conn, MOST_BATCHES)? })
    }

    fn in_state(&self, state: &str, is_background: Option<bool>) -> i64 {
        let fits = |one: &&OpenTasks| {
            one.state == state && is_background.is_none_or(|wanted| one.is_background == wanted)
        };
        self.tasks.iter().filter(fits).map(|one| one.tasks).sum()
    }
}

impl QueueHead {
    fn new(counts: &Counts, tab: &'static str) -> Self {
        let of = |state: &'static str, label, url| Tab {
            name: state,
            label,
            url,
            count: Some(counts.in_state(state, None)),
        };
        let plain = |name, label, url| Tab { name, label, url, count: None };
        let batches = i64::try_from(counts.batches.len()).ok();
        let tabs = vec![
            plain("overview", "Overview", "/status/"),
            of("importing", "Importing", "/status/importing/"),
            of("pending", "Pending", "/status/pending/"),
            of("starting", "Starting", "/status/starting/"),
            of("running", "Running", "/status/running/"),
            Tab { count: batches, ..plain("batches", "Batches", "/status/batches/") },
            plain("stats", "Statistics", "/status/stats/"),
        ];
        Self { tabs, tab }
    }
}

/// The head for pages beside the queue; two statements.
pub(super) fn head(conn: &mut Conn, tab: &'static str) -> Result<QueueHead, StoreError> {
    Ok(QueueHead::new(&Counts::load(conn)?, tab))
}

/// The page of an owner.
fn owner_url(owner: &OwnerName) -> String {
    match owner.group() {
        Some(group) => format!("/groups/g/{group}/coprs/"),
        None => format!("/coprs/{owner}/"),
    }
}

/// A share as the class of a bar's width, `0` to `100`.
fn share(part: i64, of: i64) -> i64 {
    if of <= 0 { 0 } else { (part.max(0) * 100 / of).clamp(i64::from(part > 0), 100) }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_whole_percents_and_nothing_that_is_there_is_none() {
        assert_eq!([share(1, 3), share(1, 1000), share(0, 7), share(9, 9), share(1, 0)], [33, 1, 0, 100, 0]);
    }
}
