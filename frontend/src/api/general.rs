//! What belongs to no project: version, login check, the catalogue of chroots.

use actix_web::web::{Data, Json};
use coppice_store::mock_chroots;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ApiError, ApiUser, shape::Ordered};
use crate::{App, calendar::date, ops};

#[derive(Debug, Serialize, JsonSchema)]
pub struct Me {
    id: i64,
    name: String,
}

pub async fn version() -> Json<Value> {
    Json(json!({ "version": 3 }))
}

pub async fn auth_check(ApiUser(caller): ApiUser) -> Json<Me> {
    Json(Me { id: caller.user.id.0, name: caller.user.name.into() })
}

/// New credentials; the old ones stop working at once.
pub async fn renew_token(app: Data<App>, ApiUser(caller): ApiUser) -> Result<Json<Value>, ApiError> {
    let now = app.clock.now();
    let renewed = app.store.write(move |tx| ops::renew_token(tx, &caller, now));
    let new = renewed.await?;
    Ok(Json(json!({ "api_login": new.login, "api_token": new.token, "expiration": date(new.expires_at) })))
}

pub async fn no_such_endpoint() -> Result<Json<Value>, ApiError> {
    Err(ApiError::NoSuchEndpoint)
}

/// In the order in which the operator added them.
pub async fn chroots(app: Data<App>) -> Result<Json<Ordered<String>>, ApiError> {
    let chroots = app.store.read(mock_chroots::list_active).await?;
    let entry = |chroot: coppice_store::MockChroot| (chroot.name.into(), chroot.comment);
    Ok(Json(Ordered(chroots.into_iter().map(entry).collect())))
}
