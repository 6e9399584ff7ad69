//! What a user of the repository does: check signatures, install with the real dnf, run the program.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use coppice_runtime::process;
use tokio::process::Command;

use super::{api::Api, chroot::Chroot};
use crate::ready::Ready;

const DNF_LIMIT: Duration = Duration::from_secs(600);
const CHECK_LIMIT: Duration = Duration::from_secs(60);

/// One project's repository as a customer sees it.
pub struct Shop<'a> {
    pub api: &'a Api,
    pub ready: &'a Ready,
    pub chroot: &'a Chroot,
    pub project: &'static str,
}

impl Shop<'_> {
    /// Downloads every package of the newest builds and checks it with rpm's own tool and only the project's
    /// published key. Returns how many there were.
    pub async fn verify_signatures(&self, work: &Path) -> anyhow::Result<usize> {
        let packages = self.download_packages(work).await?;
        let database = work.join("rpmdb");
        fs::create_dir_all(&database)?;
        let key = work.join("pubkey.gpg");
        fs::write(&key, self.api.fetch(&self.in_project("pubkey.gpg")).await?)?;
        let rpmkeys = || {
            let mut command = Command::new("rpmkeys");
            command.arg("--dbpath").arg(&database).env("LC_ALL", "C");
            command
        };
        let mut import = rpmkeys();
        import.arg("--import").arg(&key);
        process::run(import, CHECK_LIMIT).await.context("importing the project's key")?;
        for package in &packages {
            let mut check = rpmkeys();
            check.args(["--checksig", "--verbose"]).arg(package);
            let said = process::run(check, CHECK_LIMIT)
                .await
                .with_context(|| format!("checking {}", package.display()))?;
            let said = String::from_utf8_lossy(&said);
            ensure!(
                said.contains("Signature") && !said.contains("NOKEY"),
                "{} is not signed:\n{said}",
                package.display()
            );
        }
        Ok(packages.len())
    }

    async fn download_packages(&self, work: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for package in super::PACKAGES {
            let build = self.api.succeeded_build(self.project, package).await?;
            let build = build.with_context(|| format!("{package} has no succeeded build"))?;
            let part = self
                .api
                .get(&format!("build-chroot?build_id={build}&chrootname={}", self.chroot.name))
                .await?;
            let folder = part["result_url"].as_str().context("the build has no result address")?.to_owned();
            let built = self.api.get(&format!("build/built-packages/{build}")).await?;
            for nevra in built[&self.chroot.name]["packages"].as_array().into_iter().flatten() {
                let field = |name: &str| nevra[name].as_str().unwrap_or_default();
                let name = format!(
                    "{}-{}-{}.{}.rpm",
                    field("name"),
                    field("version"),
                    field("release"),
                    field("arch")
                );
                let file = work.join(&name);
                fs::write(&file, self.api.fetch(&format!("{folder}{name}")).await?)?;
                files.push(file);
            }
        }
        Ok(files)
    }

    fn in_project(&self, file: &str) -> String {
        format!("{}/{}/{}/{file}", self.ready.results_url, self.api.owner(), self.project)
    }

    /// What "quick enable" gives: the address of the project's .repo file.
    pub fn repo_file(&self) -> String {
        let name = &self.chroot.name;
        let release = name.rsplit_once('-').map_or(name.as_str(), |(release, _)| release);
        let (owner, project) = (self.api.owner(), self.project);
        let page = format!("{}/coprs/{owner}/{project}", self.ready.url);
        format!("{page}/repo/{release}/{owner}-{project}-{release}.repo")
    }

    /// Installs into a fresh root and returns what the program says there.
    pub async fn install_and_run(&self, package: &str, work: &Path) -> anyhow::Result<String> {
        let root = work.join("root");
        for dir in [&root, &work.join("log")] {
            fs::create_dir_all(dir)?;
        }
        let repos = self.write_repo_files(work).await?;
        // Some distributions keep their own packages' database elsewhere; this root is not theirs.
        fs::write(work.join(".rpmmacros"), "%_dbpath /usr/lib/sysimage/rpm\n")?;
        let mut dnf = in_user_namespace("dnf", work);
        dnf.arg("-y").arg("--installroot").arg(&root).arg("--disableplugin=*");
        for (key, value) in
            [("reposdir", &repos), ("cachedir", &work.join("cache")), ("logdir", &work.join("log"))]
        {
            dnf.arg(format!("--setopt={key}={}", value.display()));
        }
        dnf.args([
            "--setopt=install_weak_deps=0",
            "--setopt=tsflags=nodocs",
            "--releasever=12",
            "install",
            package,
        ]);
        process::run(dnf, DNF_LIMIT).await.with_context(|| format!("installing {package} with dnf"))?;
        let mut program = in_user_namespace("chroot", work);
        program.arg(&root).arg(format!("/usr/bin/{package}"));
        let said = process::run(program, CHECK_LIMIT).await.with_context(|| format!("running {package}"))?;
        // Closed folders of the root would stop the removal of the work folder.
        process::run(removal(&root, work), CHECK_LIMIT).await.context("removing the demo's root")?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// The project's own .repo file, as the frontend gives it, and the distribution's.
    async fn write_repo_files(&self, work: &Path) -> anyhow::Result<PathBuf> {
        let repos = work.join("repos");
        fs::create_dir_all(&repos)?;
        let ours = String::from_utf8(self.api.fetch(&self.repo_file()).await?)?;
        ensure!(ours.contains("gpgcheck=1"), "the .repo file does not ask for signatures:\n{ours}");
        fs::write(repos.join("coppice.repo"), ours)?;
        let base = format!("[base]\nname=Base\nbaseurl={}\ngpgcheck=0\n", self.chroot.base_url);
        fs::write(repos.join("base.repo"), base)?;
        Ok(repos)
    }
}

/// A command that is root in a namespace of its own and nobody outside.
fn in_user_namespace(program: &str, home: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--"]).arg(program).env("HOME", home).env("LC_ALL", "C.UTF-8");
    command
}

fn removal(root: &Path, home: &Path) -> Command {
    let mut command = in_user_namespace("rm", home);
    command.arg("-rf").arg(root);
    command
}
