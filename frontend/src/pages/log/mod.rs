//! The log of one task of a build: the cause first, then every stage, any part of it, and what is found in it.

mod events;
mod links;
mod load;
mod view;
mod window;

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{Data, Query, ServiceConfig, get, resource},
};
use serde::{Deserialize, Deserializer, de::IntoDeserializer};

pub use load::{LogOf, Wish};

use super::{Page, PageError, Viewer, frame::ProjectPath};
use crate::{
    App,
    logs::{LogError, LogFile, Overview, Spool},
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

/// Most lines that a search shows.
const MOST_FOUND: usize = 500;
const MOST_WORDS: usize = 200;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/build/{id:\\d+}/log/{task}/events").route(get().to(events::events)))
        .service(resource("/build/{id:\\d+}/log/{task}").route(get().to(page)));
}

/// What stands behind the question mark. What cannot be read is as if it were not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    #[serde(deserialize_with = "lenient")]
    pub attempt: Option<u32>,
    #[serde(deserialize_with = "lenient")]
    pub from: Option<u64>,
    pub q: String,
    pub file: String,
}

fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(from)?;
    let read: Result<T, serde::de::value::Error> = match text.trim().parse::<u64>() {
        Ok(number) => T::deserialize(number.into_deserializer()),
        Err(_) => return Ok(None),
    };
    Ok(read.ok())
}

impl LogQuery {
    /// Which log of the task.
    pub fn wish(&self) -> Result<Wish, PageError> {
        let file = match self.file.as_str() {
            "" => Some(LogFile::LIVE),
            name => LogFile::parse(name),
        };
        let file = file
            .ok_or_else(|| PageError::NotFound(format!("No builder leaves a log called {}.", self.file)))?;
        Ok(Wish { attempt: self.attempt, file })
    }
}

impl From<LogError> for PageError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Peer(error) => Self::Peer(error),
            LogError::Store(error) => Self::Store(error),
            LogError::Disk(error) => Self::Internal(Box::new(error)),
        }
    }
}

async fn page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: ProjectPath,
    query: Query<LogQuery>,
) -> Answer {
    let of = load::load(&app, &path, query.wish()?).await?;
    let spool = match of.address() {
        Some(address) => web.logs.find(&app, &web.peers, &address).await?,
        None => None,
    };
    let values = match spool {
        Some(spool) => read(&of, spool, query.into_inner(), &web).await?,
        None => view::without_log(&of, &web),
    };
    Page::new(&web, &viewer).html("log.html", &values)
}

async fn read(of: &LogOf, spool: Arc<Spool>, query: LogQuery, web: &Web) -> Result<view::LogView, PageError> {
    let (from, words) = (query.from, query.q.trim().chars().take(MOST_WORDS).collect::<String>());
    let is_failed = of.has_failed();
    let reading = tokio::task::spawn_blocking(move || {
        let overview = spool.overview();
        let found = if words.is_empty() { None } else { Some(spool.search(&words, MOST_FOUND)?) };
        let window = window::read(&spool, &overview, from, is_failed)?;
        Ok::<_, std::io::Error>((overview, window, found.map(|found| (words, found))))
    });
    let failed = |error: std::io::Error| PageError::Internal(Box::new(error));
    let (overview, window, found) =
        reading.await.map_err(|e| failed(std::io::Error::other(e)))?.map_err(failed)?;
    Ok(view::of(of, &overview, (window, found), web))
}

/// Whether an overview and a state together say that no more lines come.
pub fn is_over(of: &LogOf, overview: &Overview) -> bool {
    overview.is_complete || !of.is_live()
}
