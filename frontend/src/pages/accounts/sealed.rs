//! What a browser keeps for us in the middle of a login: sealed, so that nobody makes it up, and for ten minutes.

use actix_web::{HttpRequest, HttpResponse, cookie::time::Duration};
use coppice_model::UnixTime;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    accounts::Asked,
    ops::Arrival,
    pages::frame::{cookie, read_cookie, set_cookie},
    web::Web,
};

const MINUTES: i64 = 10;

/// A login that goes on elsewhere.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Flow {
    pub provider: String,
    pub asked: Asked,
    pub next: String,
    /// Hash of the secret of the browser that began.
    pub browser: String,
    /// The user who connects one more way in.
    pub connects: Option<i64>,
}

/// Somebody who logged in elsewhere and has no account yet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    pub who: Arrival,
    pub next: String,
}

pub(super) const FLOW: &str = "coppice_login";
pub(super) const PENDING: &str = "coppice_pending";
/// Browsers keep no longer cookies; the seal doubles the length.
const MOST_BYTES: usize = 1_700;

#[derive(Debug, Serialize, Deserialize)]
struct Sealed<T> {
    of: String,
    until: i64,
    what: T,
}

/// Gives it to the browser. False: it is too long to be kept.
pub(super) fn keep<T: Serialize>(
    web: &Web,
    response: &mut HttpResponse,
    name: &str,
    what: &T,
    now: UnixTime,
) -> bool {
    let sealed = Sealed { of: name.to_owned(), until: now.0 + MINUTES * 60, what };
    match serde_json::to_string(&sealed) {
        Ok(text) if text.len() <= MOST_BYTES => {
            set_cookie(
                response,
                cookie(web, name, web.accounts.seal.seal(&text), Duration::minutes(MINUTES)),
            );
            true
        }
        _ => false,
    }
}

pub(super) fn find<T: DeserializeOwned>(
    web: &Web,
    request: &HttpRequest,
    name: &str,
    now: UnixTime,
) -> Option<T> {
    let text = web.accounts.seal.unseal(&read_cookie(request, web, name)?)?;
    let sealed: Sealed<T> = serde_json::from_str(&text).ok()?;
    (sealed.of == name && sealed.until > now.0).then_some(sealed.what)
}

pub(super) fn forget(web: &Web, response: &mut HttpResponse, name: &str) {
    set_cookie(response, cookie(web, name, String::new(), Duration::ZERO));
}
