//! Logging in at another service: there, back, and into an account.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use coppice_runtime::secret::hash_token;
use coppice_store::NewIdentity;
use serde::{Deserialize, Serialize};

use super::{
    let_in, local,
    sealed::{self, FLOW, Flow, PENDING, Pending},
};
use crate::{
    App,
    accounts::{LoginError, Person, Provider},
    ops::{self, Arrival},
    pages::{
        Page, PageError, Viewer,
        frame::{Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    provider: Option<String>,
    #[serde(default)]
    next: String,
}

/// What a provider sends browsers back with.
#[derive(Debug, Deserialize)]
pub(super) struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Stopped<'a> {
    pub finding: String,
    pub cause: &'a str,
    /// Whether logging in again may help.
    pub can_retry: bool,
}

pub(super) async fn start(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    wish: Query<Wish>,
) -> Result<HttpResponse, PageError> {
    let provider = provider(&web, wish.provider.as_deref())?;
    lead_there((&app, &web), &viewer, provider, local(&wish.next), None).await
}

/// A form, so that no other site connects somebody else's identity to the account of who visits it.
pub(super) async fn connect(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let user = posted.viewer.login()?.user.id.0;
    let provider = provider(&web, posted.fields.some("provider"))?;
    lead_there((&app, &web), &posted.viewer, provider, "/user/account/", Some(user)).await
}

fn provider<'a>(web: &'a Web, name: Option<&str>) -> Result<&'a Provider, PageError> {
    web.accounts.provider(name).ok_or_else(|| {
        PageError::NotFound(
            "This service has no such login provider. Use one of those on the login page.".into(),
        )
    })
}

async fn lead_there(
    (app, web): (&App, &Web),
    viewer: &Viewer,
    provider: &Provider,
    next: &str,
    connects: Option<i64>,
) -> Result<HttpResponse, PageError> {
    let started = match provider.start().await {
        Ok(started) => started,
        Err(error) => return stopped(web, viewer, &provider.label, &error),
    };
    let flow = Flow {
        provider: provider.name.clone(),
        asked: started.asked,
        next: next.to_owned(),
        browser: hash_token(viewer.secret()),
        connects,
    };
    let mut response = see_other(web, started.url).answer();
    viewer.keep(web, &mut response);
    if !sealed::keep(web, &mut response, FLOW, &flow, app.clock.now()) {
        let short = Flow { next: "/".into(), ..flow };
        sealed::keep(web, &mut response, FLOW, &short, app.clock.now());
    }
    Ok(response)
}

pub(super) async fn back(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    viewer: Viewer,
    back: Query<Back>,
) -> Result<HttpResponse, PageError> {
    let mut response = match come_in((&app, &web), &request, &viewer, &back).await {
        Ok(response) => response,
        Err(Halt::Page(error)) => return Err(error),
        Err(Halt::Login(label, error)) => stopped(&web, &viewer, &label, &error)?,
    };
    sealed::forget(&web, &mut response, FLOW);
    Ok(response)
}

/// Why somebody does not come in.
enum Halt {
    Page(PageError),
    Login(String, LoginError),
}

impl<E: Into<PageError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Page(error.into())
    }
}

async fn come_in(
    (app, web): (&App, &Web),
    request: &HttpRequest,
    viewer: &Viewer,
    back: &Back,
) -> Result<HttpResponse, Halt> {
    let flow: Option<Flow> = sealed::find(web, request, FLOW, app.clock.now());
    let Some(flow) = flow.filter(|flow| is_of(flow, viewer, back)) else {
        return Err(Halt::Login(String::new(), LoginError::Refused(String::new())));
    };
    let provider = provider(web, Some(&flow.provider))?;
    let halt = |error| Halt::Login(provider.label.clone(), error);
    let Some(code) = back.code.clone() else {
        let told = back.error_description.as_deref().or(back.error.as_deref()).unwrap_or("no reason given");
        return Err(halt(LoginError::Refused(told.to_owned())));
    };
    let person = provider.finish(code, flow.asked).await.map_err(halt)?;
    let who = arrival(provider, person);
    match flow.connects {
        Some(user) => connect_now((app, web), viewer, user, who).await,
        None => enter((app, web), request, viewer, (who, flow.next)).await,
    }
}

/// Begun in this browser, and for this answer.
fn is_of(flow: &Flow, viewer: &Viewer, back: &Back) -> bool {
    let state = back.state.as_deref().unwrap_or_default();
    flow.browser == hash_token(viewer.secret()) && ops::is_same_secret(state, &flow.asked.state)
}

fn arrival(provider: &Provider, person: Person) -> Arrival {
    let identity =
        NewIdentity { provider: provider.name.clone(), subject: person.subject, label: person.name };
    Arrival { identity, mail: person.mail, teams: person.teams, adopts_accounts: provider.adopts_accounts }
}

async fn connect_now(
    (app, web): (&App, &Web),
    viewer: &Viewer,
    user: i64,
    who: Arrival,
) -> Result<HttpResponse, Halt> {
    let caller = viewer.login()?.clone();
    if caller.user.id.0 != user {
        return Err(Halt::Login(String::new(), LoginError::Refused(String::new())));
    }
    let (rules, now) = (web.accounts.rules.clone(), app.clock.now());
    app.store.write(move |tx| ops::connect(tx, &rules, &caller, &who, now)).await?;
    Ok(see_other(web, "/user/account/").say("Connected: you may log in this way too.").answer())
}

async fn enter(
    (app, web): (&App, &Web),
    request: &HttpRequest,
    viewer: &Viewer,
    (who, next): (Arrival, String),
) -> Result<HttpResponse, Halt> {
    let method = who.identity.provider.clone();
    Ok(admit((app, web), request, viewer, (who, next, &method)).await?)
}

/// Into the account, or to the page where a name is chosen.
pub(super) async fn admit(
    (app, web): (&App, &Web),
    request: &HttpRequest,
    viewer: &Viewer,
    (who, next, method): (Arrival, String, &str),
) -> Result<HttpResponse, PageError> {
    let (rules, now, arriving) = (web.accounts.rules.clone(), app.clock.now(), who.clone());
    let user = app.store.write(move |tx| ops::arrive(tx, &rules, &arriving, now)).await?;
    if let Some(user) = user {
        return let_in((app, web), request, viewer, user, (method, &next)).await;
    }
    let mut response = see_other(web, "/oidc_login/name/").answer();
    let mut pending = Pending { who, next };
    if !sealed::keep(web, &mut response, PENDING, &pending, now) {
        // They are told again at the next login.
        pending.who.teams = None;
        pending.next = "/".into();
        sealed::keep(web, &mut response, PENDING, &pending, now);
    }
    Ok(response)
}

/// A page that says why, and what to do.
fn stopped(web: &Web, viewer: &Viewer, label: &str, error: &LoginError) -> Result<HttpResponse, PageError> {
    let (finding, cause) = match error {
        LoginError::Unreachable => (
            format!("{label} did not answer."),
            "Nobody is logged in. Try again in a moment, or log in another way.",
        ),
        LoginError::Refused(_) if label.is_empty() => (
            "This login was not begun in this browser, was finished already, or took longer than ten minutes.".into(),
            "Nobody is logged in. Begin again; keep cookies allowed for this site.",
        ),
        LoginError::Refused(reason) => (
            format!("{label} did not log you in: {reason}."),
            "Nobody is logged in. Begin again, or log in another way.",
        ),
        LoginError::Wrong(reason) => {
            tracing::warn!(provider = label, reason, "a login provider sent what does not hold");
            (
                format!("What {label} told us does not hold, so we did not believe it."),
                "Nobody is logged in. Begin again. If it happens again, tell the operators of this service: the reason \
                 is in their log.",
            )
        }
    };
    Page::new(web, viewer).refused("accounts/stopped.html", &Stopped { finding, cause, can_retry: true })
}
