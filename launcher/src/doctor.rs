//! `coppice doctor`: what this host lacks, and the command that gets it.

use std::{fs, process::Command};

use nix::unistd::{Uid, User};

use crate::{privileges::ACCOUNT, programs::find_program, redis_server};

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
        "redis-server" => redis_server::program(),
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

/// What is no program of its own: the kernel's side, a plugin, the account for an instance of root's.
fn host() -> Vec<Finding> {
    let mut findings = vec![builddep(), user_namespaces(), overlays()];
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

fn builddep() -> Finding {
    let answers =
        find_program("dnf").is_some_and(|dnf| succeeds(&dnf.display().to_string(), &["builddep", "--help"]));
    Finding {
        what: "dnf builddep   installing what a build requires".into(),
        cure: (!answers).then(|| {
            let install = if find_program("apt-get").is_some() { "apt-get" } else { "dnf" };
            format!("{install} install dnf-plugins-core")
        }),
    }
}

fn user_namespaces() -> Finding {
    let allowed = succeeds("unshare", &["--user", "--map-root-user", "true"]);
    Finding {
        what: "user namespaces for plain users".into(),
        cure: (!allowed).then(|| {
            "sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 (and allow them in AppArmor)"
                .into()
        }),
    }
}

/// Linux allows it since 5.11.
fn overlays() -> Finding {
    let script = "d=$(mktemp -d) && mount -t tmpfs none \"$d\" && mkdir \"$d\"/l \"$d\"/u \"$d\"/w \"$d\"/m && \
                  mount -t overlay -o lowerdir=\"$d\"/l,upperdir=\"$d\"/u,workdir=\"$d\"/w,userxattr none \"$d\"/m && \
                  umount \"$d\"/m \"$d\" && rmdir \"$d\"";
    let allowed = succeeds("unshare", &["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    Finding {
        what: "overlay file systems inside of them".into(),
        cure: (!allowed).then(|| "use Linux 5.11 or newer, and `modprobe overlay`".into()),
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let silent = std::process::Stdio::null;
    let run = Command::new(program).args(arguments).stdout(silent()).stderr(silent()).status();
    run.is_ok_and(|status| status.success())
}

fn own_name() -> Option<String> {
    User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name)
}

fn has_subuids(account: &str) -> bool {
    let listed = |file: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| line.split(':').next() == Some(account))
    };
    listed("/etc/subuid") && listed("/etc/subgid")
}
