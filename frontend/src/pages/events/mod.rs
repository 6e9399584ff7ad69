//! States as they change, as server-sent events: of one build, of a project's builds, of the queue.

mod queue;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, ServiceConfig, get, resource},
};
use coppice_model::{BuildId, ProjectRef};
use coppice_store::{BuildView, Conn, builds};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::{PageError, templates::mark};
use crate::{
    App,
    news::{Update, of_build},
    ops,
    streams::{Gone, Reader, event, last_event},
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/events/build/{id:\\d+}").route(get().to(of_one_build)))
        .service(resource("/events/project/{owner}/{project}").route(get().to(of_project)))
        .service(resource("/events/queue").route(get().to(queue::events)));
}

async fn of_one_build(app: Data<App>, web: Data<Web>, request: HttpRequest, id: Path<String>) -> Answer {
    let id: BuildId = id.parse().map_err(|_| PageError::no_such_page())?;
    let exists = app.store.read(move |conn| find(conn, id)).await?;
    if exists.is_none() {
        return Err(PageError::NotFound(format!("Build {id} does not exist.")));
    }
    let last = last_event(&request);
    let app = app.into_inner();
    Ok(web.streams.answer(&request, move |reader| follow(app, reader, last, Topic::Build(id))))
}

async fn of_project(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Answer {
    let (owner, project) = path.into_inner();
    let found = app.store.read(move |conn| ops::find_project(conn, &owner, &project)).await?;
    let (last, topic) = (last_event(&request), Topic::Project(found.reference()));
    let app = app.into_inner();
    Ok(web.streams.answer(&request, move |reader| follow(app, reader, last, topic)))
}

fn find(conn: &mut Conn, id: BuildId) -> Result<Option<BuildView>, PageError> {
    Ok(builds::find(conn, id)?)
}

/// What one stream is about.
enum Topic {
    Build(BuildId),
    /// Its builds appear as `b-ID`; which of them a page shows, it knows itself.
    Project(ProjectRef),
}

async fn follow(app: Arc<App>, reader: Reader, last: Option<String>, topic: Topic) -> Result<(), Gone> {
    reader.greet().await?;
    // From here on nothing is missed: what changed before is read now, what changes later is told.
    let mut watching = app.news.watch();
    let mut seq = app.news.seq();
    match last.as_deref().and_then(|last| app.news.after(last)) {
        Some(missed) => {
            for update in missed {
                seq = seq.max(update.seq);
                if tell(&app, &reader, &topic, &update).await? {
                    return Ok(());
                }
            }
            // A build that ended long ago has no more news.
            if ended(&app, &topic).await.is_some() {
                return snapshot(&app, &reader, &topic, seq).await.map(drop);
            }
        }
        None => {
            if snapshot(&app, &reader, &topic, seq).await? {
                return Ok(());
            }
        }
    }
    loop {
        let next = async {
            tokio::select! {
                next = watching.updates.recv() => next,
                () = app.news.stop.wait() => Err(RecvError::Closed),
            }
        };
        // Who fell behind comes again and reads the state anew.
        let Ok(update) = reader.wait_for(next).await? else { return Ok(()) };
        if update.seq > seq && tell(&app, &reader, &topic, &update).await? {
            return Ok(());
        }
    }
}

/// Sends what belongs to the topic; `true` when there is nothing more to come.
async fn tell(app: &App, reader: &Reader, topic: &Topic, update: &Update) -> Result<bool, Gone> {
    let id = app.news.event_id(update.seq);
    match topic {
        Topic::Build(build) if *build == update.build => {
            for state in &update.events {
                let data = serde_json::to_string(state).unwrap_or_default();
                reader.send(event(&id, "state", &data)).await?;
            }
            if update.is_final {
                reader.send(event(&id, "done", update.word)).await?;
            }
            Ok(update.is_final)
        }
        Topic::Project(project) if project.to_string() == update.project => {
            let data =
                json!({ "id": format!("b-{}", update.build), "s": mark(update.word), "text": update.word });
            reader.send(event(&id, "state", &data.to_string())).await?;
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// A build that is over.
async fn ended(app: &App, topic: &Topic) -> Option<BuildView> {
    let Topic::Build(id) = topic else { return None };
    let id = *id;
    let view = app.store.read(move |conn| find(conn, id)).await.ok()??;
    view.state().is_final().then_some(view)
}

/// The state as it is now, for who has none or an old one; `true` when it is the last.
async fn snapshot(app: &App, reader: &Reader, topic: &Topic, seq: u64) -> Result<bool, Gone> {
    let Topic::Build(id) = topic else { return Ok(false) };
    let (id, event_id) = (*id, app.news.event_id(seq));
    let Ok(Some(view)) = app.store.read(move |conn| find(conn, id)).await else { return Ok(true) };
    for mut state in of_build(&view) {
        // Nothing happened now that would be worth a word.
        state.say = None;
        let data = serde_json::to_string(&state).unwrap_or_default();
        reader.send(event(&event_id, "state", &data)).await?;
    }
    if view.state().is_final() {
        reader.send(event(&event_id, "done", super::words::build_word(&view))).await?;
    }
    Ok(view.state().is_final())
}
