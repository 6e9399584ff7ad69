//! `coppice doctor`: what this host lacks, and the command that gets it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::{Uid, User};

use crate::privileges::ACCOUNT;

/// A program that a part of Coppice starts, with the packages that bring it.
struct Need {
    program: &'static str,
    why: &'static str,
    debian: &'static str,
    fedora: &'static str,
}

const NEEDS: [Need; 9] = [
    Need {
        program: "redis-server",
        why: "messages between services",
        debian: "redis-server",
        fedora: "valkey",
    },
    Need { program: "git", why: "DistGit and its clones", debian: "git", fedora: "git-core" },
    Need { program: "gpg", why: "the projects' keys", debian: "gnupg", fedora: "gnupg2" },
    Need {
        program: "rpmkeys",
        why: "checking signatures before they are published",
        debian: "rpm",
        fedora: "rpm",
    },
    Need { program: "rpmbuild", why: "building in a sandbox", debian: "rpm", fedora: "rpm-build" },
    Need { program: "dnf", why: "making build roots", debian: "dnf", fedora: "dnf" },
    Need { program: "bwrap", why: "the sandbox", debian: "bubblewrap", fedora: "bubblewrap" },
    Need {
        program: "newuidmap",
        why: "other user ids inside the sandbox",
        debian: "uidmap",
        fedora: "shadow-utils",
    },
    Need {
        program: "unshare",
        why: "private mounts for build roots",
        debian: "util-linux",
        fedora: "util-linux-core",
    },
];

/// Prints one line a finding; an error when something is missing.
pub fn run() -> anyhow::Result<()> {
    let findings: Vec<Finding> = NEEDS.iter().map(program).chain(host()).collect();
    for finding in &findings {
        println!("{finding}");
    }
    let missing = findings.iter().filter(|finding| finding.cure.is_some()).count();
    anyhow::ensure!(
        missing == 0,
        "{missing} of {} things are missing; tools/quickstart installs them",
        findings.len()
    );
    println!("This host has all that Coppice needs.");
    Ok(())
}

struct Finding {
    what: String,
    /// How to get it; `None` when it is there.
    cure: Option<String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.cure {
            None => write!(f, "ok       {}", self.what),
            Some(cure) => write!(f, "MISSING  {}\n         {cure}", self.what),
        }
    }
}

fn program(need: &Need) -> Finding {
    let found = match need.program {
        "redis-server" => crate::redis_server::program(),
        name => find_program(name),
    };
    let what = format!("{:<13} {}", need.program, need.why);
    let cure = found.is_none().then(|| install(need));
    Finding { what, cure }
}

fn install(need: &Need) -> String {
    if find_program("apt-get").is_some() {
        format!("apt-get install {}", need.debian)
    } else {
        format!("dnf install {}", need.fedora)
    }
}

/// The kernel's side, and the account for an instance of root's.
fn host() -> Vec<Finding> {
    let mut findings = vec![Finding {
        what: "user namespaces for plain users".into(),
        cure: (!has_user_namespaces()).then(|| {
            "sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 (and allow them in AppArmor)".into()
        }),
    }];
    let root = Uid::effective().is_root();
    let account = if root { Some(ACCOUNT.to_owned()) } else { own_name() };
    let account = account.unwrap_or_else(|| Uid::effective().to_string());
    if root {
        let exists = User::from_name(ACCOUNT).ok().flatten().is_some();
        findings.push(Finding {
            what: format!("account {ACCOUNT}, so that nothing runs as root"),
            cure: (!exists).then(|| format!("useradd --system --create-home {ACCOUNT}")),
        });
    }
    findings.push(Finding {
        what: format!("a range of other user ids for {account}"),
        cure: (!has_subuids(&account)).then(|| {
            format!("usermod --add-subuids 1000000-1065535 --add-subgids 1000000-1065535 {account}")
        }),
    });
    findings
}

fn own_name() -> Option<String> {
    User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name)
}

fn has_user_namespaces() -> bool {
    Command::new("unshare").args(["--user", "--map-root-user", "true"]).status().is_ok_and(|s| s.success())
}

fn has_subuids(account: &str) -> bool {
    let listed = |file: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| line.split(':').next() == Some(account))
    };
    listed("/etc/subuid") && listed("/etc/subgid")
}

/// A program on the search path or where administrators' programs are.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
