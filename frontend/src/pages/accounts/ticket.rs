//! Browsers with a Kerberos ticket.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header::WWW_AUTHENTICATE},
    web::{Data, Query},
};
use serde::Deserialize;
use serde_json::json;

use super::elsewhere::admit;
use crate::{
    App,
    accounts::TicketError,
    api::ApiError,
    ops::KERBEROS,
    pages::{Page, PageError, Viewer},
    web::Web,
};

#[derive(Debug, Deserialize)]
pub struct Wish {
    #[serde(default)]
    next: String,
}

/// Copr's address for browsers. The ticket comes when the browser is asked for it by a 401; the page of that answer is
/// seen only by people whose browser has none.
pub async fn login(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    viewer: Viewer,
    wish: Query<Wish>,
) -> Result<HttpResponse, PageError> {
    match web.accounts.guest(&request).await {
        Ok(guest) => {
            let mut response =
                admit((&app, &web), &request, &viewer, (guest.who, wish.next.clone(), KERBEROS)).await?;
            if let Ok(reply) = guest.reply.parse() {
                response.headers_mut().insert(WWW_AUTHENTICATE, reply);
            }
            Ok(response)
        }
        Err(error) => refused(&web, &viewer, &error),
    }
}

fn refused(web: &Web, viewer: &Viewer, error: &TicketError) -> Result<HttpResponse, PageError> {
    let (status, finding) = match error {
        TicketError::Off => {
            // Nothing leads here then, but for clients of the API.
            return Ok(ApiError::NoGssapi.error_response());
        }
        TicketError::Absent => (StatusCode::UNAUTHORIZED, "Your browser sent no Kerberos ticket.".to_owned()),
        TicketError::Refused => {
            (StatusCode::UNAUTHORIZED, "Your Kerberos ticket was not accepted.".to_owned())
        }
        TicketError::Stranger(_) => (StatusCode::FORBIDDEN, format!("Nobody was logged in: {error}.")),
    };
    let cause = "Get a ticket with kinit, and let your browser send it to this site (Firefox: \
        network.negotiate-auth.trusted-uris). Or log in another way.";
    let page = json!({ "finding": finding, "cause": cause, "can_retry": true });
    let mut response = Page::new(web, viewer).refused("accounts/stopped.html", &page)?;
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let ask = actix_web::http::header::HeaderValue::from_static("Negotiate");
        response.headers_mut().insert(WWW_AUTHENTICATE, ask);
    }
    Ok(response)
}
