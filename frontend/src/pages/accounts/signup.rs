//! An account with a password.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use serde::{Deserialize, Serialize};

use super::let_in;
use crate::{
    App,
    ops::{self, SignUpWish},
    pages::{
        Page, PageError, Viewer,
        frame::{Fields, Form, Posted},
    },
    web::Web,
};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    invitation: Option<String>,
}

#[derive(Debug, Serialize)]
struct SignUpPage<'a> {
    form: Form,
    invitation: &'a str,
}

/// Refused at once when it would be refused in the end.
async fn ensure_can(app: &App, web: &Web, invitation: Option<String>) -> Result<(), PageError> {
    if !web.accounts.has_passwords {
        return Err(PageError::no_such_page());
    }
    let (rules, now) = (web.accounts.rules.clone(), app.clock.now());
    let checked = move |conn: &mut _| ops::ensure_can_sign_up(conn, &rules, invitation.as_deref(), now);
    app.store.read(checked).await?;
    Ok(())
}

pub(super) async fn page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    asked: Query<Asked>,
) -> Result<HttpResponse, PageError> {
    ensure_can(&app, &web, asked.invitation.clone()).await?;
    let page =
        SignUpPage { form: Form::blank(), invitation: asked.invitation.as_deref().unwrap_or_default() };
    Page::new(&web, &viewer).with_form().html("accounts/signup.html", &page)
}

pub(super) async fn post(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let fields = &posted.fields;
    ensure_can(&app, &web, fields.some("invitation").map(str::to_owned)).await?;
    match make(&app, &web, fields).await {
        Ok(user) => let_in((&app, &web), &request, &posted.viewer, user, ("password", "/")).await,
        Err(error) => {
            let form = Form::from(fields).fail(error)?;
            let page = SignUpPage { form, invitation: fields.text("invitation") };
            Page::new(&web, &posted.viewer).with_form().refused("accounts/signup.html", &page)
        }
    }
}

async fn make(app: &App, web: &Web, fields: &Fields) -> Result<coppice_store::User, PageError> {
    let name = fields.text("name").trim().to_owned();
    let password = fields.text("password").to_owned();
    ops::check_password(&name, &password, fields.text("password_again"))?;
    let wish = SignUpWish {
        name,
        mail: fields.some("mail").map(str::to_owned),
        password_hash: web.accounts.passwords.hash(password).await?,
        invitation: fields.some("invitation").map(str::to_owned),
    };
    let (rules, now) = (web.accounts.rules.clone(), app.clock.now());
    Ok(app.store.write(move |tx| ops::sign_up(tx, &rules, &wish, now)).await?)
}
