//! Administrators invite people.

use actix_web::{HttpResponse, web::Data};
use coppice_store::{Invitation, Page as Lines};
use serde::Serialize;

use crate::{
    App,
    ops::{self, Caller, SignUp},
    pages::{
        Page, PageError, Viewer,
        frame::{Moment, Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    note: String,
    made: Moment,
    ends: Moment,
    used: Option<Moment>,
    is_over: bool,
}

#[derive(Debug, Serialize)]
struct InvitationsPage {
    /// Told once.
    link: Option<String>,
    has_sign_up: bool,
    days: u32,
    rows: Vec<Row>,
}

fn admin(viewer: &Viewer) -> Result<Caller, PageError> {
    let caller = viewer.login()?;
    if caller.user.is_admin {
        return Ok(caller.clone());
    }
    Err(PageError::Forbidden("This page is for the administrators of this service.".into()))
}

async fn load(app: &App, web: &Web, link: Option<String>) -> Result<InvitationsPage, PageError> {
    let now = app.clock.now();
    let found: Vec<Invitation> = app.store.read(|conn| ops::list_invitations(conn, Lines::ALL)).await?;
    let row = |invitation: Invitation| Row {
        id: invitation.id,
        note: invitation.note,
        made: Moment::new(invitation.created_at, now),
        ends: Moment::new(invitation.expires_at, now),
        used: Moment::of(invitation.used_at, now),
        is_over: invitation.expires_at <= now,
    };
    let has_sign_up = web.accounts.rules.sign_up != SignUp::Closed;
    let rows = found.into_iter().map(row).collect();
    Ok(InvitationsPage { link, has_sign_up, days: web.accounts.invitation_days, rows })
}

pub(super) async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    admin(&viewer)?;
    Page::new(&web, &viewer).html("accounts/invitations.html", &load(&app, &web, None).await?)
}

pub(super) async fn make(app: Data<App>, web: Data<Web>, posted: Posted) -> Result<HttpResponse, PageError> {
    let by = admin(&posted.viewer)?;
    let (note, days, now) =
        (posted.fields.text("note").to_owned(), web.accounts.invitation_days, app.clock.now());
    let made = app.store.write(move |tx| ops::invite(tx, Some(&by), &note, days, now));
    let link = format!("{}/signup/?invitation={}", web.public_url, made.await?);
    let page = load(&app, &web, Some(link)).await?;
    Page::new(&web, &posted.viewer).html("accounts/invitations.html", &page)
}

pub(super) async fn withdraw(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    admin(&posted.viewer)?;
    let gone = || PageError::NotFound("That invitation was used or withdrawn already.".into());
    let id: i64 = posted.fields.text("invitation").parse().map_err(|_| gone())?;
    app.store.write(move |tx| ops::withdraw_invitation(tx, id)).await?;
    Ok(see_other(&web, "/admin/invitations/").say("The link works no more.").answer())
}
