//! The login page, and the way out.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use coppice_store::passwords;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded;

use super::{before, let_in, local};
use crate::{
    App,
    accounts::{Paused, Provider, Try},
    ops::{self, SignUp},
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Posted, forget_session, see_other},
    },
    web::Web,
};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Serialize)]
struct LoginPage<'a> {
    form: Form,
    next: &'a str,
    has_passwords: bool,
    can_sign_up: bool,
    providers: Vec<Choice>,
}

/// Another way in.
#[derive(Debug, Serialize)]
struct Choice {
    label: String,
    url: String,
    icon: &'static str,
}

fn show<'a>(web: &Web, form: Form, next: &'a str) -> LoginPage<'a> {
    let accounts = &web.accounts;
    let can_sign_up = accounts.has_passwords && accounts.rules.sign_up != SignUp::Closed;
    LoginPage {
        form,
        next: local(next),
        has_passwords: accounts.has_passwords,
        can_sign_up,
        providers: choices(web, local(next)),
    }
}

fn choices(web: &Web, next: &str) -> Vec<Choice> {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let choice = |provider: &Provider| Choice {
        label: provider.label.clone(),
        url: format!("/oidc_login/?provider={}&next={next}", provider.name),
        icon: if provider.is_forge { "branch" } else { "" },
    };
    let mut all: Vec<Choice> = web.accounts.providers().iter().map(choice).collect();
    if web.accounts.has_kerberos() {
        let url = format!("/api_3/gssapi_login/web-ui/?next={next}");
        all.push(Choice { label: "Kerberos ticket".into(), url, icon: "key" });
    }
    all
}

pub(super) async fn page(
    web: Data<Web>,
    viewer: Viewer,
    asked: Query<Asked>,
) -> Result<HttpResponse, PageError> {
    if viewer.user().is_some() {
        return Ok(see_other(&web, local(&asked.next)).answer());
    }
    Page::new(&web, &viewer).with_form().html("accounts/login.html", &show(&web, Form::blank(), &asked.next))
}

pub(super) async fn post(
    app: Data<App>,
    web: Data<Web>,
    request: HttpRequest,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    if !web.accounts.has_passwords {
        return Err(PageError::no_such_page());
    }
    let (name, next) = (posted.fields.text("user").trim(), posted.fields.text("next"));
    let again = |form: Form| {
        let page = show(&web, form, next);
        Page::new(&web, &posted.viewer).with_form().refused("accounts/login.html", &page)
    };
    let form = Form::from(&posted.fields);
    let address = web.accounts.address(&request);
    let tried = match web.accounts.throttle.count(name, address, app.clock.now()).await {
        Ok(tried) => tried,
        Err(paused) => return again(form.general(paused_text(paused))),
    };
    let asked = name.to_owned();
    let found = app.store.read(move |conn| passwords::find_by_name(conn, &asked)).await?;
    let (user, hash) = found.unzip();
    let password = posted.fields.text("password").to_owned();
    let fits = web.accounts.passwords.verify(password, hash).await?;
    let Some(user) = user.filter(|_| fits) else {
        return again(form.general(wrong_text(&web, &tried)));
    };
    web.accounts.throttle.forgive(&tried).await;
    let_in((&app, &web), &request, &posted.viewer, user, ("password", next)).await
}

/// Says the same whether the name or the password is wrong.
fn wrong_text(web: &Web, tried: &Try) -> String {
    let throttle = &web.accounts.throttle;
    format!(
        "That user name and password do not go together. After {} wrong tries the account pauses for {} minutes; {} {} left.",
        throttle.tries(),
        throttle.pause_min(),
        tried.left,
        if tried.left == 1 { "is" } else { "are" }
    )
}

fn paused_text(paused: Paused) -> String {
    let minutes = (paused.wait_s + 59) / 60;
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!(
        "Too many wrong passwords. Logging in with a password pauses; try again in {minutes} {unit}. If they were not \
         yours, your account is safe: somebody guessed and was stopped."
    )
}

pub(super) async fn logout_page(web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    if viewer.user().is_none() {
        return Ok(see_other(&web, "/").answer());
    }
    Page::new(&web, &viewer).html("accounts/logout.html", &json!({}))
}

pub(super) async fn logout(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    if let (Some(caller), Some((_, session))) = (posted.viewer.caller().cloned(), before(&posted.viewer)) {
        app.store.write(move |tx| ops::end_session(tx, &caller, session)).await?;
    }
    let mut response = see_other(&web, "/").say("You are logged out.").answer();
    forget_session(&web, &mut response);
    Ok(response)
}
