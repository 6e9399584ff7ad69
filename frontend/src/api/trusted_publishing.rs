//! CI jobs get a token for what they are. Not in Copr.

use actix_web::{
    http::StatusCode,
    web::{Data, Json},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{ApiError, Body, Form};
use crate::{App, accounts::JobError, calendar::date, ops, web::Web};

/// For HTTP Basic, as every other token.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JobToken {
    api_login: String,
    api_token: String,
    /// The day, as other tokens tell it.
    expiration: String,
    /// In seconds since 1970: a quarter of an hour from now.
    expires_on: i64,
    project: String,
}

pub async fn exchange(app: Data<App>, web: Data<Web>, body: Body) -> Result<Json<JobToken>, ApiError> {
    let fields = body.fields().await?;
    let mut form = Form::new(&fields);
    let token = form.required("token");
    let (owner, name) = (form.required("ownername"), form.required("projectname"));
    form.finish()?;
    let (issuer, job, proof) = web.accounts.job(&token, &web.public_url).await?;
    let (now, project) = (app.clock.now(), format!("{owner}/{name}"));
    let made =
        app.store.write(move |tx| ops::publish_token(tx, &issuer, (&job, &proof), (&owner, &name), now));
    let new = made.await?;
    Ok(Json(JobToken {
        api_login: new.login,
        api_token: new.token,
        expiration: date(new.expires_at),
        expires_on: new.expires_at.0,
        project,
    }))
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::NoToken => Self::BadRequest(error.to_string()),
            JobError::Unreachable(_) => {
                tracing::warn!(error = %coppice_runtime::logging::with_causes(&error), "an issuer could not be asked");
                Self::Refused { status: StatusCode::SERVICE_UNAVAILABLE, text: error.to_string() }
            }
            refused => Self::Refused { status: StatusCode::FORBIDDEN, text: refused.to_string() },
        }
    }
}
