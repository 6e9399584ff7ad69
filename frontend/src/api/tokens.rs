//! Tokens with a name, a scope and an end, beside the classic one. Not in Copr.

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path};
use coppice_model::{ProjectId, ProjectRef};
use coppice_store::{ApiToken, projects};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ApiError, ApiUser, Body, Form};
use crate::{
    App,
    calendar::date,
    ops::{self, OpError, TokenWish},
};

/// A token without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenDto {
    id: i64,
    /// `null`: the classic one.
    name: Option<String>,
    api_login: String,
    scope: &'static str,
    project: Option<String>,
    created_on: i64,
    expires_on: i64,
    /// To the hour; `null`: never used.
    used_on: Option<i64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenList {
    items: Vec<TokenDto>,
}

impl TokenDto {
    fn new(token: ApiToken, names: &HashMap<ProjectId, ProjectRef>) -> Self {
        let project = token.scope.project.and_then(|id| names.get(&id)).map(ToString::to_string);
        Self {
            id: token.id,
            name: token.name,
            api_login: token.login,
            scope: token.scope.access.as_str(),
            project,
            created_on: token.created_at.0,
            expires_on: token.expires_at.0,
            used_on: token.used_at.map(|at| at.0),
        }
    }
}

pub async fn list(app: Data<App>, ApiUser(caller): ApiUser) -> Result<Json<TokenList>, ApiError> {
    let read = app.store.read(move |conn| {
        let tokens = ops::list_tokens(conn, &caller)?;
        let ids: Vec<ProjectId> = tokens.iter().filter_map(|token| token.scope.project).collect();
        Ok::<_, OpError>((tokens, projects::references(conn, &ids)?))
    });
    let (tokens, names) = read.await?;
    Ok(Json(TokenList { items: tokens.into_iter().map(|token| TokenDto::new(token, &names)).collect() }))
}

/// The secret is told only here.
pub async fn create(app: Data<App>, ApiUser(caller): ApiUser, body: Body) -> Result<Json<Value>, ApiError> {
    let fields = body.fields().await?;
    let mut form = Form::new(&fields);
    let wish = TokenWish {
        name: form.required("name"),
        scope: form.text("scope").unwrap_or_else(|| "build".into()),
        project: form.text("project").filter(|project| !project.is_empty()),
        days: form.integer("days"),
    };
    form.finish()?;
    let (now, asked) = (app.clock.now(), wish.clone());
    let (id, new) = app.store.write(move |tx| ops::create_token(tx, &caller, &asked, now)).await?;
    Ok(Json(json!({
        "id": id, "name": wish.name.trim(), "scope": wish.scope, "project": wish.project,
        "api_login": new.login, "api_token": new.token, "expiration": date(new.expires_at),
    })))
}

/// Another secret, told only here; the old one stops working at once.
pub async fn renew(
    app: Data<App>,
    ApiUser(caller): ApiUser,
    id: Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id: i64 = id.parse().map_err(|_| ApiError::NotFound(format!("You have no token {id}.")))?;
    let now = app.clock.now();
    let (name, new) = app.store.write(move |tx| ops::renew_named_token(tx, &caller, id, now)).await?;
    Ok(Json(json!({
        "id": id, "name": name,
        "api_login": new.login, "api_token": new.token, "expiration": date(new.expires_at),
    })))
}

pub async fn revoke(
    app: Data<App>,
    ApiUser(caller): ApiUser,
    id: Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id: i64 = id.parse().map_err(|_| ApiError::NotFound(format!("You have no token {id}.")))?;
    app.store.write(move |tx| ops::revoke_token(tx, &caller, id)).await?;
    Ok(Json(json!({ "id": id })))
}
