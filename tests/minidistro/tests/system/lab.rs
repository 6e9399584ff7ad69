//! Real dnf and rpmbuild around a made distribution: install from outside, build inside a sandbox.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use coppice_minidistro::{DBPATH, Distro, Options, make};

/// Who builds where the test runs as root: the sandbox must never be started as root itself.
const NOBODY: u32 = 65534;

pub struct Lab {
    folder: tempfile::TempDir,
    pub distro: Distro,
}

pub fn cache() -> PathBuf {
    std::env::var_os("COPPICE_MINIDISTRO_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("minidistro"), PathBuf::from)
}

/// The distribution, or none with a word on the terminal where this machine cannot make it.
pub fn distro() -> Option<Distro> {
    match make(&Options::cached(cache()), &|line| eprintln!("{line}")) {
        Ok(distro) => Some(distro),
        Err(reason) if reason.is_unsupported() => {
            eprintln!("SKIPPED: {reason}");
            None
        }
        Err(error) => panic!("{:#}", anyhow::Error::from(error)),
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// How a program ended, and all it wrote.
pub struct Ended {
    pub ok: bool,
    pub text: String,
    command: String,
}

impl Ended {
    pub fn expect_ok(self) -> String {
        assert!(self.ok, "{}\n{}", self.command, self.text);
        self.text
    }
}

fn ended(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
    let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ended { ok: status.success(), text, command: format!("{command:?}") }
}

impl Lab {
    /// None, with a word on the terminal, where a tool is missing or may not do its work.
    pub fn open() -> Option<Self> {
        let distro = distro()?;
        for probe in [vec!["dnf", "--version"], vec!["rpmbuild", "--version"], sandbox_probe()] {
            let worked = Command::new(probe[0]).args(&probe[1..]).output().is_ok_and(|o| o.status.success());
            if !worked {
                eprintln!("SKIPPED: `{}` does not work on this machine", probe.join(" "));
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        // The unprivileged builder must get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join(".rpmmacros"), format!("%_dbpath {DBPATH}\n")).unwrap();
        Some(Self { folder, distro })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder that the builder may write to.
    pub fn build_folder(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        if is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        folder
    }

    /// Runs dnf on a root with the distribution's repository and, if given, one of results.
    pub fn dnf(&self, root: &Path, results: Option<&Path>, args: &[&str]) -> Ended {
        let mut config = format!(
            "[main]\ngpgcheck=0\nreposdir=/dev/null\ninstall_weak_deps=0\n\
             cachedir={cache}\npersistdir={cache}\nlogdir={cache}\n",
            cache = self.path("dnf").display(),
        );
        for (name, repo) in [("mini", Some(self.distro.repo.as_path())), ("results", results)] {
            let Some(repo) = repo else { continue };
            config +=
                &format!("[{name}]\nname={name}\nbaseurl=file://{}\nmetadata_expire=0\n", repo.display());
        }
        let config_file = self.path("dnf.conf");
        fs::write(&config_file, config).unwrap();
        let mut command = self.as_root("dnf");
        // Debian's dnf has the `local` plugin switched on, which copies every package aside.
        command.args(["-y", "--disableplugin=local", "--releasever=12", "-c"]).arg(config_file);
        ended(command.arg("--installroot").arg(root).args(args))
    }

    pub fn rpm(&self, root: &Path, args: &[&str]) -> Ended {
        ended(self.as_root("rpm").arg("--root").arg(root).args(args))
    }

    /// As root, or as what looks like root in a user namespace of our own.
    fn as_root(&self, program: &str) -> Command {
        let mut command = if is_root() {
            Command::new(program)
        } else {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", program]);
            command
        };
        command.env("HOME", self.path("home")).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs a command inside the root: no network, own processes, all read-only but the folder.
    pub fn inside(&self, root: &Path, folder: &Path, args: &[&str]) -> Ended {
        let mut command = unprivileged();
        command.args(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
        command.arg("--ro-bind").arg(root).arg("/");
        command.args(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]);
        command.args(["--tmpfs", "/home", "--bind"]).arg(folder).arg("/home/build");
        command.args(["--setenv", "HOME", "/home/build", "--setenv", "PATH", "/usr/bin:/usr/sbin"]);
        command.args(["--setenv", "LC_ALL", "C.UTF-8", "--chdir", "/home/build"]);
        ended(command.args(args))
    }
}

fn unprivileged() -> Command {
    let mut command = Command::new(if is_root() { "setpriv" } else { "bwrap" });
    if is_root() {
        let id = NOBODY.to_string();
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--no-new-privs", "bwrap"]);
    }
    command
}

fn sandbox_probe() -> Vec<&'static str> {
    let probe = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"];
    let drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    if is_root() { drop.into_iter().chain(probe).collect() } else { probe.to_vec() }
}
