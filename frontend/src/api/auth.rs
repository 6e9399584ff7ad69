//! Who asks: HTTP Basic with API login and token, or the session of a cookie (contract section 2).

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web};
use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_runtime::secret::hash_token;
use futures_util::future::LocalBoxFuture;

use super::{ApiError, auth_session::by_session};
use crate::{
    App,
    ops::{self, Caller, OpError},
    token_use,
    web::Web,
};

/// Somebody whose login and token were checked.
#[derive(Debug, Clone)]
pub struct ApiUser(pub Caller);

impl FromRequest for ApiUser {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let given = credentials(request);
        let app = request.app_data::<web::Data<App>>().cloned();
        let web = request.app_data::<web::Data<Web>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let (Some(app), Some(web)) = (app, web) else {
                return Err(ApiError::Unauthorized(String::new()));
            };
            let user = match given {
                Some((login, token)) => check(&app, login, &token).await?,
                // Whoever sends a header means it: a wrong one is not made good by a cookie.
                None if request.headers().contains_key(AUTHORIZATION) => None,
                None => by_session(&app, &web, &request).await?,
            };
            user.map(Self).ok_or_else(|| ApiError::Unauthorized(web.public_url.clone()))
        })
    }
}

async fn check(app: &App, login: String, token: &str) -> Result<Option<Caller>, ApiError> {
    let (hash, now) = (hash_token(token), app.clock.now());
    match app.store.read(move |conn| ops::authenticate(conn, &login, &hash, now)).await {
        Ok(known) => {
            token_use::note(app, &known);
            Ok(Some(known.caller))
        }
        Err(OpError::Unauthenticated) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Login and token of a readable header. A login may hold everything but a colon.
pub fn credentials(request: &HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded =
        BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))?;
    let (login, token) = text.split_once(':')?;
    Some((login.to_owned(), token.to_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(header: &str) -> Option<(String, String)> {
        credentials(&TestRequest::default().insert_header((AUTHORIZATION, header)).to_http_request())
    }

    #[test]
    fn logins_with_strange_characters_are_read_and_rubbish_is_nobody() {
        let encoded = BASE64_STANDARD.encode("Y29wcg==##abc:tok:en");
        assert_eq!(read(&format!("Basic {encoded}")), Some(("Y29wcg==##abc".into(), "tok:en".into())));
        for rubbish in ["", "Basic", "Basic !!!", "Bearer abc", "Basic YQ==", "Basic /w=="] {
            assert_eq!(read(rubbish), None, "{rubbish}");
        }
    }
}
