//! Nothing runs as root: started by root, the program becomes the user `coppice` and starts itself anew.

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use anyhow::Context;
use nix::unistd::{Uid, User, chown, setgid, setgroups, setuid};

use crate::layout::Layout;

/// The account that an instance of root's runs under; `tools/quickstart` makes it.
pub const ACCOUNT: &str = "coppice";

/// Returns at once for a plain user. For root: gives the data folder to the account, puts this program
/// into it (root's own folders may be closed to others), and goes on there as the account.
pub fn drop_root(layout: &Layout) -> anyhow::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let user = User::from_name(ACCOUNT)?.with_context(|| {
        format!(
            "the account {ACCOUNT} is missing: run tools/quickstart, which makes it, or start as a plain user"
        )
    })?;
    fs::create_dir_all(layout.root.join("bin"))?;
    fs::create_dir_all(layout.root.join("run"))?;
    install_self(layout)?;
    for folder in ["", "bin", "run"] {
        chown(&layout.root.join(folder), Some(user.uid), Some(user.gid))?;
    }
    setgroups(&[user.gid]).context("leaving root's groups")?;
    setgid(user.gid).context("leaving root's group")?;
    setuid(user.uid).context("leaving root")?;
    std::env::set_current_dir(&layout.root)?;
    let failed = Command::new(layout.binary())
        .args(std::env::args_os().skip(1))
        .env("COPPICE_DATA", &layout.root)
        .env("HOME", &layout.root)
        .env("USER", ACCOUNT)
        .env("LOGNAME", ACCOUNT)
        .env_remove("XDG_RUNTIME_DIR")
        .exec();
    Err(failed).context("starting anew as the account coppice")
}

/// Copies this program to the instance's folder, unless it runs from there.
pub fn install_self(layout: &Layout) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let target = layout.binary();
    if same_file(&own, &target)? {
        return Ok(());
    }
    let fresh = target.with_extension("new");
    fs::copy(&own, &fresh).with_context(|| format!("copying this program to {}", fresh.display()))?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
    // A rename leaves a running copy of the old program untouched.
    fs::rename(&fresh, &target).with_context(|| format!("installing {}", target.display()))
}

fn same_file(one: &Path, other: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let Ok(other) = fs::metadata(other) else { return Ok(false) };
    let one = fs::metadata(one)?;
    Ok(one.ino() == other.ino() && one.dev() == other.dev())
}
