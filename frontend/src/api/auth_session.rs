//! Sessions at the API: pages and clients that logged in by a ticket need no token (contract section 2).

use actix_web::{HttpRequest, http::header::ORIGIN};
use coppice_store::Session;
use url::Url;

use super::{ApiError, gssapi};
use crate::{
    App,
    ops::{self, Caller},
    pages::session_secret,
    web::Web,
};

/// The cookie that clients keep.
pub const API_SESSION: &str = "session";

/// Who asks by a cookie, if it may do what it asks for.
pub async fn by_session(app: &App, web: &Web, request: &HttpRequest) -> Result<Option<Caller>, ApiError> {
    let client = request.cookie(API_SESSION).map(|cookie| cookie.value().to_owned());
    let Some(secret) = client.or_else(|| session_secret(request, web)) else { return Ok(None) };
    let now = app.clock.now();
    let found = app.store.read(move |conn| ops::find_session(conn, &secret, now)).await?;
    let Some((session, user)) = found else { return Ok(None) };
    if !request.method().is_safe() && !comes_from_us(request, web, &session) {
        return Err(ApiError::Refused {
            status: actix_web::http::StatusCode::FORBIDDEN,
            text: "This request came with a session of another site's making: send it from this site, or use an API token."
                .into(),
        });
    }
    if ops::is_to_be_seen(&session, now) {
        let id = session.id;
        app.store.write(move |tx| ops::see_session(tx, id, now)).await?;
    }
    Ok(Some(Caller::whole(user)))
}

/// A browser sends its cookies along with requests that any site makes it send, and the API takes forms, which other
/// sites may send without asking. But it also says where a request comes from, and no script can change that: so what
/// changes something must come from our own pages. Clients that are no browsers say nothing; of them only those are
/// believed that logged in as clients, for their cookie is never in a browser that visits other sites (and if a browser
/// did fetch it, it is `SameSite=Strict`).
fn comes_from_us(request: &HttpRequest, web: &Web, session: &Session) -> bool {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
        (Some(site), origin) => site == "same-origin" && origin.is_none_or(|origin| is_ours(origin, web)),
        (None, Some(origin)) => is_ours(origin, web),
        (None, None) => session.method == gssapi::METHOD,
    }
}

fn is_ours(origin: &str, web: &Web) -> bool {
    let own = Url::parse(&web.public_url).map(|url| url.origin());
    let other = Url::parse(origin).map(|url| url.origin());
    matches!((own, other), (Ok(own), Ok(other)) if own == other)
}
