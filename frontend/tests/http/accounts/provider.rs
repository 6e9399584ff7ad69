//! From the login page to the OpenID provider, and back.

use coppice_frontend::Config;
use reqwest::Method;
use serde_json::Value;

use crate::{
    browser::{Browser, between},
    support::Answer,
};

/// As an operator writes it into the configuration.
pub fn offer(config: &mut Config, provider: Value) {
    config.accounts.providers.push(serde_json::from_value(provider).unwrap());
}

/// Goes to the provider as the login page leads there, logs in as `person`, consents, and comes back.
pub async fn log_in(browser: &Browser<'_>, person: &str) -> (String, Answer) {
    let started = browser.get("/oidc_login/?provider=fedora&next=/coprs/").await;
    through(browser, started, person).await
}

pub async fn through(browser: &Browser<'_>, started: Answer, person: &str) -> (String, Answer) {
    let address = back_address(browser, started, person).await;
    browser.visit(&address).await
}

/// The address that the provider sends the browser back to.
pub async fn back_address(browser: &Browser<'_>, started: Answer, person: &str) -> String {
    assert_eq!(started.status, 303, "{}", started.text);
    let mut at = browser.url(started.header("location"));
    let mut answer = browser.get(at.as_str()).await;
    for _ in 0..12 {
        if answer.status.is_redirection() {
            let next = answer.header("location").to_owned();
            if next.starts_with("http://copr.example:8080/") {
                return next;
            }
            at = at.join(&next).unwrap();
            answer = browser.get(at.as_str()).await;
            continue;
        }
        let action = between(&answer.text, "action=\"", "\"").to_owned();
        let prompt = between(&answer.text, "name=\"prompt\" value=\"", "\"").to_owned();
        at = at.join(&action).unwrap();
        let form = [("prompt", prompt.as_str()), ("login", person), ("password", "x")];
        answer = browser.send(browser.request(Method::POST, at.as_str()).form(&form)).await;
    }
    panic!("the provider leads in circles: {answer:?}");
}
