//! Real packages, made by the host's rpmbuild.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use coppice_backend::results::Staged;
use coppice_model::{
    agent::{AttemptOutcome, Finish, SentFile},
    package::Nevra,
};
use tempfile::TempDir;

/// What a spec file says; the rest is the same for all.
#[derive(Debug, Clone)]
pub struct Spec {
    pub name: &'static str,
    pub epoch: Option<u32>,
    pub version: &'static str,
    pub release: &'static str,
}

pub const HELLO: Spec = Spec { name: "hello", epoch: None, version: "1.0", release: "1.fc43" };

impl Spec {
    fn text(&self) -> String {
        let Self { name, version, release, .. } = self;
        let epoch = self.epoch.map(|epoch| format!("Epoch: {epoch}\n")).unwrap_or_default();
        format!(
            "Name: {name}\n{epoch}Version: {version}\nRelease: {release}\nSummary: A greeting & <more>\n\
             License: MIT\n%global debug_package %{{nil}}\n%description\nGrüße.\n\
             %package data\nSummary: Data\nBuildArch: noarch\n%description data\nData.\n\
             %install\nmkdir -p %{{buildroot}}/usr/share/{name} %{{buildroot}}/usr/bin\n\
             printf '#!/bin/sh\\necho {name} {version}\\n' > %{{buildroot}}/usr/bin/{name}\n\
             chmod 755 %{{buildroot}}/usr/bin/{name}\necho text > %{{buildroot}}/usr/share/{name}/text\n\
             %files\n/usr/bin/{name}\n%files data\n/usr/share/{name}\n\
             %changelog\n* Mon Jan 05 2026 Alice <alice@example.com> - {version}-{release}\n- First\n"
        )
    }
}

/// A folder with everything that `rpmbuild -ba` made of a spec, spec and a log included.
pub fn build(spec: &Spec, defines: &[&str]) -> TempDir {
    build_text(spec.name, &spec.text(), defines)
}

/// The same of a whole spec file; what it wants for its build need not be installed.
pub fn build_text(name: &str, text: &str, defines: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (top, spec_file) = (dir.path().join("top"), dir.path().join(format!("{name}.spec")));
    fs::write(&spec_file, text).unwrap();
    let mut command = Command::new("rpmbuild");
    command
        .args(["-ba", "--nodeps"])
        .arg(&spec_file)
        .arg("--define")
        .arg(format!("_topdir {}", top.display()));
    command.args(["--define", "_build_id_links none", "--define", "__os_install_post true"]);
    for define in defines {
        command.arg("--define").arg(define);
    }
    let output = command.env("HOME", &top).output().expect("rpmbuild is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for rpm in rpms_below(&top) {
        fs::rename(&rpm, dir.path().join(rpm.file_name().unwrap())).unwrap();
    }
    fs::remove_dir_all(&top).unwrap();
    fs::write(dir.path().join("build.log"), "+ make\n").unwrap();
    dir
}

fn rpms_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rpms_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "rpm") {
            found.push(path);
        }
    }
    found
}

/// What a builder sends for the usual package.
pub fn hello() -> Sent {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    Sent::copy_of(BUILT.get_or_init(|| build(&HELLO, &[])).path())
}

/// Files of a finished attempt, in a staging folder of their own.
pub struct Sent {
    pub dir: TempDir,
}

impl Sent {
    pub fn copy_of(dir: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        Self { dir: copy }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn add(&self, file: &Path) {
        fs::copy(file, self.path(&file.file_name().unwrap().to_string_lossy())).unwrap();
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    pub fn staged(&self) -> Staged {
        let file = |name: String| {
            let size = fs::metadata(self.path(&name)).unwrap().len();
            SentFile { name: name.try_into().unwrap(), size, sha256: String::new() }
        };
        let files = self.names().into_iter().map(file).collect();
        let buildroot = vec![Nevra {
            name: "bash".into(),
            epoch: None,
            version: "5.2".into(),
            release: "1".into(),
            arch: ARCH.into(),
        }];
        let finish = Finish { outcome: AttemptOutcome::Succeeded, files, buildroot };
        Staged { dir: self.dir.path().to_owned(), finish, received: BTreeMap::new() }
    }
}

pub const ARCH: &str = std::env::consts::ARCH;

pub fn file(name: &str, arch: &str) -> String {
    format!("{name}-1.0-1.fc43.{arch}.rpm")
}
