//! Coming in and going out: login, sign-up, the account and its devices.

mod account;
mod data;
mod elsewhere;
mod groups;
mod invitations;
mod login;
mod newcomer;
mod publishers;
mod sealed;
mod signup;
mod ticket;
mod tokens;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig},
};
use coppice_model::UserId;
use coppice_store::User;

use super::{
    PageError, Viewer,
    frame::{keep_session, see_other},
};
use crate::{App, ops, web::Web};

pub use ticket::login as ticket_login;

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/login").get(login::page).post(login::post))
        .service(web::resource("/logout").get(login::logout_page).post(login::logout))
        .service(web::resource("/signup").get(signup::page).post(signup::post))
        .service(web::resource("/oidc_login").get(elsewhere::start))
        .service(web::resource("/oidc_auth").get(elsewhere::back))
        .service(web::resource("/oidc_login/name").get(newcomer::page).post(newcomer::choose))
        .service(web::resource("/user/identities/connect").post(elsewhere::connect))
        .service(web::resource("/user/identities/disconnect").post(account::disconnect))
        .service(
            web::resource("/user/identities/pending").get(newcomer::connect_page).post(newcomer::connect),
        )
        .service(web::resource("/user/info").get(data::page))
        .service(web::resource("/user/info/download").get(data::download))
        .service(web::resource("/user/delete").post(data::delete))
        .service(web::resource("/api").get(tokens::api_page))
        .service(web::resource("/api/new").post(tokens::renew))
        .service(web::resource("/user/tokens").get(tokens::page).post(tokens::make))
        .service(web::resource("/user/tokens/revoke").post(tokens::revoke))
        .service(web::resource("/groups/list/my").get(groups::list))
        .service(
            web::resource("/groups/activate/{team:.+}").get(groups::activate_page).post(groups::activate),
        )
        .service(web::resource("/user/account").get(account::page))
        .service(web::resource("/user/password").post(account::change_password))
        .service(web::resource("/user/sessions/end").post(account::end_session))
        .service(web::resource("/user/sessions/end-others").post(account::end_others))
        .service(web::resource("/admin/invitations").get(invitations::page).post(invitations::make))
        .service(web::resource("/admin/invitations/withdraw").post(invitations::withdraw));
}

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/integrations/publishers").get(publishers::page).post(publishers::change));
}

/// Only addresses of our own, so that nobody is led elsewhere by a link to our login.
fn local(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\t', '\n', '\r'])
        && !next.starts_with("/login")
        && !next.starts_with("/logout");
    if is_local { next } else { "/" }
}

/// The session that this browser has now.
fn before(viewer: &Viewer) -> Option<(UserId, i64)> {
    Some((viewer.user()?.id, viewer.session()?.id))
}

/// Logs the browser in as `user`, who proved to be that, and leads on.
async fn let_in(
    (app, web): (&App, &Web),
    request: &HttpRequest,
    viewer: &Viewer,
    user: User,
    (method, next): (&str, &str),
) -> Result<HttpResponse, PageError> {
    let login = web.accounts.login(request, method);
    let (rules, now, before) = (web.accounts.rules.clone(), app.clock.now(), before(viewer));
    let started = app.store.write(move |tx| ops::log_in(tx, &user, &login, before, (&rules, now)));
    let secret = started.await?;
    let mut response = see_other(web, local(next)).answer();
    keep_session(web, &mut response, secret);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_login_leads_nowhere_else() {
        for ours in ["/", "/coprs/a/b/?x=1#c", "/user/account/"] {
            assert_eq!(local(ours), ours);
        }
        for other in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "evil",
            "/login/",
        ] {
            assert_eq!(local(other), "/", "{other}");
        }
    }
}
