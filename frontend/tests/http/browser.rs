//! A browser that is logged in: keeps cookies, posts forms as they were shown.

use std::{collections::BTreeMap, sync::Mutex};

use coppice_model::UnixTime;
use coppice_runtime::secret::{hash_token, random_token};
use coppice_store::{NewSession, StoreError, sessions, users};
use reqwest::{
    Method, RequestBuilder,
    header::{COOKIE, SET_COOKIE},
};

use crate::support::{Answer, Frontend, send};

pub struct Browser<'a> {
    frontend: &'a Frontend,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Frontend {
    /// A visitor's.
    pub fn visitor(&self) -> Browser<'_> {
        Browser { frontend: self, cookies: Mutex::default() }
    }

    /// That of a user who is there already.
    pub async fn browser(&self, name: &str) -> Browser<'_> {
        let browser = self.visitor();
        let secret = random_token();
        let new = NewSession {
            token_hash: hash_token(&secret),
            method: "test".into(),
            address: "127.0.0.1".into(),
            agent: "test".into(),
            expires_at: UnixTime(i64::MAX),
        };
        let name = name.to_owned();
        let made = self.store().write(move |tx| {
            let user = users::find_by_name(tx, &name)?.expect("the user is there");
            sessions::insert(tx, user.id, &new, UnixTime(1))
        });
        made.await.map_err(|error: StoreError| error).unwrap();
        browser.cookies.lock().unwrap().insert("coppice_session".into(), secret);
        browser
    }
}

impl Browser<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let all = self.cookies.lock().unwrap();
        let cookies: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.frontend.request(method, path).header(COOKIE, cookies.join("; "))
    }

    /// Keeps the cookies that came.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = send(request).await;
        let mut cookies = self.cookies.lock().unwrap();
        for set in answer.headers.get_all(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => drop(cookies.remove(name)),
                _ => drop(cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        drop(cookies);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts `fields` to `action` with the token of the form on the page `shown`.
    pub async fn submit(&self, shown: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = form_token(&self.get(shown).await.text);
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend(fields);
        self.send(self.request(Method::POST, action).form(&all)).await
    }

    /// The same without a token, as another site would.
    pub async fn forge(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, action).form(fields)).await
    }
}

#[track_caller]
pub fn form_token(page: &str) -> String {
    let (_, rest) =
        page.split_once("name=\"csrf_token\" value=\"").unwrap_or_else(|| panic!("no form in {page}"));
    rest.split('"').next().unwrap().to_owned()
}
