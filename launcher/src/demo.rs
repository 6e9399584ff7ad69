//! `coppice demo`: the whole way of a package, through the same doors that users have.

mod api;
mod chroot;
mod install;
mod progress;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use coppice_runtime::logging;

use crate::{DataOption, layout::Layout, privileges, ready::Ready};
use api::{Account, Api};

const PROJECT: &str = "hello";
/// In the order of their dependency.
const PACKAGES: [&str; 2] = ["libgreet", "greet"];

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    data: DataOption,
    /// Name of the user to make or to take
    #[arg(long, default_value = "demo")]
    user: String,
}

/// A named list of steps; each says what it did.
pub fn run(options: Options) -> anyhow::Result<()> {
    logging::init();
    let layout = Layout::new(options.data.path()?);
    let ready = Ready::read(&layout)
        .with_context(|| format!("nothing runs on {}: start it with `coppice up`", layout.root.display()))?;
    privileges::drop_root(&layout)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(demonstrate(&options, &layout, &ready))
}

async fn demonstrate(options: &Options, layout: &Layout, ready: &Ready) -> anyhow::Result<()> {
    let work = tempfile::tempdir().context("making a work folder")?;
    let chroot = chroot::ensure(layout).await?;
    let account = Account::make(layout, &options.user).await?;
    let api = Api::new(&ready.url, account)?;
    api.ensure_project(PROJECT, &chroot.name).await?;
    println!("project   {}/coprs/{}/{PROJECT}/", ready.url, options.user);
    for package in PACKAGES {
        build(&api, package, &chroot.name, work.path()).await?;
    }
    let shop = install::Shop { api: &api, ready, chroot: &chroot, project: PROJECT };
    let verified = shop.verify_signatures(work.path()).await?;
    println!("verified  {verified} packages carry the project's signature");
    let said = shop.install_and_run("greet", work.path()).await?;
    println!("installed greet with dnf (gpgcheck=1); it says:\n\n    {said}\n");
    farewell(layout, &shop);
    Ok(())
}

/// Builds one sample unless the project has a succeeded build of it.
async fn build(api: &Api, package: &str, chroot: &str, work: &Path) -> anyhow::Result<()> {
    if let Some(build) = api.succeeded_build(PROJECT, package).await? {
        println!("built     {package} already, as build {build}");
        return Ok(());
    }
    let srpm = sample(package, work)?;
    let build = api.upload(PROJECT, &srpm).await?;
    println!("submitted {package} as build {build}");
    progress::follow(api, build, chroot).await
}

fn sample(package: &str, work: &Path) -> anyhow::Result<PathBuf> {
    coppice_minidistro::samples::srpm(package, work)
        .with_context(|| format!("packing the sources of {package}"))
}

fn farewell(layout: &Layout, shop: &install::Shop<'_>) {
    let data = layout.root.display();
    println!("Look around    {}/coprs/{}/{PROJECT}/", shop.ready.url, shop.api.owner());
    println!("Enable it      dnf config-manager --add-repo {}", shop.repo_file());
    println!("               or, with this hub in /etc/dnf/plugins/copr.conf (the project page shows how):");
    println!("               dnf copr enable {}/{PROJECT} {}", shop.api.owner(), shop.chroot.name);
    println!("Use copr-cli   put this into ~/.config/copr:\n");
    for line in shop.api.account().snippet.lines() {
        println!("    {line}");
    }
    println!("\nStop it        coppice stop --data {data}   (start again: coppice up --data {data})");
}
