//! The account: its password, and the browsers that are logged in.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use coppice_store::{Identity, Session, passwords};
use serde::Serialize;

use crate::{
    App,
    calendar::zone_names,
    ops::{self, OpError, Problem},
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Moment, Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct Device {
    id: i64,
    method: String,
    agent: String,
    address: String,
    seen: Moment,
    since: Moment,
    is_this: bool,
}

/// A way to log in.
#[derive(Debug, Serialize)]
struct Way {
    id: i64,
    provider: String,
    label: String,
    used: Moment,
}

/// A provider that may be connected.
#[derive(Debug, Serialize)]
struct More {
    name: String,
    label: String,
}

/// An area of the world, with its zones.
#[derive(Debug, Serialize)]
struct Area {
    name: String,
    zones: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AccountPage {
    name: String,
    mail: Option<String>,
    has_password: bool,
    form: Form,
    ways: Vec<Way>,
    more: Vec<More>,
    devices: Vec<Device>,
    /// What the user chose; empty: as the browser says.
    zone: String,
    areas: Vec<Area>,
    now: Moment,
}

fn areas() -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for zone in zone_names() {
        let name = zone.split('/').next().unwrap_or_default();
        match areas.last_mut().filter(|last| last.name == name) {
            Some(last) => last.zones.push(zone),
            None => areas.push(Area { name: name.to_owned(), zones: vec![zone] }),
        }
    }
    areas
}

async fn load(app: &App, web: &Web, viewer: &Viewer, form: Form) -> Result<AccountPage, PageError> {
    let caller = viewer.login()?.clone();
    let (name, mail) = (caller.user.name.to_string(), caller.user.mail.clone());
    let zone = caller.user.zone.clone().unwrap_or_default();
    let found = app.store.read(move |conn| {
        let has_password = passwords::find(conn, caller.user.id)?.is_some();
        Ok::<_, OpError>((
            has_password,
            ops::list_identities(conn, &caller)?,
            ops::list_sessions(conn, &caller)?,
        ))
    });
    let (has_password, identities, sessions) = found.await?;
    let (this, now) = (viewer.session().map(|session| session.id), app.clock.now());
    let device = |session: Session| Device {
        is_this: this == Some(session.id),
        id: session.id,
        method: session.method,
        agent: if session.agent.is_empty() { "unnamed client".into() } else { session.agent },
        address: session.address,
        seen: Moment::new(session.seen_at, now),
        since: Moment::new(session.created_at, now),
    };
    let devices = sessions.into_iter().map(device).collect();
    let way = |identity: Identity| Way {
        id: identity.id,
        provider: web.accounts.label(&identity.provider),
        label: identity.label,
        used: Moment::new(identity.used_at, now),
    };
    let ways = identities.into_iter().map(way).collect();
    let (areas, now) = (areas(), Moment::new(now, now));
    Ok(AccountPage { name, mail, has_password, form, ways, more: more(web), devices, zone, areas, now })
}

fn more(web: &Web) -> Vec<More> {
    let providers = web.accounts.providers().iter();
    providers.map(|one| More { name: one.name.clone(), label: one.label.clone() }).collect()
}

pub(super) async fn disconnect(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let gone = || PageError::NotFound("That way to log in is disconnected already.".into());
    let id: i64 = posted.fields.text("identity").parse().map_err(|_| gone())?;
    app.store.write(move |tx| ops::disconnect(tx, &caller, id)).await?;
    Ok(see_other(&web, "/user/account/").say("Disconnected: it logs in to your account no more.").answer())
}

pub(super) async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    let page = load(&app, &web, &viewer, Form::blank()).await?;
    Page::new(&web, &viewer).html("accounts/account.html", &page)
}

pub(super) async fn choose_zone(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let name = posted.fields.some("zone").map(str::to_owned);
    let said = match &name {
        Some(name) => format!("Times are told for {name} from now on."),
        None => "Times are told as your browser says from now on.".to_owned(),
    };
    app.store.write(move |tx| ops::choose_zone(tx, &caller, name.as_deref())).await?;
    Ok(see_other(&web, "/user/account/").say(said).answer())
}

pub(super) async fn change_password(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    match change(&app, &web, &request, &posted).await {
        Ok(()) => Ok(see_other(&web, "/user/account/")
            .say("The new password holds. Every other device is logged out.")
            .answer()),
        Err(error) => {
            let page = load(&app, &web, &posted.viewer, Form::blank().fail(error)?).await?;
            Page::new(&web, &posted.viewer).refused("accounts/account.html", &page)
        }
    }
}

async fn change(app: &App, web: &Web, request: &HttpRequest, posted: &Posted) -> Result<(), PageError> {
    let caller = posted.viewer.login()?.clone();
    let (name, id) = (caller.user.name.to_string(), caller.user.id);
    let old = app.store.read(move |conn| passwords::find(conn, id)).await?;
    let Some(old) = old else {
        return Err(PageError::Refused("This account has no password: it is logged in to elsewhere.".into()));
    };
    // Whoever finds a browser logged in may guess no more often than at the login.
    let address = web.accounts.address(request);
    let tried = web.accounts.throttle.count(&name, address, app.clock.now()).await.map_err(|_| {
        PageError::Refused("Too many wrong passwords: changing it pauses for some minutes.".into())
    })?;
    let fields = &posted.fields;
    if !web.accounts.passwords.verify(fields.text("old_password").to_owned(), Some(old)).await? {
        let wrong = Problem::new("old_password", "That is not your present password.");
        return Err(PageError::Invalid(vec![wrong]));
    }
    web.accounts.throttle.forgive(&tried).await;
    let new = fields.text("password").to_owned();
    ops::check_password(&name, &new, fields.text("password_again"))?;
    let hash = web.accounts.passwords.hash(new).await?;
    let (stays, now) = (posted.viewer.session().map(|session| session.id), app.clock.now());
    Ok(app.store.write(move |tx| ops::change_password(tx, &caller, &hash, stays, now)).await?)
}

pub(super) async fn end_session(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let gone = || PageError::NotFound("That device is logged out already.".into());
    let id: i64 = posted.fields.text("session").parse().map_err(|_| gone())?;
    app.store.write(move |tx| ops::end_session(tx, &caller, id)).await?;
    Ok(see_other(&web, "/user/account/").say("That device is logged out.").answer())
}

pub(super) async fn end_others(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let stays = posted.viewer.session().map(|session| session.id);
    let count = app.store.write(move |tx| ops::end_other_sessions(tx, &caller, stays)).await?;
    let said = match count {
        0 => "No other device was logged in.".into(),
        1 => "One other device is logged out.".into(),
        count => format!("{count} other devices are logged out."),
    };
    Ok(see_other(&web, "/user/account/").say(said).answer())
}
