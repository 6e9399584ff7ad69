//! A chroot to build for: one that the instance has, the host's own distribution, or the small one.

use std::{fs, path::PathBuf};

use anyhow::Context;

use super::api::manage;
use crate::{layout::Layout, programs::find_program};

pub const MINI: &str = "mini-12-x86_64";

/// A chroot and where its packages come from.
pub struct Chroot {
    pub name: String,
    /// The distribution's repository, for the demo's own dnf.
    pub base_url: String,
}

/// Fedora hosts build for themselves; everywhere else the small distribution is made once.
pub async fn ensure(layout: &Layout) -> anyhow::Result<Chroot> {
    match fedora_release() {
        Some(release) => fedora(layout, &release).await,
        None => mini(layout).await,
    }
}

async fn mini(layout: &Layout) -> anyhow::Result<Chroot> {
    let options = coppice_minidistro::Options::cached(layout.root.join("cache/minidistro"));
    let make = move || coppice_minidistro::make(&options, &|line| println!("distro    {line}"));
    let distro = tokio::task::spawn_blocking(make).await?.context("making the small distribution")?;
    let base_url = format!("file://{}", distro.repo.display());
    let repo = format!("base={base_url}");
    manage(layout, &["chroot-add", MINI, "--runner", "sandbox", "--repo", &repo, "--setup", "@build"])
        .await?;
    Ok(Chroot { name: MINI.into(), base_url })
}

async fn fedora(layout: &Layout, release: &str) -> anyhow::Result<Chroot> {
    let arch = std::env::consts::ARCH;
    let name = format!("fedora-{release}-{arch}");
    let base_url = format!(
        "https://download.fedoraproject.org/pub/fedora/linux/releases/{release}/Everything/{arch}/os/"
    );
    let repo = format!("base={base_url}");
    let mut arguments = vec!["chroot-add", &name, "--repo", &repo, "--setup", "@buildsys-build"];
    if find_program("mock").is_some() {
        arguments.extend(["--runner", "mock", "--mock-config", &name]);
    } else {
        arguments.extend(["--runner", "sandbox"]);
    }
    manage(layout, &arguments).await?;
    Ok(Chroot { name, base_url })
}

/// `43` on Fedora 43 (os-release(5)).
fn fedora_release() -> Option<String> {
    let text = fs::read_to_string(PathBuf::from("/etc/os-release")).ok()?;
    let value = |key: &str| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix(key)?.strip_prefix('=')?.trim_matches('"').to_owned()))
    };
    value("VERSION_ID").filter(|_| value("ID").as_deref() == Some("fedora"))
}
