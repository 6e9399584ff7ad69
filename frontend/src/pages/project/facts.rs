//! What is good to know of a project, in a few words each.

use coppice_model::UnixTime;
use coppice_store::Project;
use serde::Serialize;

use crate::{
    calendar,
    pages::{
        frame::Moment,
        markdown::{followable, without_directions},
    },
};

#[derive(Debug, Serialize)]
pub struct Fact {
    name: &'static str,
    text: String,
    /// Only what browsers may open.
    url: Option<String>,
    /// Shown as it must be typed.
    is_code: bool,
}

impl Fact {
    fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, text: text.into(), url: None, is_code: false }
    }

    fn code(name: &'static str, text: impl Into<String>) -> Self {
        Self { is_code: true, ..Self::text(name, text) }
    }

    fn link(name: &'static str, text: &str, url: Option<String>) -> Self {
        Self { url, ..Self::text(name, without_directions(text)) }
    }
}

pub fn facts(project: &Project, now: UnixTime) -> Vec<Fact> {
    let settings = &project.settings;
    let mut facts = Vec::new();
    if let Some(homepage) = &settings.homepage {
        facts.push(Fact::link("Homepage", homepage, followable(homepage)));
    }
    if let Some(contact) = &settings.contact {
        let is_mail = contact.contains('@') && !contact.contains(':');
        let url =
            if is_mail { followable(&format!("mailto:{}", contact.trim())) } else { followable(contact) };
        facts.push(Fact::link("Contact", contact, url));
    }
    for dependency in &settings.runtime_dependencies {
        facts.push(repository("Needs at run time", dependency));
    }
    for repository in &settings.additional_repos {
        facts.push(self::repository("Builds use", repository));
    }
    if let Some(at) = settings.delete_on {
        let moment = Moment::new(at, now);
        facts.push(Fact::text("Goes away", format!("{}, on {}", moment.ago, calendar::date(at))));
    }
    if settings.persistent {
        facts.push(Fact::text("Stays", "it cannot be deleted"));
    }
    let network = if settings.enable_net { "on while building" } else { "off while building" };
    facts.push(Fact::text("Network", network));
    let kept = if settings.auto_prune { "the newest build of each package" } else { "every build" };
    facts.push(Fact::text("Keeps", kept));
    if settings.devel_mode {
        facts.push(Fact::text("Published", "when the owner says so"));
    }
    if let Some(fingerprint) = &project.key_fingerprint {
        facts.push(Fact::code("Signed by", spaced(fingerprint)));
    }
    facts.push(Fact::text("Made", calendar::date(project.created_at)));
    facts.push(Fact::text("Project id", project.id.to_string()));
    facts
}

/// Projects of this server are links.
fn repository(name: &'static str, address: &str) -> Fact {
    let own = address.strip_prefix("copr://").and_then(|rest| rest.split(['?', '#']).next());
    let url = match own.and_then(|own| own.split_once('/')) {
        Some((owner, project)) => Some(match owner.strip_prefix('@') {
            Some(group) => format!("/coprs/g/{group}/{project}/"),
            None => format!("/coprs/{owner}/{project}/"),
        }),
        // Addresses with variables lead nowhere.
        None => followable(address).filter(|_| !address.contains('$')),
    };
    Fact { is_code: true, ..Fact::link(name, address, url) }
}

/// In groups of four, as people compare them.
fn spaced(fingerprint: &str) -> String {
    let digits: Vec<char> = fingerprint.chars().collect();
    digits.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_may_open_is_a_link() {
        assert_eq!(
            repository("x", "copr://@sig/tools?priority=1").url.as_deref(),
            Some("/coprs/g/sig/tools/")
        );
        assert_eq!(repository("x", "copr://alice/foo").url.as_deref(), Some("/coprs/alice/foo/"));
        assert_eq!(repository("x", "https://e.example/$basearch/").url, None);
        assert_eq!(repository("x", "javascript:alert(1)").url, None);
        assert_eq!(spaced("0123456789AB"), "0123 4567 89AB");
    }
}
