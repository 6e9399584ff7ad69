//! What the forms of builds and packages offer to choose from.

use coppice_store::{Conn, ProjectChroot, StoreError, mock_chroots};
use serde::Serialize;

use super::{Ground, Kind};
use crate::{ops::Settings, pages::frame::Form};

/// One of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
}

pub fn choice(value: impl Into<String>, label: impl Into<String>) -> Choice {
    Choice { value: value.into(), label: label.into() }
}

fn choices<const N: usize>(all: [(&str, &str); N]) -> Vec<Choice> {
    all.map(|(value, label)| choice(value, label)).into()
}

/// The chroots of one release.
#[derive(Debug, Serialize)]
pub struct Release {
    name: String,
    /// Of the operator.
    comment: String,
    chroots: Vec<Pick>,
}

#[derive(Debug, Serialize)]
struct Pick {
    name: String,
    arch: String,
    checked: bool,
}

/// By release, in the order of the catalogue.
pub fn picks(chroots: &[ProjectChroot], is_checked: impl Fn(&str) -> bool) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    for chroot in chroots {
        let name = chroot.name();
        let pick =
            Pick { name: name.to_string(), arch: name.arch().to_owned(), checked: is_checked(name.as_str()) };
        match releases.iter_mut().find(|release| release.name == name.name_release()) {
            Some(release) => release.chroots.push(pick),
            None => releases.push(Release {
                name: name.name_release().to_owned(),
                comment: chroot.mock.comment.clone(),
                chroots: vec![pick],
            }),
        }
    }
    releases
}

/// Whether a list of a form holds this.
pub fn is_on(form: &Form, name: &str, value: &str) -> bool {
    match form.value(name) {
        Some(serde_json::Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(value)),
        Some(one) => one.as_str() == Some(value),
        None => false,
    }
}

/// The options that every build takes.
#[derive(Debug, Serialize)]
pub struct OptionChoices {
    releases: Vec<Release>,
    chroot_count: usize,
    networks: Vec<Choice>,
    bootstraps: Vec<Choice>,
    isolations: Vec<Choice>,
}

impl OptionChoices {
    /// A form in which nobody has chosen any yet.
    pub fn unchanged() -> Form {
        Form::blank().set("bootstrap", "unchanged").set("isolation", "unchanged")
    }

    pub fn new(ground: &Ground, form: &Form) -> Self {
        let network = if ground.project.settings.enable_net { "on" } else { "off" };
        Self {
            releases: picks(&ground.chroots, |name| is_on(form, "chroots", name)),
            chroot_count: ground.chroots.len(),
            networks: vec![
                choice("", format!("as in the project: {network}")),
                choice("true", "on"),
                choice("false", "off"),
            ],
            bootstraps: choices([
                ("unchanged", "as in the project"),
                ("default", "default of Mock"),
                ("on", "on"),
                ("off", "off"),
                ("image", "container image"),
            ]),
            isolations: choices([
                ("unchanged", "as in the project"),
                ("default", "default of Mock"),
                ("nspawn", "nspawn"),
                ("simple", "simple"),
            ]),
        }
    }
}

/// What the fields of a source offer.
#[derive(Debug, Serialize)]
pub struct SourceChoices {
    scm_types: Vec<Choice>,
    scm_methods: Vec<Choice>,
    distgits: Vec<Choice>,
    generators: Vec<Choice>,
    spec_templates: Vec<Choice>,
    /// Where a custom script may run.
    script_chroots: Vec<Choice>,
}

impl SourceChoices {
    /// At most one statement.
    pub fn load(conn: &mut Conn, kind: Kind, settings: &Settings) -> Result<Self, StoreError> {
        let distgits = settings.distgits.iter().map(|instance| choice(&instance.name, &instance.name));
        Ok(Self {
            scm_types: choices([("git", "Git"), ("svn", "Subversion")]),
            scm_methods: choices([
                ("rpkg", "rpkg"),
                ("tito", "tito, the last tag"),
                ("tito_test", "tito, the last commit"),
                ("make_srpm", "make srpm: .copr/Makefile of the repository"),
            ]),
            distgits: distgits.collect(),
            generators: choices([("pyp2spec", "pyp2spec"), ("pyp2rpm", "pyp2rpm")]),
            spec_templates: choices([
                ("", "default"),
                ("fedora", "Fedora"),
                ("epel7", "EPEL 7"),
                ("mageia", "Mageia"),
                ("pld", "PLD"),
            ]),
            script_chroots: if kind == Kind::Custom { script_chroots(conn)? } else { Vec::new() },
        })
    }
}

fn script_chroots(conn: &mut Conn) -> Result<Vec<Choice>, StoreError> {
    let mut all = vec![choice("fedora-latest-x86_64", "the newest Fedora, x86_64")];
    let active = mock_chroots::list_active(conn)?;
    all.extend(active.iter().map(|chroot| choice(chroot.name.as_str(), chroot.name.as_str())));
    Ok(all)
}
