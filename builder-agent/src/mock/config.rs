//! The generated Mock configuration. It is Python that Mock runs and expands as a template, so every value
//! is quoted and nothing that could be expanded is let in.

use std::fs;

use coppice_model::{chroot::Runner, package::Nevra};
use serde::Serialize;
use tera::{Context, Tera};

use crate::{
    repositories::{self, RepositoryError},
    runner::Order,
};

const TEMPLATE: &str = include_str!("../../../templates/mock/child.cfg");
const NAME: &str = "child.cfg";

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("filling the template")]
    Template(#[from] tera::Error),
    #[error("listing repositories")]
    Repository(#[from] RepositoryError),
    #[error("{0:?} cannot stand in a Mock configuration")]
    Unsafe(String),
    #[error("reading the operator's additional configuration")]
    Extra(#[source] std::io::Error),
}

/// What the template is filled with; every text is a finished Python literal.
#[derive(Debug, Serialize)]
struct Values {
    include: Option<String>,
    root: String,
    target_arch: String,
    releasever: String,
    setup_command: String,
    chroot_repositories: String,
    project_repositories: String,
    additional_packages: Option<String>,
    modules: Vec<(String, String)>,
    macros: Vec<(String, String)>,
    isolation: Option<String>,
    bootstrap: Option<&'static str>,
    bootstrap_image: Option<&'static str>,
    bootstrap_image_name: Option<String>,
    networking: &'static str,
    extra: String,
}

pub fn render(order: Order<'_>) -> Result<String, ConfigError> {
    let extra = match &order.task.settings.mock_extra {
        Some(path) => fs::read_to_string(path).map_err(ConfigError::Extra)?,
        None => String::new(),
    };
    fill(&values(order.environment, &order.macros(), extra)?)
}

fn fill(values: &Values) -> Result<String, ConfigError> {
    let mut tera = Tera::new();
    tera.add_raw_template(NAME, TEMPLATE)?;
    Ok(tera.render(NAME, &Context::from_serialize(values)?)?)
}

fn values(
    environment: &coppice_model::chroot::Environment,
    macros: &[(String, String)],
    extra: String,
) -> Result<Values, ConfigError> {
    let chroot = &environment.chroot;
    let include = match &chroot.runner {
        Runner::Mock { config: Some(name) } => Some(literal(&format!("/etc/mock/{name}.cfg"))?),
        _ => None,
    };
    let packages = environment.additional_packages.join(" ");
    let macros = macros.iter().map(|(name, value)| Ok((literal(&format!("%{name}"))?, literal(value)?)));
    let isolation = Some(environment.isolation.as_str()).filter(|name| matches!(*name, "nspawn" | "simple"));
    let (bootstrap, bootstrap_image) = bootstrap(&environment.bootstrap);
    let image = environment.bootstrap_image.as_deref().filter(|_| environment.bootstrap == "custom_image");
    Ok(Values {
        include,
        root: literal(&format!("coppice-{}", chroot.name))?,
        target_arch: literal(chroot.name.arch())?,
        releasever: literal(chroot.name.release())?,
        setup_command: literal(&format!("install {}", chroot.setup_packages.join(" ")))?,
        chroot_repositories: multi_line(&repositories::sections(&chroot.repositories)?)?,
        project_repositories: multi_line(&repositories::sections(&environment.repositories)?)?,
        additional_packages: (!packages.is_empty()).then(|| literal(&packages)).transpose()?,
        modules: modules(&environment.additional_modules)?,
        macros: macros.collect::<Result<_, ConfigError>>()?,
        isolation: isolation.map(literal).transpose()?,
        bootstrap,
        bootstrap_image,
        bootstrap_image_name: image.map(literal).transpose()?,
        networking: if environment.enable_net { "True" } else { "False" },
        extra,
    })
}

/// Whether to use a bootstrap chroot, and whether from an image; nothing leaves it to Mock.
fn bootstrap(choice: &str) -> (Option<&'static str>, Option<&'static str>) {
    match choice {
        "on" => (Some("True"), Some("False")),
        "off" => (Some("False"), Some("False")),
        "image" | "custom_image" => (Some("True"), Some("True")),
        _ => (None, None),
    }
}

fn modules(names: &[String]) -> Result<Vec<(String, String)>, ConfigError> {
    let one = |name: &String| {
        // Copr splits at blanks only, so a comma may stay.
        let name = name.trim_end_matches(',');
        let (verb, name) = name.strip_prefix('!').map_or(("enable", name), |name| ("disable", name));
        Ok((literal(verb)?, literal(name)?))
    };
    names.iter().map(one).collect()
}

/// A Python string. JSON's form is a subset of Python's for everything that passes.
fn literal(text: &str) -> Result<String, ConfigError> {
    if text.chars().any(char::is_control) {
        return Err(ConfigError::Unsafe(text.to_owned()));
    }
    quoted(text)
}

fn multi_line(text: &str) -> Result<String, ConfigError> {
    quoted(text)
}

/// Mock expands `{{ … }}`, `{% … %}` and lines that begin with `include(` even inside of strings.
fn quoted(text: &str) -> Result<String, ConfigError> {
    let expands = ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark));
    let includes = text.lines().any(|line| line.trim_start().starts_with("include("));
    if expands || includes {
        return Err(ConfigError::Unsafe(text.chars().take(200).collect()));
    }
    Ok(serde_json::Value::from(text).to_string())
}

/// Mock's `installed_pkgs.log`: one package per line, first of several words.
pub fn parse_installed(text: &str) -> Vec<Nevra> {
    text.lines().filter_map(|line| installed(line.split_whitespace().next()?)).collect()
}

fn installed(word: &str) -> Option<Nevra> {
    let (rest, arch) = word.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, version)) => (epoch.parse().ok(), version),
        None => (None, version),
    };
    (name != "gpg-pubkey").then(|| Nevra {
        name: name.to_owned(),
        epoch,
        version: version.to_owned(),
        release: release.to_owned(),
        arch: arch.to_owned(),
    })
}

#[cfg(test)]
mod tests;
