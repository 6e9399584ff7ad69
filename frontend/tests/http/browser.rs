//! A browser without scripts: it keeps cookies, follows where it is led, and posts forms as they were shown.

use std::{collections::BTreeMap, sync::Mutex};

use coppice_model::UnixTime;
use coppice_runtime::secret::{hash_token, random_token};
use coppice_store::{NewSession, StoreError, sessions, users};
use reqwest::{
    Method, RequestBuilder, Url,
    header::{COOKIE, SET_COOKIE, USER_AGENT},
};

use crate::support::{Answer, Frontend, send};

/// Where the service says it is: there is nothing, so the browser goes to the server instead.
const PUBLIC: &str = "http://copr.example:8080";

pub struct Browser<'a> {
    frontend: &'a Frontend,
    /// By host and port, as far as tests need it.
    cookies: Mutex<BTreeMap<(String, String), String>>,
    agent: &'static str,
}

impl Frontend {
    /// A visitor's.
    pub fn visitor(&self) -> Browser<'_> {
        Browser { frontend: self, cookies: Mutex::default(), agent: "Tester/1.0" }
    }

    /// That of a user who is there already, and logged in.
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
        browser.set_cookie("coppice_session", &secret);
        browser
    }
}

impl Browser<'_> {
    pub fn named(self, agent: &'static str) -> Self {
        Self { agent, ..self }
    }

    /// Absolute addresses may lead anywhere; those of the public address lead to the server.
    pub fn url(&self, address: &str) -> Url {
        let own = address.strip_prefix(PUBLIC).unwrap_or(address);
        Url::parse(&self.frontend.url).unwrap().join(own).unwrap()
    }

    fn key(&self, cookie: &str) -> (String, String) {
        (place(&self.url("/")), cookie.to_owned())
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(&self.key(name)).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(self.key(name), value.to_owned());
    }

    /// With the cookies of the place that it goes to.
    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        let url = self.url(address);
        let host = place(&url);
        let all = self.cookies.lock().unwrap();
        let own = all.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = self.frontend.client().request(method, url).header(USER_AGENT, self.agent);
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    /// Keeps the cookies that came.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let host = place(request.url());
        let answer = send(RequestBuilder::from_parts(client, request)).await;
        let mut cookies = self.cookies.lock().unwrap();
        for header in answer.headers.get_all(SET_COOKIE) {
            let text = header.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.clone(), name.to_owned());
            if value.is_empty() || text.to_lowercase().contains("max-age=0") || text.contains("01 Jan 1970") {
                cookies.remove(&key);
            } else {
                cookies.insert(key, value.to_owned());
            }
        }
        drop(cookies);
        answer
    }

    pub async fn get(&self, address: &str) -> Answer {
        self.send(self.request(Method::GET, address)).await
    }

    /// Posts `fields` to `action` with the token of the form on the page `shown`.
    pub async fn submit(&self, shown: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = form_token(&self.get(shown).await.text);
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend(fields);
        self.forge(action, &all).await
    }

    /// Posts these fields and nothing else, as another site would.
    pub async fn forge(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, action).form(fields)).await
    }

    /// Follows redirects to the page in the end, and says where it is.
    pub async fn visit(&self, address: &str) -> (String, Answer) {
        let (mut at, mut answer) = (self.url(address), self.get(address).await);
        for _ in 0..12 {
            let next = answer.header("location").to_owned();
            if !answer.status.is_redirection() || next.is_empty() {
                break;
            }
            at = if next.starts_with(PUBLIC) { self.url(&next) } else { at.join(&next).unwrap() };
            answer = self.get(at.as_str()).await;
        }
        (at.to_string(), answer)
    }
}

fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap())
}

#[track_caller]
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let start =
        text.find(before).unwrap_or_else(|| panic!("{before:?} is missing in\n{text}")) + before.len();
    let end = text[start..].find(after).unwrap_or_else(|| panic!("{after:?} is missing"));
    &text[start..start + end]
}

#[track_caller]
pub fn form_token(page: &str) -> String {
    between(page, "name=\"csrf_token\" value=\"", "\"").to_owned()
}

/// What stands inside `<main>`, without tags and with single blanks.
pub fn words(page: &str) -> String {
    let main = page.split("<main").nth(1).expect("a page has a main part").split("</main>").next().unwrap();
    let mut text = String::new();
    for piece in main.split('<').skip(1) {
        text.push_str(piece.split_once('>').map_or("", |(_, rest)| rest));
        text.push(' ');
    }
    let text = text.replace("&#39;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub fn says(text: &str, wanted: &[&str]) {
    for sentence in wanted {
        assert!(text.contains(sentence), "{sentence:?} is missing in\n{text}");
    }
}
