//! Beyond Copr: earlier publishes and the keys of a project. Each order is answered with its action.

use actix_web::web::{Data, Json};
use coppice_model::{UnixTime, signing::KeyAlgorithm};
use coppice_store::{ActionMessage, actions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, ApiUser, query::Query};
use crate::{
    App,
    ops::{self, Earlier, OpError, find_project},
};

type Answer = Result<Json<Value>, ApiError>;

/// As Copr: five years.
const LIFETIME_S: i64 = (5 * 365 + 1) * 86_400;

#[derive(Debug, Deserialize)]
pub struct RollBackForm {
    ownername: String,
    projectname: String,
    chrootname: String,
    #[serde(default)]
    dirname: Option<String>,
    snapshot: u64,
}

pub async fn roll_back(app: Data<App>, user: ApiUser, body: Json<Value>) -> Answer {
    let form: RollBackForm = parse(body)?;
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

pub async fn renew_key(app: Data<App>, user: ApiUser, body: Json<Value>) -> Answer {
    let form: RenewForm = parse(body)?;
    let (context, ApiUser(user)) = (app.context(), user);
    let until = form.expires_on.map_or(context.now.plus_seconds(LIFETIME_S), UnixTime);
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

pub async fn rotate_key(app: Data<App>, user: ApiUser, body: Json<Value>) -> Answer {
    let form: RotateForm = parse(body)?;
    let (context, ApiUser(user)) = (app.context(), user);
    let warnings: &[&str] = match form.algorithm {
        Some(KeyAlgorithm::Ed25519) => {
            &["clients of EL 8, and some of EL 9, cannot check signatures by Ed25519 keys"]
        }
        _ => &[],
    };
    let ordered = app.store.write(move |tx| {
        let project = find_project(tx, &form.ownername, &form.projectname)?;
        ops::rotate_key(tx, &context, &user, &project, (form.algorithm, form.compromised))
    });
    Ok(Json(json!({ "action": ordered.await?, "warnings": warnings })))
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

fn parse<T: serde::de::DeserializeOwned>(body: Json<Value>) -> Result<T, ApiError> {
    serde_json::from_value(body.into_inner()).map_err(|error| ApiError::BadRequest(format!("body: {error}")))
}
