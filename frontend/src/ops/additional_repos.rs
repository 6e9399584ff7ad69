//! Additional repository texts: `http(s)://…` with placeholders, `copr://owner/project`, `?priority=N`.

use coppice_model::{ChrootName, chroot::Repository};
use coppice_store::{Conn, projects};
use url::Url;

use super::{OpError, Settings};

/// An additional repository as the user wrote it, without its own parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Additional {
    pub address: String,
    pub priority: Option<i64>,
}

impl Additional {
    pub fn parse(text: &str) -> Self {
        let Some((address, query)) = text.split_once('?') else {
            return Self { address: text.to_owned(), priority: None };
        };
        let (mut priority, mut kept) = (None, Vec::new());
        for pair in query.split('&') {
            match pair.strip_prefix("priority=").map(str::parse::<i64>) {
                Some(Ok(number)) => priority = Some(number),
                _ => kept.push(pair),
            }
        }
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        Self { address: format!("{address}{query}"), priority }
    }

    /// Owner and project (or directory) of a `copr://` address.
    pub fn copr(&self) -> Option<(&str, &str)> {
        let (owner, project) = self.address.strip_prefix("copr://")?.split_once('/')?;
        let project = project.trim_end_matches('/');
        let plain = |part: &str| !part.is_empty() && !part.contains(['/', '?', '#']);
        (plain(owner) && plain(project)).then_some((owner, project))
    }
}

/// What is wrong with an additional repository, in the words of the form.
pub(super) fn problem(conn: &mut Conn, text: &str) -> Result<Option<String>, OpError> {
    let invalid = || {
        Some(format!(
            "A list of http[s] URLs separated by whitespace characters is needed ('{text}' doesn't seem to be a valid URL)."
        ))
    };
    let additional = Additional::parse(text);
    if additional.address.starts_with("copr://") {
        let Some((owner, dir)) = additional.copr() else { return Ok(invalid()) };
        let project = dir.split(':').next().unwrap_or(dir);
        let known = projects::find(conn, owner, project)?.is_some();
        return Ok((!known).then(|| format!("Project {owner}/{project} does not exist.")));
    }
    let is_web = Url::parse(&additional.address)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let is_clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    Ok(if is_web && is_clean { None } else { invalid() })
}

/// The repository for one chroot; `module_hotfixes` of the project that a `copr://` address names.
pub(super) fn expand(
    conn: &mut Conn,
    settings: &Settings,
    text: &str,
    chroot: &ChrootName,
) -> Result<Repository, OpError> {
    let additional = Additional::parse(text);
    let id = repository_id(&additional.address);
    let name = format!("Additional repo {id}");
    let priority = additional.priority;
    if let Some((owner, dir)) = additional.copr() {
        let project = projects::find(conn, owner, dir.split(':').next().unwrap_or(dir))?;
        let hotfixes = project.is_some_and(|project| project.settings.module_hotfixes);
        return Ok(Repository {
            id,
            name,
            baseurl: settings.chroot_url(owner, dir, chroot.as_str()),
            priority,
            module_hotfixes: hotfixes.then_some(true),
            repo_gpgcheck: Some(false),
        });
    }
    let baseurl =
        additional.address.replace("$chroot", chroot.as_str()).replace("$distname", chroot.distribution());
    Ok(Repository { id, name, baseurl, priority, module_hotfixes: None, repo_gpgcheck: None })
}

/// Every run of non-alphanumerics becomes `_`, outer ones go (contract section 9.3).
fn repository_id(address: &str) -> String {
    let mut id = String::new();
    for c in address.chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('_') {
            id.push('_');
        }
    }
    id.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_leaves_the_address_and_other_parameters_stay() {
        let plain = Additional::parse("http://a/x?b=1&priority=7&c=2");
        assert_eq!((plain.address.as_str(), plain.priority), ("http://a/x?b=1&c=2", Some(7)));
        let copr = Additional::parse("copr://@team/gp?priority=3");
        assert_eq!((copr.copr(), copr.priority), (Some(("@team", "gp")), Some(3)));
        assert_eq!(Additional::parse("copr://alice/a/b").copr(), None);
    }

    #[test]
    fn ids_hold_letters_digits_and_single_underscores() {
        assert_eq!(repository_id("http://ext.example/$chroot/"), "http_ext_example_chroot");
        assert_eq!(repository_id("copr://@team/gp"), "copr_team_gp");
    }
}
