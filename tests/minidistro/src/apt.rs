//! Debian packages by `apt-get download`: as any user, into a private folder, nothing installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::data;
use crate::error::Error;

/// One line per package: file name with version, and its digest as the signed lists have it.
pub type Plan = Vec<String>;

/// What apt would download now. Asks no network unless lists are missing and we may fetch them.
pub fn plan(private: &Path, progress: &dyn Fn(&str)) -> Result<Plan, Error> {
    ensure_supported()?;
    match try_plan(private) {
        Err(Error::NoLists(_)) if is_root() => {
            progress("apt has no package lists: apt-get update");
            update()?;
            try_plan(private)
        }
        other => other,
    }
}

/// The debs of the plan into `folder`, each verified by apt against its signed lists.
/// Comes back with the plan that was carried out: the given one unless the lists were too old.
pub fn download(plan: Plan, folder: &Path, private: &Path) -> Result<Plan, Error> {
    let mut apt = apt_get();
    apt.current_dir(folder).args(["-qq", "download"]).args(data::words(data::PACKAGES));
    match run(&mut apt) {
        Ok(_) => Ok(plan),
        // Old lists name files that the mirror no longer has.
        Err(Error::Failed { message, .. }) if is_root() && message.contains("404") => {
            update()?;
            run(&mut apt)?;
            try_plan(private)
        }
        Err(error) => Err(error),
    }
}

fn try_plan(private: &Path) -> Result<Plan, Error> {
    // An archive folder of our own: apt does not print what already lies in its usual one.
    let archives = private.join("archives");
    let partial = archives.join("partial");
    fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
    let mut apt = apt_get();
    apt.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
    apt.args(["-qq", "download", "--print-uris"]).args(data::words(data::PACKAGES));
    let printed = match run(&mut apt) {
        Err(Error::Failed { message, .. }) if is_about_lists(&message) => {
            // One line for each package; the first says it all.
            Err(Error::NoLists(message.lines().next().unwrap_or_default().to_owned()))
        }
        other => other,
    }?;
    let mut plan: Plan = printed.lines().filter_map(deb_of).collect();
    plan.sort();
    if plan.len() != data::words(data::PACKAGES).count() {
        return Err(Error::NoLists(format!("{} debs for the package list", plan.len())));
    }
    Ok(plan)
}

/// Of a line `'uri' file size digest` the file and the digest: the mirror does not matter.
fn deb_of(line: &str) -> Option<String> {
    let mut words = line.rsplit(' ');
    let (digest, _size, file) = (words.next()?, words.next()?, words.next()?);
    Some(format!("{file} {digest}"))
}

fn is_about_lists(message: &str) -> bool {
    ["Unable to locate package", "Can't find a source", "has no installation candidate", "Can't select"]
        .iter()
        .any(|sign| message.contains(sign))
}

fn update() -> Result<(), Error> {
    let mut apt = apt_get();
    run(apt.args(["-qq", "update"])).map(drop)
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    // The folders are ours alone, so apt's own download user could not write there.
    command.env("LC_ALL", "C").args(["-o", "APT::Sandbox::User=root"]);
    command
}

fn ensure_supported() -> Result<(), Error> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let has = |wanted: &str| release.lines().any(|line| line.replace('"', "") == wanted);
    if !(has("ID=debian") && has("VERSION_ID=12")) {
        return Err(Error::Unsupported("it is not Debian 12, whose packages it is made of".to_owned()));
    }
    if std::env::consts::ARCH != "x86_64" {
        return Err(Error::Unsupported("it is not x86_64".to_owned()));
    }
    Ok(())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Standard output of a program that ended well.
pub fn run(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = command.output();
    let Output { status, stdout, stderr } =
        ended.map_err(|source| Error::Start { program: program.clone(), source })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&stderr).trim().to_owned();
    Err(Error::Failed { program, message: if message.is_empty() { status.to_string() } else { message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_names_file_and_digest_but_no_mirror() {
        let line = "'http://mirror.test/pool/a/acl/libacl1_2.3.1-3_amd64.deb' libacl1_2.3.1-3_amd64.deb 31488 SHA256:8be9";
        assert_eq!(deb_of(line).unwrap(), "libacl1_2.3.1-3_amd64.deb SHA256:8be9");
        assert_eq!(deb_of("odd"), None);
    }

    #[test]
    fn missing_lists_are_told_from_other_failures() {
        assert!(is_about_lists("E: Unable to locate package libisl23"));
        assert!(!is_about_lists("E: Failed to fetch: Connection refused"));
    }

    #[test]
    fn a_failed_program_tells_what_it_wrote() {
        let failed = run(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]));
        assert!(failed.unwrap_err().to_string().contains("no such thing"));
    }
}
