//! Logging in by a Kerberos ticket: copr-cli without a token, and browsers (contract section 2).

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::{StatusCode, header::WWW_AUTHENTICATE},
    web::Data,
};
use coppice_store::User;
use serde_json::json;

use super::{ApiError, auth_session::API_SESSION};
use crate::{
    App,
    accounts::{Guest, TicketError},
    ops::{self, OpError},
    web::Web,
};

/// How the session of a client is called in the list of devices; only such ones change things without a browser's word
/// for where the request comes from.
pub const METHOD: &str = "kerberos (API)";
/// What copr-cli keeps its cookie for.
const HOURS: i64 = 10;

/// copr-cli asks here whenever its configuration has no token.
pub async fn login(app: Data<App>, web: Data<Web>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let guest = match web.accounts.guest(&request).await {
        Ok(guest) => guest,
        Err(error) => return refused(&error),
    };
    let reply = guest.reply.clone();
    let (user, secret) = start(&app, &web, &request, guest).await?;
    // Strict: pages of other sites never send it, not even by a link.
    let cookie = Cookie::build(API_SESSION, secret)
        .path("/api_3")
        .http_only(true)
        .secure(web.is_encrypted())
        .same_site(SameSite::Strict)
        .max_age(Duration::hours(HOURS))
        .finish();
    let me = json!({ "id": user.id.0, "name": user.name.as_str() });
    Ok(HttpResponse::Ok().cookie(cookie).insert_header((WWW_AUTHENTICATE, reply)).json(me))
}

async fn start(
    app: &App,
    web: &Web,
    request: &HttpRequest,
    guest: Guest,
) -> Result<(User, String), ApiError> {
    let login = web.accounts.login(request, METHOD);
    let (rules, now) = (web.accounts.rules.clone(), app.clock.now());
    let taken = format!(
        "Can't log-in using GSSAPI: the name '{}' is another account's here. Log in once at {}/login/ to choose yours.",
        guest.who.identity.label, web.public_url
    );
    let started = app.store.write(move |tx| {
        let user = ops::arrive(tx, &rules, &guest.who, now)?.ok_or(OpError::Forbidden(taken))?;
        let secret = ops::log_in(tx, &user, &login, None, (&rules, now))?;
        Ok::<_, OpError>((user, secret))
    });
    Ok(started.await?)
}

fn refused(error: &TicketError) -> Result<HttpResponse, ApiError> {
    let text = format!("Can't log-in using GSSAPI: {error}");
    match error {
        TicketError::Off => Err(ApiError::NoGssapi),
        TicketError::Stranger(_) => Err(ApiError::Refused { status: StatusCode::FORBIDDEN, text }),
        // The header asks the client for a ticket.
        TicketError::Absent | TicketError::Refused => Ok(HttpResponse::Unauthorized()
            .insert_header((WWW_AUTHENTICATE, "Negotiate"))
            .json(json!({ "error": text }))),
    }
}
