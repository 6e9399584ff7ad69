//! What is wrong with a page: barriers (axe-core), HTML (html-validate), the console, the width of a phone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::browser::Browser;

/// Answers a list of sentences: rule, help and the place of the first element.
const AXE: &str = r"
const [options, done] = arguments;
axe.run(document, options).then(result => done(result.violations
    .filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => `axe ${v.id}: ${v.help} (${v.nodes.length}): ${v.nodes[0].target} ${v.nodes[0].html.slice(0, 200)}`)),
    error => done([`axe did not run: ${error}`]));";
/// The elements that stand out of the window: all of them but those in a box that scrolls by itself.
const WIDE: &str = r"
const room = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= room) return [];
const scrolls = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== 'visible') return true; return false; };
return [...document.body.querySelectorAll('*')]
    .filter(e => e.getBoundingClientRect().right > room + 1 && !scrolls(e)).slice(0, 3)
    .map(e => `wider than a phone by ${Math.round(e.getBoundingClientRect().right - room)} px: ${e.outerHTML.slice(0, 150)}`)
    .concat(`the page scrolls sideways (${document.documentElement.scrollWidth} px)`);";

/// Each sentence with the pages that it is true of, so that one run tells everything.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<String, BTreeSet<String>>);

impl Findings {
    pub fn add(&mut self, page: &str, sentence: impl Into<String>) {
        self.0.entry(sentence.into()).or_default().insert(page.to_owned());
    }

    fn add_all(&mut self, page: &str, sentences: &Value) {
        for sentence in sentences.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.add(page, sentence);
        }
    }

    #[track_caller]
    pub fn assert_none(&self) {
        let list: Vec<String> = self
            .0
            .iter()
            .map(|(what, pages)| {
                let some: Vec<&str> = pages.iter().take(12).map(String::as_str).collect();
                format!("* {what}\n    on {} pages: {}", pages.len(), some.join(", "))
            })
            .collect();
        assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
    }
}

/// Looks at the page that `browser` shows, in all looks, and leaves pictures of it.
pub fn look(browser: &Browser, page: &str, status: u16, findings: &mut Findings) {
    for complaint in browser.complaints() {
        // The browser says of every error page that it is one.
        if !(status >= 400 && complaint.contains(&format!("status of {status}"))) {
            findings.add(page, format!("console: {complaint}"));
        }
    }
    findings.add_all(page, &browser.runs_async(AXE, vec![json!({ "resultTypes": ["violations"] })]));
    let picture = |look: &str| browser.pictures(&shots().join(format!("{}-{look}.png", slug(page))));
    picture("light-1280");
    browser.is_dark(true);
    let contrast = json!({ "runOnly": { "type": "rule", "values": ["color-contrast"] } });
    findings.add_all(&format!("{page} (dark)"), &browser.runs_async(AXE, vec![contrast]));
    picture("dark-1280");
    browser.is_wide(390);
    findings.add_all(page, &browser.runs(WIDE));
    picture("dark-390");
    browser.is_dark(false);
    picture("light-390");
    browser.is_wide(1280);
    for complaint in browser.complaints() {
        findings.add(page, format!("console, later: {complaint}"));
    }
}

/// What [`look`] needs of a browser before it goes anywhere.
pub fn prepare(browser: &Browser) {
    browser.always_has(&fs::read_to_string(borrowed("COPPICE_AXE")).unwrap());
}

fn borrowed(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| panic!("{variable} is not set: run the tests by tools/test")).into()
}

/// Keeps a page as the server sent it, for [`validate`].
pub fn keep(page: &str, html: &str) {
    fs::write(html_folder().join(format!("{}.html", slug(page))), html).unwrap();
}

/// Holds these pages against the HTML standard, in one run.
pub fn validate(pages: &[String], findings: &mut Findings) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/html-validate.json");
    let files: BTreeMap<PathBuf, &str> = pages
        .iter()
        .map(|page| (html_folder().join(format!("{}.html", slug(page))), page.as_str()))
        .collect();
    let output = Command::new(borrowed("COPPICE_HTML_VALIDATE"))
        .arg("--config")
        .arg(config)
        .args(["--formatter", "json"])
        .args(files.keys())
        .output()
        .unwrap();
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for report in &reports {
        let page = files[Path::new(report["filePath"].as_str().unwrap())];
        for message in report["messages"].as_array().into_iter().flatten() {
            let said = message["message"].as_str().unwrap_or_default();
            let rule = message["ruleId"].as_str().unwrap_or_default();
            findings.add(page, format!("html {rule}: {said} ({})", message["selector"]));
        }
    }
}

fn html_folder() -> PathBuf {
    let folder = shots().join("html");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Where pictures go: they stay after the run.
pub fn shots() -> PathBuf {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(3).unwrap().join("web-shots");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A page's name as a file's.
fn slug(page: &str) -> String {
    let words = page.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}
