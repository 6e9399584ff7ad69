//! A browser without scripts: it keeps cookies, follows where it is led, and posts forms with what pages gave it.

use std::{collections::BTreeMap, sync::Mutex};

use coppice_frontend::Config;
use coppice_model::UnixTime;
use coppice_store::{passwords, users};
use reqwest::{Method, Url};

use crate::support::{Answer, Frontend, send};

/// Of "correct horse battery": made once, because hashing is slow on purpose.
pub const PASSWORD: &str = "correct horse battery";

pub struct Browser<'a> {
    frontend: &'a Frontend,
    /// By host and port, as far as tests need it.
    cookies: Mutex<BTreeMap<(String, String), String>>,
    pub agent: &'static str,
}

impl<'a> Browser<'a> {
    pub fn of(frontend: &'a Frontend) -> Self {
        Self { frontend, cookies: Mutex::default(), agent: "Tester/1.0" }
    }

    pub fn named(self, agent: &'static str) -> Self {
        Self { agent, ..self }
    }

    /// Absolute addresses may lead anywhere; those of the public address lead to the server.
    pub fn url(&self, address: &str) -> Url {
        let own = address.strip_prefix("http://copr.example:8080").unwrap_or(address);
        Url::parse(&self.frontend.url).unwrap().join(own).unwrap()
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        let host = place(&self.url("/"));
        self.cookies.lock().unwrap().get(&(host, name.to_owned())).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert((place(&self.url("/")), name.to_owned()), value.to_owned());
    }

    pub async fn ask(&self, method: Method, address: &str, form: &[(&str, &str)]) -> Answer {
        let url = self.url(address);
        let host = place(&url);
        let cookies: Vec<String> = {
            let all = self.cookies.lock().unwrap();
            let own = all.iter().filter(|((of, _), _)| *of == host);
            own.map(|((_, name), value)| format!("{name}={value}")).collect()
        };
        let mut request =
            self.frontend.client().request(method.clone(), url).header("user-agent", self.agent);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if method == Method::POST {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let answer = send(request).await;
        self.keep(&host, &answer);
        answer
    }

    fn keep(&self, host: &str, answer: &Answer) {
        let mut cookies = self.cookies.lock().unwrap();
        for header in answer.headers.get_all("set-cookie") {
            let text = header.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.to_owned(), name.to_owned());
            let is_over = text.to_lowercase().contains("max-age=0") || text.contains("01 Jan 1970");
            if is_over {
                cookies.remove(&key)
            } else {
                cookies.insert(key, value.to_owned())
            };
        }
    }

    pub async fn get(&self, address: &str) -> Answer {
        self.ask(Method::GET, address, &[]).await
    }

    /// Follows redirects to the page in the end, and says where it is.
    pub async fn visit(&self, address: &str) -> (String, Answer) {
        self.follow(address.to_owned(), self.get(address).await).await
    }

    pub async fn follow(&self, from: String, mut answer: Answer) -> (String, Answer) {
        let mut at = self.url(&from);
        for _ in 0..12 {
            let next = answer.header("location").to_owned();
            if !answer.status.is_redirection() || next.is_empty() {
                break;
            }
            at = match next.strip_prefix("http://copr.example:8080") {
                Some(own) => self.url(own),
                None => at.join(&next).unwrap(),
            };
            answer = self.get(at.as_str()).await;
        }
        (at.to_string(), answer)
    }

    /// Posts with the token of the form on `page`.
    pub async fn post(&self, page: &str, action: &str, form: &[(&str, &str)]) -> Answer {
        let shown = self.get(page).await;
        let token = form_token(&shown.text);
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend(form);
        self.ask(Method::POST, action, &all).await
    }

    pub async fn log_in(&self, name: &str, password: &str) -> Answer {
        self.post("/login/", "/login/", &[("user", name), ("password", password), ("next", "/")]).await
    }

    /// Who the site says is here.
    pub async fn user(&self) -> Option<String> {
        let home = self.get("/login/").await;
        if home.status == 200 {
            return None;
        }
        let text = self.get("/user/account/").await.text;
        Some(between(&text, "How you log in as <b>", "</b>").to_owned())
    }
}

pub fn place(url: &Url) -> String {
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

/// A user with [`PASSWORD`].
pub async fn with_password(frontend: &Frontend, name: &str, is_admin: bool) {
    let hash = hash_of(PASSWORD);
    let name = name.parse().unwrap();
    let added = frontend.store().write(move |tx| {
        let user = users::insert(tx, &name, None, is_admin, UnixTime(1))?;
        passwords::set(tx, user.id, &hash, UnixTime(1))
    });
    added.await.unwrap();
}

/// Weak parameters stand in the hash, so that tests are quick; the server takes those of the hash.
fn hash_of(password: &str) -> String {
    use argon2::{Argon2, Params, PasswordHasher, password_hash::SaltString};
    let salt = SaltString::from_b64("c29tZXRlc3RzYWx0").unwrap();
    let quick = Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        Params::new(64, 1, 1, None).unwrap(),
    );
    quick.hash_password(password.as_bytes(), &salt).unwrap().to_string()
}

pub async fn frontend(change: impl FnOnce(&mut Config)) -> Frontend {
    Frontend::start_with(change).await
}
