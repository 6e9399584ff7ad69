//! Beyond Copr: earlier publishes and the keys of a project. Each order is answered with its action.

use actix_web::web::{Data, Json};
use coppice_model::{
    UnixTime,
    publish_queue::Waiting,
    signing::KeyAlgorithm,
    snapshot::{SnapshotEntry, SnapshotList},
};
use coppice_store::{ActionMessage, actions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, ApiUser, Body, query::Query};
use crate::{
    App,
    ops::{self, Earlier, OpError, find_dir, find_project, find_project_chroot},
    web::Web,
};

type Answer = Result<Json<Value>, ApiError>;

#[derive(Debug, Deserialize)]
pub struct RollBackForm {
    ownername: String,
    projectname: String,
    chrootname: String,
    #[serde(default)]
    dirname: Option<String>,
    snapshot: u64,
}

pub async fn roll_back(app: Data<App>, user: ApiUser, body: Body) -> Answer {
    let form: RollBackForm = parse(body).await?;
    let (context, ApiUser(user)) = (app.context(), user);
    let earlier =
        Earlier { dir: form.dirname.unwrap_or_default(), chroot: form.chrootname, snapshot: form.snapshot };
    let ordered = app.store.write(move |tx| {
        let project = find_project(tx, &form.ownername, &form.projectname)?;
        ops::roll_back(tx, &context, &user, &project, &earlier)
    });
    Ok(Json(json!({ "action": ordered.await? })))
}

#[derive(Debug, Deserialize)]
pub struct RenewForm {
    ownername: String,
    projectname: String,
    #[serde(default)]
    expires_on: Option<i64>,
}

pub async fn renew_key(app: Data<App>, user: ApiUser, body: Body) -> Answer {
    let form: RenewForm = parse(body).await?;
    let (context, ApiUser(user)) = (app.context(), user);
    let until = form.expires_on.map(UnixTime);
    let ordered = app.store.write(move |tx| {
        let project = find_project(tx, &form.ownername, &form.projectname)?;
        ops::renew_key(tx, &context, &user, &project, until)
    });
    Ok(Json(json!({ "action": ordered.await? })))
}

#[derive(Debug, Deserialize)]
pub struct RotateForm {
    ownername: String,
    projectname: String,
    #[serde(default)]
    algorithm: Option<KeyAlgorithm>,
    #[serde(default)]
    compromised: bool,
}

pub async fn rotate_key(app: Data<App>, user: ApiUser, body: Body) -> Answer {
    let form: RotateForm = parse(body).await?;
    let (context, ApiUser(user)) = (app.context(), user);
    let warnings = key_warnings(form.algorithm);
    let ordered = app.store.write(move |tx| {
        let project = find_project(tx, &form.ownername, &form.projectname)?;
        ops::rotate_key(tx, &context, &user, &project, (form.algorithm, form.compromised))
    });
    Ok(Json(json!({ "action": ordered.await?, "warnings": warnings })))
}

/// What to know of a kind of key.
pub fn key_warnings(algorithm: Option<KeyAlgorithm>) -> Vec<&'static str> {
    match algorithm {
        Some(KeyAlgorithm::Ed25519) => {
            vec!["clients of EL 8, and some of EL 9, cannot check signatures by Ed25519 keys"]
        }
        Some(KeyAlgorithm::Rsa4096) | None => Vec::new(),
    }
}

/// The newest actions of a project: what was ordered and how it went.
pub async fn list_actions(app: Data<App>, query: Query) -> Answer {
    const NEWEST: i64 = 100;
    let owner = query.required("ownername")?.to_owned();
    let name = query.required("projectname")?.to_owned();
    let read = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &name)?;
        Ok::<_, OpError>(actions::list(conn, &project.reference(), NEWEST)?)
    });
    let items: Vec<Value> = read
        .await?
        .into_iter()
        .map(|action| {
            let to = match action.message {
                ActionMessage::Backend(_) => "backend",
                ActionMessage::Keygen(_) => "keygen",
            };
            json!({
                "id": action.id, "kind": action.kind.as_str(), "to": to, "state": action.state.as_str(),
                "error": action.error, "created_on": action.created_at, "ended_on": action.ended_on
            })
        })
        .collect();
    Ok(Json(json!({ "items": items })))
}

/// All keys that a project ever had, the current one first.
pub async fn list_keys(app: Data<App>, web: Data<Web>, query: Query) -> Answer {
    let owner = query.required("ownername")?.to_owned();
    let name = query.required("projectname")?.to_owned();
    let project = app.store.read(move |conn| find_project(conn, &owner, &name)).await?.reference();
    let ring = web.peers.keys(&project).await?;
    let missing = || ApiError::NotFound(format!("The key of {project} is not made yet."));
    Ok(Json(json!({ "items": ring.ok_or_else(missing)?.keys })))
}

/// The publishes of a repository that can be pinned and brought back, oldest first.
pub async fn list_snapshots(app: Data<App>, web: Data<Web>, query: Query) -> Answer {
    let owner = query.required("ownername")?.to_owned();
    let name = query.required("projectname")?.to_owned();
    let chroot = query.required("chrootname")?.to_owned();
    let dir = query.get("dirname").unwrap_or_default().to_owned();
    let read = app.store.read(move |conn| {
        let project = find_project(conn, &owner, &name)?;
        let dir = find_dir(conn, &project, &dir)?;
        let chroot = find_project_chroot(conn, &project, &chroot)?.name().clone();
        Ok::<_, OpError>((project.owner, dir, chroot))
    });
    let (owner, dir, chroot) = read.await?;
    let list = web.peers.snapshots(&owner, &dir, &chroot).await?;
    let list = list.unwrap_or(SnapshotList { current: 0, snapshots: Vec::new() });
    let base = format!("{}/{owner}/{dir}/{chroot}/snapshots", web.site.results_url);
    let items: Vec<Value> = list.snapshots.iter().map(|snapshot| item(snapshot, &base)).collect();
    Ok(Json(json!({ "current": list.current, "items": items })))
}

/// What waits to be published, in the order of its turns; of one owner or project if that is asked for. Why a try
/// failed is for operators; a build's `stage_note` tells its user.
pub async fn queue(web: Data<Web>, query: Query) -> Answer {
    let owner = query.get("ownername").filter(|owner| !owner.is_empty());
    let project = query.get("projectname").filter(|project| !project.is_empty());
    let is_wanted = |waiting: &Waiting| {
        let mut parts = waiting.repository.split('/');
        let (of, dir) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = dir.split(':').next().unwrap_or_default();
        owner.is_none_or(|owner| owner == of) && project.is_none_or(|project| project == name)
    };
    let waiting = web.peers.publish_queue().await?;
    let told =
        waiting.iter().enumerate().filter(|(_, waiting)| is_wanted(waiting)).map(|(place, waiting)| {
            json!({
                "place": place + 1, "repository": waiting.repository, "requests": waiting.requests,
                "since": waiting.since, "is_failing": waiting.trouble.is_some()
            })
        });
    Ok(Json(json!({ "items": told.collect::<Vec<_>>(), "length": waiting.len() })))
}

fn item(snapshot: &SnapshotEntry, base: &str) -> Value {
    let SnapshotEntry { number, published_on, packages, builds, of, key, bytes } = snapshot;
    json!({
        "number": number, "url": format!("{base}/{number}/"), "published_on": published_on,
        "packages": packages, "builds": builds, "restored_from": of, "key": key, "bytes": bytes
    })
}

async fn parse<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let fields = body.fields().await?.into_value();
    serde_json::from_value(fields).map_err(|error| ApiError::BadRequest(format!("body: {error}")))
}
