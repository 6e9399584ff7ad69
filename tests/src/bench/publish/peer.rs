//! createrepo_c as Copr runs it, and what a run cost.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, ensure};

use crate::usage::{Usage, of_children};

/// The flags of Copr's backend; `--general-compress-type` is added.
const FLAGS: [&str; 6] = ["--quiet", "--no-database", "--ignore-lock", "--local-sqlite", "--workers", "8"];

pub struct Peer {
    repository: PathBuf,
    cache: PathBuf,
    compression: &'static str,
}

impl Peer {
    pub fn new(repository: PathBuf, compression: &'static str) -> anyhow::Result<Self> {
        let cache = repository.with_extension(format!("cache-{compression}"));
        fs::create_dir_all(&cache)?;
        Ok(Self { repository, cache, compression })
    }

    /// Everything anew.
    pub fn scan(&self) -> anyhow::Result<Usage> {
        fs::remove_dir_all(self.repository.join("repodata")).ok();
        fs::remove_dir_all(&self.cache)?;
        fs::create_dir_all(&self.cache)?;
        self.run(&[])
    }

    /// What one build adds.
    pub fn add(&self, build: &str) -> anyhow::Result<Usage> {
        let list = self.repository.with_extension("pkglist");
        let mut packages = String::new();
        for entry in fs::read_dir(self.repository.join(build))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rpm") {
                packages.push_str(&format!("{build}/{name}\n"));
            }
        }
        fs::write(&list, packages)?;
        let list = list.display().to_string();
        self.run(&["--update", "--skip-stat", "--recycle-pkglist", "--pkglist", &list])
    }

    fn run(&self, more: &[&str]) -> anyhow::Result<Usage> {
        let program = std::env::var_os("COPPICE_CREATEREPO_C")
            .context("COPPICE_CREATEREPO_C names createrepo_c 1.2: run this by tools/bench")?;
        let (before, started) = (of_children()?, Instant::now());
        let mut command = Command::new(program);
        command.args(FLAGS).arg("--cachedir").arg(&self.cache);
        command.arg(format!("--general-compress-type={}", self.compression)).args(more);
        let output = command.arg(&self.repository).output()?;
        ensure!(output.status.success(), "createrepo_c: {}", String::from_utf8_lossy(&output.stderr));
        Ok(of_children()?.since(&before, started))
    }

    pub fn repodata(&self) -> PathBuf {
        self.repository.join("repodata")
    }
}

/// Bytes of primary, filelists and other that `repomd.xml` names.
pub fn index_bytes(repodata: &Path) -> anyhow::Result<u64> {
    let repomd = fs::read_to_string(repodata.join("repomd.xml"))?;
    let files = repomd.split("href=\"repodata/").skip(1).filter_map(|rest| rest.split('"').next());
    let wanted = |name: &&str| ["-primary.", "-filelists.", "-other."].iter().any(|kind| name.contains(kind));
    let sizes = files.filter(wanted).map(|name| Ok(fs::metadata(repodata.join(name))?.len()));
    let sizes = sizes.collect::<anyhow::Result<Vec<u64>>>()?;
    ensure!(sizes.len() == 3, "{} names {} index files", repodata.display(), sizes.len());
    Ok(sizes.into_iter().sum())
}
