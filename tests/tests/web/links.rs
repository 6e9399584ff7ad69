//! Every link of every page leads somewhere.

use std::collections::BTreeMap;

use crate::{audit::Findings, browser::Browser};

const LINKS: &str = r"
return [...document.querySelectorAll('a[href], link[href], img[src], script[src], form[action]')]
    .filter(e => !(e.matches('form') && e.method === 'post') && !e.getAttribute('href')?.startsWith('#'))
    .map(e => e.href || e.src || e.action).filter(u => u.startsWith(location.origin))
    .map(u => u.slice(location.origin.length).split('#')[0]);";

/// Paths with the page that leads to each.
#[derive(Debug, Default)]
pub struct Links(BTreeMap<String, String>);

impl Links {
    pub fn gather(&mut self, browser: &Browser, page: &str) {
        for link in browser.runs(LINKS).as_array().into_iter().flatten() {
            let path = link.as_str().unwrap_or_default().to_owned();
            self.0.entry(path).or_insert_with(|| page.to_owned());
        }
    }

    /// Follows each once, as who is logged in.
    pub fn follow(&self, browser: &Browser, findings: &mut Findings) {
        // A stream never ends.
        let ends = self.0.keys().map(String::as_str).filter(|path| !path.contains("/events"));
        for (path, status) in browser.statuses(ends) {
            if !(200..400).contains(&status) {
                findings.add(&self.0[path], format!("a link leads to {path}, which answers {status}"));
            }
        }
    }
}
