//! Who looks at a page: a visitor, or the user of a session.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    dev::Payload,
    web::Data,
};
use coppice_runtime::{Secret, secret::random_token};
use coppice_store::{Session, User};
use futures_util::future::LocalBoxFuture;

use crate::{
    App,
    ops::{self, Caller},
    pages::PageError,
    web::Web,
};

const SESSION: &str = "coppice_session";
const VISIT: &str = "coppice_visit";
const SAID: &str = "coppice_said";
const SESSION_DAYS: i64 = 30;
/// What the seal of a form is made of, beside the visitor's secret.
const FORM: &str = "form";

/// Never fails: who has no living session is a visitor.
#[derive(Debug)]
pub struct Viewer {
    found: Option<(Session, Caller)>,
    /// Of the session or the visit: what forms are sealed with.
    secret: String,
    /// The browser does not have `secret` yet.
    is_new: bool,
    /// A sentence that the last page left for this one.
    pub(super) said: Option<String>,
    /// What was asked for, with its query.
    pub address: String,
}

impl Viewer {
    pub fn caller(&self) -> Option<&Caller> {
        self.found.as_ref().map(|(_, caller)| caller)
    }

    pub fn user(&self) -> Option<&User> {
        self.caller().map(|caller| &caller.user)
    }

    pub fn session(&self) -> Option<&Session> {
        self.found.as_ref().map(|(session, _)| session)
    }

    /// Who must be logged in here; visitors are sent to log in and come back.
    pub fn login(&self) -> Result<&Caller, PageError> {
        self.caller().ok_or_else(|| PageError::Login { next: self.address.clone() })
    }

    /// What a form of this viewer carries, so that no other site can post it: HMAC of the cookie's secret, which no
    /// script and no other site can read.
    pub fn form_token(&self) -> String {
        let sealed = Secret::from(self.secret.clone()).seal(FORM);
        sealed.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// Whether a posted token is the viewer's own.
    pub fn owns_form(&self, token: &str) -> bool {
        !self.is_new && ops::is_same_secret(token, &self.form_token())
    }

    /// The secret of this browser, to which a login elsewhere is bound. [`Viewer::keep`] must have sent it.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Gives the browser what forms need.
    pub fn keep(&self, web: &Web, response: &mut HttpResponse) {
        if self.is_new {
            set_cookie(response, cookie(web, VISIT, self.secret.clone(), Duration::days(1)));
        }
    }

    /// The sentence was shown.
    pub(super) fn forget_said(&self, web: &Web, response: &mut HttpResponse) {
        if self.said.is_some() {
            set_cookie(response, cookie(web, SAID, String::new(), Duration::ZERO));
        }
    }
}

/// Logs the browser in.
pub fn keep_session(web: &Web, response: &mut HttpResponse, secret: String) {
    set_cookie(response, cookie(web, SESSION, secret, Duration::days(SESSION_DAYS)));
    set_cookie(response, cookie(web, VISIT, String::new(), Duration::ZERO));
}

/// Logs the browser out.
pub fn forget_session(web: &Web, response: &mut HttpResponse) {
    set_cookie(response, cookie(web, SESSION, String::new(), Duration::ZERO));
}

/// For the next page.
pub(super) fn leave_said(web: &Web, response: &mut HttpResponse, sentence: &str) {
    let encoded = url::form_urlencoded::byte_serialize(sentence.as_bytes()).collect();
    set_cookie(response, cookie(web, SAID, encoded, Duration::minutes(1)));
}

pub fn set_cookie(response: &mut HttpResponse, cookie: Cookie<'_>) {
    if let Err(error) = response.add_cookie(&cookie) {
        tracing::error!(%error, "a cookie could not be set");
    }
}

/// With the prefix, a browser takes it only from this very host over HTTPS.
fn name(web: &Web, plain: &str) -> String {
    if web.is_encrypted() { format!("__Host-{plain}") } else { plain.to_owned() }
}

/// Lax: links from elsewhere and a login provider's redirect arrive logged in; posts from elsewhere do not.
pub fn cookie<'a>(web: &Web, plain: &str, value: String, age: Duration) -> Cookie<'a> {
    Cookie::build(name(web, plain), value)
        .path("/")
        .http_only(true)
        .secure(web.is_encrypted())
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}

/// The secret of the session that a browser has, or says it has.
pub fn session_secret(request: &HttpRequest, web: &Web) -> Option<String> {
    read_cookie(request, web, SESSION)
}

/// What the browser keeps for us.
pub fn read_cookie(request: &HttpRequest, web: &Web, plain: &str) -> Option<String> {
    let found = request.cookie(&name(web, plain))?;
    Some(found.value().to_owned()).filter(|value| !value.is_empty())
}

impl FromRequest for Viewer {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let web = request.app_data::<Data<Web>>().ok_or(PageError::Missing)?;
            let app = request.app_data::<Data<App>>().ok_or(PageError::Missing)?;
            let secret = read_cookie(&request, web, SESSION);
            let found = match &secret {
                Some(secret) => find(app, secret.clone()).await?,
                None => None,
            };
            let visit = read_cookie(&request, web, VISIT).filter(|visit| visit.len() >= 32);
            let kept = if found.is_some() { secret } else { visit };
            let said = read_cookie(&request, web, SAID);
            Ok(Self {
                is_new: kept.is_none(),
                secret: kept.unwrap_or_else(random_token),
                found: found.map(|(session, user)| (session, Caller::whole(user))),
                said: said.and_then(|text| decoded(&text)),
                address: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            })
        })
    }
}

fn decoded(text: &str) -> Option<String> {
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(sentence, _)| sentence.into_owned())
}

async fn find(app: &App, secret: String) -> Result<Option<(Session, User)>, PageError> {
    let now = app.clock.now();
    let found = app.store.read(move |conn| ops::find_session(conn, &secret, now)).await?;
    if let Some((session, _)) = &found
        && ops::is_to_be_seen(session, now)
    {
        let id = session.id;
        app.store.write(move |tx| ops::see_session(tx, id, now)).await?;
    }
    Ok(found)
}
