//! The catalogue of chroots.

use std::path::Path;

use clap::{Args, ValueEnum};
use coppice_model::{
    ChrootName, UnixTime,
    chroot::{ChrootDefinition, Repository, Runner},
};
use coppice_store::{Conn, MockChroot, mock_chroots, mock_chroots::NewMockChroot, project_chroots};
use serde::Deserialize;

use super::ManageError;
use crate::calendar::date;

#[derive(Debug, Clone, Args, Deserialize)]
pub struct ChrootAdd {
    /// `NAME-RELEASE-ARCH`, for example `fedora-43-x86_64`.
    pub name: String,
    #[arg(long, value_enum)]
    pub runner: RunnerName,
    /// A configuration of mock-core-configs, without `.cfg`.
    #[arg(long)]
    #[serde(default)]
    pub mock_config: Option<String>,
    /// A repository of the distribution, `ID=URL`; may be repeated.
    #[arg(long = "repo", value_name = "ID=URL")]
    #[serde(default)]
    pub repos: Vec<String>,
    /// What every root holds, `@group` or a package; may be repeated.
    #[arg(long = "setup", value_name = "PKG")]
    #[serde(default)]
    pub setup: Vec<String>,
    /// The DistGit branch; without it taken from the name.
    #[arg(long)]
    #[serde(default)]
    pub branch: Option<String>,
    /// Shown to users in the list of chroots.
    #[arg(long, default_value = "")]
    #[serde(default)]
    pub comment: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunnerName {
    Sandbox,
    Mock,
}

/// A file of chroots.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    #[serde(default)]
    chroot: Vec<Templated>,
}

#[derive(Debug, Deserialize)]
struct Templated {
    #[serde(flatten)]
    add: ChrootAdd,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

pub(super) fn read_template(path: &Path) -> Result<Template, ManageError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManageError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|e| ManageError::Refused(format!("{}: {e}", path.display())))
}

pub(super) fn add_all(tx: &mut Conn, all: &Template) -> Result<String, ManageError> {
    let mut text = String::new();
    for Templated { add: chroot, active } in &all.chroot {
        text.push_str(&add(tx, chroot)?);
        if !active {
            text.push_str(&activate(tx, &chroot.name, false)?);
        }
    }
    Ok(text)
}

pub(super) fn add(tx: &mut Conn, add: &ChrootAdd) -> Result<String, ManageError> {
    let name: ChrootName = add.name.parse().map_err(|e| ManageError::Refused(format!("{e}")))?;
    let new = NewMockChroot {
        comment: add.comment.clone(),
        branch: add.branch.clone().unwrap_or_else(|| branch(&name)),
        definition: definition(&name, add)?,
    };
    match mock_chroots::find(tx, name.as_str())? {
        None => {
            mock_chroots::insert(tx, &new)?;
            Ok(format!("chroot {name} was added\n"))
        }
        Some(known) => {
            mock_chroots::update(tx, known.id, &new)?;
            project_chroots::forget_ends(tx, &known)?;
            Ok(format!("chroot {name} exists and was updated\n"))
        }
    }
}

fn definition(name: &ChrootName, add: &ChrootAdd) -> Result<ChrootDefinition, ManageError> {
    let refused = |text: &str| Err(ManageError::Refused(text.to_owned()));
    let runner = match add.runner {
        RunnerName::Mock => Runner::Mock { config: add.mock_config.clone() },
        RunnerName::Sandbox if add.mock_config.is_some() => {
            return refused("--mock-config needs --runner mock");
        }
        RunnerName::Sandbox => Runner::Sandbox,
    };
    let repositories: Vec<Repository> =
        add.repos.iter().map(|text| repository(text)).collect::<Result<_, _>>()?;
    if repositories.is_empty() && add.mock_config.is_none() {
        return refused("give at least one --repo ID=URL, or --runner mock with --mock-config");
    }
    Ok(ChrootDefinition { name: name.clone(), runner, repositories, setup_packages: add.setup.clone() })
}

fn repository(text: &str) -> Result<Repository, ManageError> {
    let wrong = || ManageError::Refused(format!("{text:?} is not a repository: use ID=URL"));
    let (id, url) = text.split_once('=').ok_or_else(wrong)?;
    let id_ok = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c));
    let url_ok = ["http://", "https://", "file:///"].iter().any(|scheme| url.starts_with(scheme));
    if !id_ok || !url_ok {
        return Err(wrong());
    }
    Ok(Repository {
        id: id.to_owned(),
        name: id.to_owned(),
        baseurl: url.to_owned(),
        priority: None,
        module_hotfixes: None,
        repo_gpgcheck: None,
    })
}

/// Names of branches as Fedora's DistGit has them; other distributions use their name and release.
pub(super) fn branch(chroot: &ChrootName) -> String {
    let release = chroot.release();
    match chroot.distribution() {
        "fedora" if release == "rawhide" => "rawhide".to_owned(),
        "fedora" => format!("f{release}"),
        "epel" => format!("epel{release}"),
        "centos-stream" => format!("c{release}s"),
        _ => chroot.name_release().to_owned(),
    }
}

pub(super) fn list(conn: &mut Conn) -> Result<String, ManageError> {
    let mut text = String::new();
    for chroot in mock_chroots::list(conn)? {
        let state = if chroot.is_active { "active" } else { "inactive" };
        let runner = match &chroot.definition.runner {
            Runner::Sandbox => "sandbox",
            Runner::Mock { .. } => "mock",
        };
        text.push_str(&format!(
            "{}\t{state}\t{runner}\t{}\t{}\n",
            chroot.name, chroot.branch, chroot.comment
        ));
    }
    Ok(text)
}

pub(super) fn activate(tx: &mut Conn, name: &str, is_active: bool) -> Result<String, ManageError> {
    let chroot = known(tx, name)?;
    mock_chroots::update_active(tx, chroot.id, is_active)?;
    if is_active {
        project_chroots::forget_ends(tx, &chroot)?;
    }
    let state = if is_active { "active" } else { "inactive" };
    Ok(format!("chroot {name} is {state}\n"))
}

/// Nothing that was built goes: users would have to be told before.
pub(super) fn end(tx: &mut Conn, name: &str, now: UnixTime) -> Result<String, ManageError> {
    activate(tx, name, false)?;
    comment(tx, name, &format!("EOL since {}", date(now)))
}

pub(super) fn comment(tx: &mut Conn, name: &str, text: &str) -> Result<String, ManageError> {
    let chroot = known(tx, name)?;
    mock_chroots::update_comment(tx, chroot.id, text)?;
    Ok(format!("chroot {name} has the comment {text:?}\n"))
}

fn known(tx: &mut Conn, name: &str) -> Result<MockChroot, ManageError> {
    let found = mock_chroots::find(tx, name)?;
    found.ok_or_else(|| ManageError::Refused(format!("there is no chroot {name}")))
}
