//! A person at a browser: goes to pages, fills forms, sees what is shown.

use std::{path::Path, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use coppice_kit::until;
use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, error::CmdError, wd::WebDriverCompatibleCommand,
};
use reqwest::{Method, RequestBuilder, Url, redirect::Policy};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::driver::Driver;

/// How long something may take that is no build.
pub const SOON: Duration = Duration::from_secs(15);
/// What a form would send, and where to.
const FORM: &str = r"
const [button, done] = [document.querySelector(arguments[0]), arguments[1]];
const form = button.form;
done({ address: button.hasAttribute('formaction') ? button.formAction : form.action,
    body: new URLSearchParams(new FormData(form, button)).toString() });";
/// The tallest picture of a page.
const TALLEST: u64 = 3000;

pub struct Browser {
    client: Client,
    runtime: Runtime,
    site: String,
    /// Asks without the browser; follows no redirects.
    over_the_wire: reqwest::Client,
    _driver: Driver,
}

/// A page as it came over the wire.
pub struct Raw {
    pub status: u16,
    pub kind: String,
    pub text: String,
}

/// What is no part of the standard: chromedriver's own commands.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    /// `site`: where paths are looked up.
    pub fn open(site: &str) -> Self {
        Self::start(site, true)
    }

    /// Of somebody who has JavaScript switched off.
    pub fn without_scripts(site: &str) -> Self {
        Self::start(site, false)
    }

    fn start(site: &str, has_scripts: bool) -> Self {
        let driver = Driver::start();
        let runtime = Runtime::new().unwrap();
        let mut builder = ClientBuilder::native();
        builder.capabilities(driver.capabilities(has_scripts));
        let client = runtime.block_on(builder.connect(&driver.url())).expect("the browser starts");
        let over_the_wire = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, runtime, over_the_wire, site: site.trim_end_matches('/').to_owned(), _driver: driver }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, CmdError>>) -> T {
        self.runtime.block_on(work).unwrap_or_else(|error| panic!("{error}\non {}", self.address()))
    }

    fn try_to<T>(&self, work: impl Future<Output = Result<T, CmdError>>) -> Option<T> {
        self.runtime.block_on(work).ok()
    }

    fn address(&self) -> String {
        self.try_to(self.client.current_url()).map_or_else(|| "no page".to_owned(), Into::into)
    }

    pub fn goes(&self, path: &str) {
        self.wait(self.client.goto(&format!("{}{path}", self.site)));
    }

    /// Path and query of the page that is shown.
    pub fn path(&self) -> String {
        let url = self.wait(self.client.current_url());
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits for it.
    pub fn find(&self, css: &str) -> Element {
        until(&format!("{css} is on {}", self.address()), SOON, || {
            self.try_to(self.client.find(Locator::Css(css)))
        })
    }

    pub fn count(&self, css: &str) -> usize {
        self.wait(self.client.find_all(Locator::Css(css))).len()
    }

    /// How many of them are shown.
    pub fn shown(&self, css: &str) -> usize {
        let found = self.wait(self.client.find_all(Locator::Css(css)));
        found.iter().filter(|element| self.wait(element.is_displayed())).count()
    }

    /// What is to be read there, as it is shown.
    pub fn text(&self, css: &str) -> String {
        until(&format!("{css} can be read on {}", self.address()), SOON, || {
            let element = self.try_to(self.client.find(Locator::Css(css)))?;
            self.try_to(element.text())
        })
    }

    /// Waits until these words are to be read there, and returns all that is.
    pub fn reads(&self, css: &str, words: &str, limit: Duration) -> String {
        let mut last = String::new();
        let started = std::time::Instant::now();
        while started.elapsed() < limit {
            last = self.text(css);
            if last.contains(words) {
                return last;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{css} on {} does not say “{words}”, it says:\n{last}", self.address());
    }

    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let element = self.find(css);
        self.wait(element.attr(name))
    }

    pub fn clicks(&self, css: &str) {
        let element = self.find(css);
        self.wait(element.click());
    }

    pub fn follows(&self, words: &str) {
        let element = until(&format!("a link “{words}” is on {}", self.address()), SOON, || {
            self.try_to(self.client.find(Locator::LinkText(words)))
        });
        self.wait(element.click());
    }

    /// Presses the button with these words.
    pub fn presses(&self, words: &str) {
        let path = format!("//button[contains(normalize-space(.), \"{words}\")]");
        let element = until(&format!("a button “{words}” is on {}", self.address()), SOON, || {
            self.try_to(self.client.find(Locator::XPath(&path)))
        });
        self.wait(element.click());
    }

    /// Types over what the field holds.
    pub fn types(&self, name: &str, text: &str) {
        let element = self.field(name);
        self.wait(element.clear());
        self.wait(element.send_keys(text));
    }

    /// Ticks the box of this value.
    pub fn ticks(&self, name: &str, value: &str) {
        let element = self.find(&format!("[name=\"{name}\"][value=\"{value}\"]"));
        if !self.wait(element.is_selected()) {
            self.wait(element.click());
        }
    }

    /// Types into the field, or ticks its box of this value.
    pub fn fills(&self, name: &str, value: &str) {
        if self.count(&format!("main [name=\"{name}\"][type=checkbox]")) > 0 {
            self.ticks(name, value);
        } else {
            self.types(name, value);
        }
    }

    /// Lets forms be sent that the browser itself would not send.
    pub fn trusts_forms(&self) {
        self.runs("for (const form of document.forms) form.noValidate = true");
    }

    pub fn attaches(&self, name: &str, file: &Path) {
        let element = self.field(name);
        self.wait(element.send_keys(&file.display().to_string()));
    }

    fn field(&self, name: &str) -> Element {
        self.find(&format!("main [name=\"{name}\"]"))
    }

    /// Has this script in every page from now on, as an extension of the browser has.
    pub fn always_has(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// Runs a function body; works with every policy of the page, as the person's own tools do.
    pub fn runs(&self, script: &str) -> Value {
        self.wait(self.client.execute(script, vec![]))
    }

    pub fn runs_async(&self, script: &str, values: Vec<Value>) -> Value {
        self.wait(self.client.execute_async(script, values))
    }

    /// An alert that a page opened.
    pub fn alert(&self) -> Option<String> {
        self.try_to(self.client.get_alert_text())
    }

    /// What the console has said since it was last asked: errors alone, violations of the policy among them.
    pub fn complaints(&self) -> Vec<String> {
        let said = self.own("se/log", json!({ "type": "browser" }));
        let entries = said.as_array().cloned().unwrap_or_default();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        entries
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")))
            .map(|entry| text(entry, "message"))
            .collect()
    }

    pub fn is_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    pub fn is_wide(&self, width: u64) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// The whole page as PNG.
    pub fn pictures(&self, path: &Path) {
        let all = self.devtools("Page.getLayoutMetrics", json!({}));
        let side = |name: &str| all["cssContentSize"][name].as_f64().unwrap();
        let height = side("height").min(TALLEST as f64);
        let clip = json!({ "x": 0, "y": 0, "width": side("width"), "height": height, "scale": 1 });
        let wanted =
            json!({ "format": "png", "captureBeyondViewport": true, "clip": clip, "optimizeForSpeed": true });
        let made = self.devtools("Page.captureScreenshot", wanted);
        let png = BASE64.decode(made["data"].as_str().unwrap()).unwrap();
        std::fs::write(path, png).unwrap();
    }

    fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.own("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    fn own(&self, command: &'static str, body: Value) -> Value {
        self.wait(self.client.issue_cmd(Own(command, body)))
    }

    /// Becomes the owner of a session.
    pub fn carries(&self, cookie: &str, value: &str) {
        let wanted = json!({ "url": self.site, "name": cookie, "value": value, "httpOnly": true });
        self.devtools("Network.setCookie", wanted);
    }

    pub fn forgets_all(&self) {
        self.wait(self.client.delete_all_cookies());
    }

    /// The same page without what a browser makes of it; redirects are not followed.
    pub fn raw(&self, path: &str) -> Raw {
        let request = self.over_the_wire.get(format!("{}{path}", self.site)).header("cookie", self.cookies());
        self.runtime.block_on(answered(request)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// What the form of this button sends as it is filled, answered over the wire.
    pub fn raw_of_form(&self, button: &str) -> Raw {
        let sent = self.runs_async(FORM, vec![json!(button)]);
        let (address, body) = (sent["address"].as_str().unwrap(), sent["body"].as_str().unwrap().to_owned());
        let request = self.over_the_wire.post(address).body(body).header("cookie", self.cookies());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.runtime.block_on(answered(request)).unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// How each of these paths answers.
    pub fn statuses<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Vec<(&'p str, u16)> {
        let cookies = self.cookies();
        let status = async |path: &str| {
            let request = self.over_the_wire.get(format!("{}{path}", self.site)).header("cookie", &cookies);
            Ok::<_, reqwest::Error>(request.timeout(SOON).send().await?.status().as_u16())
        };
        let ask =
            |path| self.runtime.block_on(status(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        paths.into_iter().map(|path| (path, ask(path))).collect()
    }

    fn cookies(&self) -> String {
        let all = self.wait(self.client.get_all_cookies());
        let pairs: Vec<String> = all.iter().map(|c| format!("{}={}", c.name(), c.value())).collect();
        pairs.join("; ")
    }

    /// Ends the browser; what remains is seen by [`Driver`].
    pub fn close(self) {
        let client = self.client.clone();
        self.wait(client.close());
    }
}

async fn answered(request: RequestBuilder) -> Result<Raw, reqwest::Error> {
    let answer = request.timeout(SOON).send().await?;
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    Ok(Raw { status, kind, text: answer.text().await? })
}
