//! From commits, here and elsewhere, to updates.

use std::{sync::Arc, time::Duration};

use coppice_model::BuildId;
use coppice_runtime::{Bus, Stop, logging::with_causes};
use coppice_store::{Changed, StoreError, builds};
use tokio::sync::broadcast::{self, error::RecvError};

use super::News;
use crate::App;

/// Where frontends tell each other what they committed.
const STREAM: &str = "coppice:news";
/// Changes that come together are told and read together.
const TOGETHER: Duration = Duration::from_millis(40);
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(1);

/// Runs until stopped.
pub async fn run(app: Arc<App>, bus: Bus, stop: Stop) {
    let news = Arc::clone(&app.news);
    tokio::select! {
        () = ours(&app, &bus, &news) => {}
        () = others(&bus, &news) => {}
        () = read(&app, &news) => {}
        () = stop.wait() => {}
    }
    news.stop.trigger();
}

/// What this process commits.
async fn ours(app: &App, bus: &Bus, news: &News) {
    let mut changes = app.store.changes();
    loop {
        match changes.recv().await {
            Ok(first) => {
                let changed = with_those_that_came(&first, &mut changes);
                news.note(&changed);
                tell(bus, news, &changed).await;
                tokio::time::sleep(TOGETHER).await;
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "changes came faster than they were told")
            }
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
}

/// The first and what came while the last were told.
fn with_those_that_came(first: &Changed, changes: &mut broadcast::Receiver<Changed>) -> Vec<BuildId> {
    let mut all = first.to_vec();
    while let Ok(changed) = changes.try_recv() {
        all.extend(changed.iter());
    }
    all.sort_unstable();
    all.dedup();
    all
}

async fn tell(bus: &Bus, news: &News, changed: &[BuildId]) {
    let ids: Vec<String> = changed.iter().map(ToString::to_string).collect();
    let text = format!("{} {}", news.name, ids.join(" "));
    if let Err(error) = bus.tell(STREAM, &text).await {
        tracing::debug!(error = with_causes(&error), "other frontends do not hear of a change");
    }
}

/// What other frontends commit.
async fn others(bus: &Bus, news: &News) {
    let mut listener = None;
    loop {
        let mut hearing = match bus.listen(STREAM, listener.take()).await {
            Ok(hearing) => hearing,
            Err(error) => {
                tracing::debug!(error = with_causes(&error), "news of other frontends are not heard");
                tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                continue;
            }
        };
        while let Ok(told) = hearing.hear().await {
            for text in told {
                news.note(&builds_of_others(&text, &news.name));
            }
        }
        listener = Some(hearing);
        tokio::time::sleep(PAUSE_AFTER_FAULT).await;
    }
}

fn builds_of_others(text: &str, own_name: &str) -> Vec<BuildId> {
    let mut words = text.split(' ');
    if words.next() == Some(own_name) {
        return vec![];
    }
    words.filter_map(|word| word.parse().ok()).collect()
}

/// One reading for all who look.
async fn read(app: &App, news: &News) {
    loop {
        news.changed.notified().await;
        tokio::time::sleep(TOGETHER).await;
        let mut changed = news.take_pending();
        if changed.is_empty() {
            continue;
        }
        changed.sort_unstable();
        let ids = changed.clone();
        let views = app.store.read(move |conn| builds::list_by_id(conn, &ids));
        match views.await {
            Ok(views) => news.tell(&changed, &views),
            Err(error) => {
                let error: StoreError = error;
                tracing::warn!(error = with_causes(&error), "changes could not be read; trying again");
                tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                news.note(&changed);
            }
        }
    }
}
