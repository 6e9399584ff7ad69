//! How much waits and runs, as it changes.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use coppice_store::build_chroots;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::{
    App,
    pages::PageError,
    streams::{Gone, Reader, event},
    web::Web,
};

pub async fn events(app: Data<App>, web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, PageError> {
    let app = app.into_inner();
    Ok(web.streams.answer(&request, move |reader| follow(app, reader)))
}

/// Numbers need no memory: who comes again gets those of now.
async fn follow(app: Arc<App>, reader: Reader) -> Result<(), Gone> {
    reader.greet().await?;
    let mut watching = app.news.watch();
    let mut told = String::new();
    loop {
        let numbers = numbers(&app).await;
        if numbers != told {
            reader.send(numbers.clone()).await?;
            told = numbers;
        }
        let next = async {
            tokio::select! {
                next = watching.updates.recv() => next.map(drop),
                () = app.news.stop.wait() => Err(RecvError::Closed),
            }
        };
        match reader.wait_for(next).await? {
            Ok(()) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// Read once for all who ask after the same change.
async fn numbers(app: &App) -> String {
    let seq = app.news.seq();
    let mut known = app.news.numbers.lock().await;
    if let Some((of, numbers)) = &*known
        && *of == seq
        && seq > 0
    {
        return numbers.clone();
    }
    let Ok(counts) = app.store.read(build_chroots::count_unfinished).await else { return String::new() };
    let id = app.news.event_id(seq);
    let text: String = ["waiting", "pending", "starting", "running"]
        .map(|state| {
            let count = counts.iter().find(|(known, _)| known == state).map_or(0, |(_, count)| *count);
            event(&id, "state", &json!({ "id": format!("q-{state}"), "text": count.to_string() }).to_string())
        })
        .concat();
    *known = Some((seq, text.clone()));
    text
}
