//! The form of a project: what may be set and what is refused (contract sections 3.1 and 7.3).

use coppice_model::UnixTime;
use coppice_store::{Conn, ProjectSettings};
use url::Url;

use super::{Caller, OpError, Problem, additional_repos};

const DAY_S: i64 = 86_400;
const BOOTSTRAPS: [&str; 4] = ["default", "on", "off", "image"];
const ISOLATIONS: [&str; 3] = ["default", "nspawn", "simple"];

/// Every key that the API takes; `None` is "not given" and leaves what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectChanges {
    /// Replaces the enabled chroots; an empty list leaves them.
    pub chroots: Option<Vec<String>>,
    pub description: Option<String>,
    pub instructions: Option<String>,
    /// `""` clears.
    pub homepage: Option<String>,
    /// `""` clears.
    pub contact: Option<String>,
    pub additional_repos: Option<Vec<String>>,
    pub unlisted_on_hp: Option<bool>,
    pub devel_mode: Option<bool>,
    pub enable_net: Option<bool>,
    pub auto_prune: Option<bool>,
    pub bootstrap: Option<String>,
    pub isolation: Option<String>,
    pub follow_fedora_branching: Option<bool>,
    /// -1 cancels the expiry; the API's `""` comes here as -1.
    pub delete_after_days: Option<i64>,
    pub multilib: Option<bool>,
    pub module_hotfixes: Option<bool>,
    pub appstream: Option<bool>,
    pub fedora_review: Option<bool>,
    pub runtime_dependencies: Option<Vec<String>>,
    pub packit_forge_projects_allowed: Option<Vec<String>>,
    pub repo_priority: Option<i64>,
}

impl ProjectChanges {
    /// Finds what is wrong and adds it to `problems`.
    pub(super) fn check(&self, conn: &mut Conn, problems: &mut Vec<Problem>) -> Result<(), OpError> {
        self.check_contact(problems);
        self.check_choices(problems);
        self.check_numbers(problems);
        for (field, repos) in [
            ("additional_repos", &self.additional_repos),
            ("runtime_dependencies", &self.runtime_dependencies),
        ] {
            for repo in repos.iter().flatten() {
                if let Some(problem) = additional_repos::problem(conn, repo)? {
                    problems.push(Problem::new(field, problem));
                }
            }
        }
        Ok(())
    }

    fn check_contact(&self, problems: &mut Vec<Problem>) {
        if self.homepage.as_deref().is_some_and(|text| !text.is_empty() && !is_web_address(text)) {
            problems.push(Problem::new("homepage", "Invalid URL."));
        }
        let is_contact = |text: &str| text.is_empty() || is_web_address(text) || is_mail_address(text);
        if self.contact.as_deref().is_some_and(|text| !is_contact(text)) {
            problems.push(Problem::new("contact", "Contact must be email address or URL"));
        }
    }

    fn check_choices(&self, problems: &mut Vec<Problem>) {
        if self.bootstrap.as_deref().is_some_and(|choice| !BOOTSTRAPS.contains(&choice)) {
            problems.push(Problem::new("bootstrap", "Not a valid choice."));
        }
        if self.isolation.as_deref().is_some_and(|choice| !ISOLATIONS.contains(&choice)) {
            problems.push(Problem::new("isolation", "Not a valid choice."));
        }
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        if self.delete_after_days.is_some_and(|days| !(-1..=720).contains(&days)) {
            problems.push(Problem::new("delete_after_days", "Number must be between -1 and 720."));
        }
        if self.repo_priority.is_some_and(|priority| priority < 1) {
            problems.push(Problem::new("repo_priority", "Number must be at least 1."));
        }
    }

    /// What only server admins may set.
    pub(super) fn ensure_allowed(&self, by: &Caller, before: &ProjectSettings) -> Result<(), OpError> {
        if self.auto_prune == Some(false) && before.auto_prune && !by.user.is_admin {
            return Err(OpError::Forbidden("Non-admin cannot disable auto-prunning.".into()));
        }
        Ok(())
    }

    /// The settings after these changes.
    pub(super) fn apply(&self, before: &ProjectSettings, now: UnixTime) -> ProjectSettings {
        let mut after = before.clone();
        self.apply_texts(&mut after);
        self.apply_flags(&mut after);
        if let Some(days) = self.delete_after_days {
            after.delete_on = (days >= 0).then(|| now.plus_seconds(days * DAY_S));
        }
        if let Some(priority) = self.repo_priority {
            // Copr: 99 is DNF's default and counts as not set.
            after.repo_priority = (priority != 99).then_some(priority);
        }
        after
    }

    fn apply_texts(&self, after: &mut ProjectSettings) {
        set(&mut after.description, &self.description);
        set(&mut after.instructions, &self.instructions);
        set(&mut after.bootstrap, &self.bootstrap);
        set(&mut after.isolation, &self.isolation);
        set(&mut after.additional_repos, &self.additional_repos);
        set(&mut after.runtime_dependencies, &self.runtime_dependencies);
        set_or_clear(&mut after.homepage, self.homepage.as_deref());
        set_or_clear(&mut after.contact, self.contact.as_deref());
        if let Some(allowed) = &self.packit_forge_projects_allowed {
            after.packit_forge_projects_allowed = allowed.iter().map(|url| without_scheme(url)).collect();
        }
    }

    fn apply_flags(&self, after: &mut ProjectSettings) {
        set(&mut after.unlisted_on_hp, &self.unlisted_on_hp);
        set(&mut after.devel_mode, &self.devel_mode);
        set(&mut after.enable_net, &self.enable_net);
        set(&mut after.auto_prune, &self.auto_prune);
        set(&mut after.follow_fedora_branching, &self.follow_fedora_branching);
        set(&mut after.multilib, &self.multilib);
        set(&mut after.module_hotfixes, &self.module_hotfixes);
        set(&mut after.appstream, &self.appstream);
        set(&mut after.fedora_review, &self.fedora_review);
    }
}

fn set<T: Clone>(field: &mut T, given: &Option<T>) {
    if let Some(value) = given {
        field.clone_from(value);
    }
}

fn set_or_clear(field: &mut Option<String>, given: Option<&str>) {
    if let Some(text) = given {
        *field = (!text.is_empty()).then(|| text.to_owned());
    }
}

fn without_scheme(url: &str) -> String {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/').to_owned()
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_mail_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}
