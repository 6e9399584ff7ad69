//! The queue in numbers: by architecture and by owner, and who is next.

use std::collections::BTreeMap;

use actix_web::web::Data;
use coppice_model::OwnerName;
use coppice_store::{Page as Part, queue};
use serde::Serialize;

use super::{Answer, Counts, QueueHead, owner_url, share, tasks::TaskRow};
use crate::{
    App,
    pages::{Page, Viewer},
    web::Web,
};

const NEXT: i64 = 10;
const OWNERS: usize = 10;

#[derive(Debug, Serialize)]
struct OverviewPage {
    #[serde(flatten)]
    head: QueueHead,
    running: i64,
    starting: i64,
    pending: i64,
    background: i64,
    importing: i64,
    arches: Vec<ArchRow>,
    owners: Vec<OwnerRow>,
    /// How many owners are not shown, and what they have.
    others: Option<OwnerRow>,
    next: Vec<TaskRow>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Numbers {
    running: i64,
    pending: i64,
}

impl Numbers {
    fn add(&mut self, state: &str, tasks: i64) {
        match state {
            "pending" => self.pending += tasks,
            "starting" | "running" => self.running += tasks,
            _ => {}
        }
    }
}

#[derive(Debug, Serialize)]
struct ArchRow {
    name: String,
    running: i64,
    pending: i64,
    running_share: i64,
    pending_share: i64,
}

#[derive(Debug, Serialize)]
struct OwnerRow {
    name: String,
    url: Option<String>,
    is_viewer: bool,
    running: i64,
    pending: i64,
    share: i64,
}

/// Three statements.
pub async fn show(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    let read = app.store.read(|conn| {
        Ok::<_, crate::pages::PageError>((
            Counts::load(conn)?,
            queue::list(conn, "pending", false, Part::first(NEXT))?,
        ))
    });
    let (counts, next) = read.await?;
    let now = app.clock.now();
    let (owners, others) = owners(&counts, viewer.user().map(|user| &user.name));
    let page = OverviewPage {
        running: counts.in_state("running", None),
        starting: counts.in_state("starting", None),
        pending: counts.in_state("pending", Some(false)),
        background: counts.in_state("pending", Some(true)),
        importing: counts.in_state("importing", None),
        arches: arches(&counts),
        owners,
        others,
        next: next.into_iter().map(|task| TaskRow::new(task, now)).collect(),
        head: QueueHead::new(&counts, "overview"),
    };
    Page::new(&web, &viewer).html("queue.html", &page)
}

fn arches(counts: &Counts) -> Vec<ArchRow> {
    let mut all: BTreeMap<&str, Numbers> = BTreeMap::new();
    for one in &counts.tasks {
        let arch = one.chroot.as_ref().map_or("sources", |chroot| chroot.arch());
        all.entry(arch).or_default().add(&one.state, one.tasks);
    }
    let most = all.values().map(|numbers| numbers.running + numbers.pending).max().unwrap_or(0);
    all.retain(|_, numbers| numbers.running + numbers.pending > 0);
    let row = |(name, numbers): (&str, Numbers)| ArchRow {
        name: name.to_owned(),
        running: numbers.running,
        pending: numbers.pending,
        running_share: share(numbers.running, most),
        pending_share: share(numbers.pending, most),
    };
    all.into_iter().map(row).collect()
}

/// Those with the most running, and the rest as one.
fn owners(counts: &Counts, viewer: Option<&OwnerName>) -> (Vec<OwnerRow>, Option<OwnerRow>) {
    let mut all: BTreeMap<&str, (&OwnerName, Numbers)> = BTreeMap::new();
    for one in &counts.tasks {
        let (_, numbers) = all.entry(one.owner.as_str()).or_insert((&one.owner, Numbers::default()));
        numbers.add(&one.state, one.tasks);
    }
    let mut all: Vec<(&OwnerName, Numbers)> = all.into_values().collect();
    all.retain(|(_, numbers)| numbers.running + numbers.pending > 0);
    all.sort_by_key(|(_, numbers)| (-numbers.running, -numbers.pending));
    let total = all.iter().map(|(_, numbers)| numbers.running).sum();
    let row = |(owner, numbers): &(&OwnerName, Numbers)| OwnerRow {
        name: owner.to_string(),
        url: Some(owner_url(owner)),
        is_viewer: viewer == Some(*owner),
        running: numbers.running,
        pending: numbers.pending,
        share: share(numbers.running, total),
    };
    let shown = all.iter().take(OWNERS).map(row).collect();
    let rest = all.get(OWNERS..).unwrap_or_default();
    let sum = |of: fn(&Numbers) -> i64| rest.iter().map(|(_, numbers)| of(numbers)).sum::<i64>();
    let others = OwnerRow {
        name: format!("{} others", rest.len()),
        url: None,
        is_viewer: false,
        running: sum(|numbers| numbers.running),
        pending: sum(|numbers| numbers.pending),
        share: share(sum(|numbers| numbers.running), total),
    };
    (shown, Some(others).filter(|_| !rest.is_empty()))
}
