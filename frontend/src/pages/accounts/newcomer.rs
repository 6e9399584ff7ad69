//! Somebody who logged in elsewhere and whose name is taken here: another name, or one more way into an account.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde::Serialize;

use super::{
    let_in,
    sealed::{self, PENDING, Pending},
};
use crate::{
    App, ops,
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct Newcomer<'a> {
    form: Form,
    label: &'a str,
    provider: String,
}

fn pending(app: &App, web: &Web, request: &HttpRequest) -> Result<Pending, PageError> {
    sealed::find(web, request, PENDING, app.clock.now()).ok_or_else(|| {
        PageError::Refused("This took longer than ten minutes. Nothing was done: log in again.".into())
    })
}

fn show<'a>(web: &Web, pending: &'a Pending, form: Form) -> Newcomer<'a> {
    let identity = &pending.who.identity;
    Newcomer { form, label: &identity.label, provider: web.accounts.label(&identity.provider) }
}

pub(super) async fn page(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    viewer: Viewer,
) -> Result<HttpResponse, PageError> {
    let pending = pending(&app, &web, &request)?;
    Page::new(&web, &viewer).with_form().html("accounts/newcomer.html", &show(&web, &pending, Form::blank()))
}

pub(super) async fn choose(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let pending = pending(&app, &web, &request)?;
    let (rules, now, who) = (web.accounts.rules.clone(), app.clock.now(), pending.who.clone());
    let name = posted.fields.text("name").to_owned();
    match app.store.write(move |tx| ops::arrive_as(tx, &rules, &who, &name, now)).await {
        Ok(user) => {
            let way = (pending.who.identity.provider.as_str(), pending.next.as_str());
            let mut response = let_in((&app, &web), &request, &posted.viewer, user, way).await?;
            sealed::forget(&web, &mut response, PENDING);
            Ok(response)
        }
        Err(error) => {
            let form = Form::from(&posted.fields).fail(error)?;
            let page = show(&web, &pending, form);
            Page::new(&web, &posted.viewer).with_form().refused("accounts/newcomer.html", &page)
        }
    }
}

/// Logged in to an account by another way: asked whether the two belong together.
pub(super) async fn connect_page(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    viewer: Viewer,
) -> Result<HttpResponse, PageError> {
    viewer.login()?;
    let pending = pending(&app, &web, &request)?;
    Page::new(&web, &viewer).html("accounts/connect.html", &show(&web, &pending, Form::blank()))
}

pub(super) async fn connect(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let pending = pending(&app, &web, &request)?;
    let (rules, now) = (web.accounts.rules.clone(), app.clock.now());
    app.store.write(move |tx| ops::connect(tx, &rules, &caller, &pending.who, now)).await?;
    let mut response =
        see_other(&web, "/user/account/").say("Connected: you may log in this way too.").answer();
    sealed::forget(&web, &mut response, PENDING);
    Ok(response)
}
