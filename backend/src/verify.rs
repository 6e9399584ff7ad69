//! The second opinion on signed packages: RPM's own `rpmkeys`, which knows nothing but the project's key.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use coppice_model::signing::PublicKey;
use coppice_runtime::{files, process, process::ProcessError, secret::hash_token};
use tokio::process::Command;

use crate::rpmfile::{RpmFile, RpmFileError};

const IMPORT_LIMIT: Duration = Duration::from_secs(60);
/// Checking reads every byte of every package.
const CHECK_LIMIT: Duration = Duration::from_secs(1_800);
const FILES_AT_ONCE: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("{file} is damaged: {line}")]
    Damaged { file: String, line: String },
    #[error("{file} is not signed by the project's key: {line}")]
    NotSigned { file: String, line: String },
    #[error("verifying packages with rpmkeys")]
    Run(#[from] ProcessError),
    #[error("rpmkeys said nothing about {0}")]
    Silent(String),
    #[error("reading the headers of a package")]
    Head(#[source] RpmFileError),
    #[error("keeping the project's public key for rpmkeys")]
    Keyring(#[source] io::Error),
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Verifier {
    keyrings: PathBuf,
}

impl Verifier {
    /// Key rings are kept below `keyrings`, one for each key.
    pub fn open(keyrings: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&keyrings)?;
        Ok(Self { keyrings })
    }

    /// Every file of `dir` named in `names` is whole and its header is signed by `key`.
    pub async fn verify(&self, dir: &Path, names: &[String], key: &PublicKey) -> Result<(), VerifyError> {
        let keyring = self.keyring(key).await?;
        for names in names.chunks(FILES_AT_ONCE) {
            let mut command = rpmkeys(&keyring);
            command.current_dir(dir).arg("-Kv").args(names.iter().map(|name| format!("./{name}")));
            let output = process::output(command, CHECK_LIMIT).await?;
            if output.status.code().is_none() {
                return Err(VerifyError::Silent(names.join(" ")));
            }
            let text = String::from_utf8_lossy(&output.stdout);
            for name in names {
                judge(name, &text, &key.fingerprint)?;
            }
        }
        Ok(())
    }

    /// As [`Verifier::verify`], of the headers alone: whoever calls has proven the payloads against them.
    pub async fn verify_headers(
        &self,
        dir: &Path,
        names: &[String],
        key: &PublicKey,
    ) -> Result<(), VerifyError> {
        let keyring = self.keyring(key).await?;
        for names in names.chunks(FILES_AT_ONCE) {
            let heads = tempfile::tempdir_in(&self.keyrings).map_err(VerifyError::Keyring)?;
            for name in names {
                copy_head(&dir.join(name), &heads.path().join(name)).map_err(VerifyError::Head)?;
            }
            let mut command = rpmkeys(&keyring);
            command.current_dir(heads.path()).arg("-Kv").args(names.iter().map(|name| format!("./{name}")));
            let output = process::output(command, CHECK_LIMIT).await?;
            let text = String::from_utf8_lossy(&output.stdout);
            for name in names {
                let lines = lines_about(name, &text).ok_or_else(|| VerifyError::Silent(name.clone()))?;
                // There is no payload, so what is said of it means nothing.
                let of_header = lines.into_iter().filter(|line| line.starts_with("Header"));
                judge_lines(name, &of_header.collect::<Vec<_>>(), &key.fingerprint)?;
            }
        }
        Ok(())
    }

    async fn keyring(&self, key: &PublicKey) -> Result<PathBuf, VerifyError> {
        // A prolonged key keeps its fingerprint, so its text is a part of the name.
        let name = format!("{}-{}", key.fingerprint, &hash_token(&key.armored)[..16]);
        let ready = self.keyrings.join(name);
        if !ready.is_dir() {
            let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(&self.keyrings);
            let fresh = fresh.map_err(VerifyError::Keyring)?;
            let file = fresh.path().join("key.asc");
            fs::write(&file, &key.armored).map_err(VerifyError::Keyring)?;
            let mut command = rpmkeys(fresh.path());
            command.arg("--import").arg(&file);
            process::run(command, IMPORT_LIMIT).await?;
            settle(fresh, &ready).map_err(VerifyError::Keyring)?;
        }
        Ok(ready)
    }
}

/// Everything before the payload.
fn copy_head(package: &Path, head: &Path) -> Result<(), RpmFileError> {
    let length = RpmFile::open(package)?.payload_at();
    let mut input = fs::File::open(package)?.take(length);
    io::copy(&mut input, &mut fs::File::create(head)?)?;
    Ok(())
}

/// Another ingest may have been faster; its key ring is as good.
fn settle(fresh: tempfile::TempDir, ready: &Path) -> io::Result<()> {
    match fs::rename(fresh.path(), ready) {
        Ok(()) => {
            let moved = fresh.keep();
            files::sync_dir(moved.parent().unwrap_or(Path::new(".")))
        }
        Err(_) if ready.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Neither the host's key ring nor anybody's macros have a say.
fn rpmkeys(keyring: &Path) -> Command {
    let mut command = Command::new("rpmkeys");
    command.env("LC_ALL", "C").env("HOME", keyring);
    command.arg("--dbpath").arg(keyring);
    command.arg("--define").arg(format!("_keyringpath {}/pubkeys", keyring.display()));
    command
}

/// Reads what `rpmkeys -Kv` says of one file: `    Header V4 RSA/SHA512 Signature, key ID 0ffe511b: OK`.
fn judge(name: &str, output: &str, fingerprint: &str) -> Result<(), VerifyError> {
    let lines = lines_about(name, output).ok_or_else(|| VerifyError::Silent(name.to_owned()))?;
    judge_lines(name, &lines, fingerprint)
}

fn judge_lines(name: &str, lines: &[&str], fingerprint: &str) -> Result<(), VerifyError> {
    let file = || name.to_owned();
    let is_signature = |line: &&&str| line.to_ascii_lowercase().contains("signature");
    let bad = |line: &&&str| !line.ends_with(": OK");
    if let Some(line) = lines.iter().find(|line| !is_signature(line) && bad(line)) {
        return Err(VerifyError::Damaged { file: file(), line: (*line).to_owned() });
    }
    if lines.is_empty() {
        return Err(VerifyError::Damaged { file: file(), line: "rpmkeys cannot read it".into() });
    }
    if let Some(line) = lines.iter().filter(is_signature).find(bad) {
        return Err(VerifyError::NotSigned { file: file(), line: (*line).to_owned() });
    }
    let signed = lines.iter().filter(is_signature).any(|line| is_by(line, fingerprint));
    let digested = lines.iter().any(|line| line.contains("digest"));
    match (signed, digested) {
        (true, true) => Ok(()),
        (false, _) => Err(VerifyError::NotSigned { file: file(), line: "no signature".into() }),
        (true, false) => Err(VerifyError::Damaged { file: file(), line: "no digest".into() }),
    }
}

fn lines_about<'a>(name: &str, output: &'a str) -> Option<Vec<&'a str>> {
    let heading = format!("./{name}:");
    let mut lines = output.lines().skip_while(|line| *line != heading);
    lines.next()?;
    Some(lines.take_while(|line| line.starts_with(' ')).map(str::trim).collect())
}

/// RPM names the key by the last 8 or 16 digits of its fingerprint, or by all.
fn is_by(line: &str, fingerprint: &str) -> bool {
    let id = line.strip_suffix(": OK").and_then(|line| line.rsplit([' ', ':']).next()).unwrap_or_default();
    line.starts_with("Header")
        && id.len() >= 8
        && fingerprint.to_ascii_lowercase().ends_with(&id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "B9DFD5754AC2976D15B2850C359B732F0FFE511B";

    fn verdict(lines: &[&str]) -> Result<(), VerifyError> {
        let output =
            format!("./a.rpm:\n    {}\n./b.rpm:\n    Header SHA1 digest: OK\n", lines.join("\n    "));
        judge("a.rpm", &output, FINGERPRINT)
    }

    #[test]
    fn only_a_whole_package_signed_by_the_projects_key_passes() {
        let good = ["Header V4 RSA/SHA512 Signature, key ID 0ffe511b: OK", "Header SHA256 digest: OK"];
        assert!(verdict(&good).is_ok());
        let newer = ["Header OpenPGP V4 RSA/SHA512 signature, key fingerprint: \
                      b9dfd5754ac2976d15b2850c359b732f0ffe511b: OK"];
        assert!(verdict(&[newer[0], "Payload SHA256 digest: OK"]).is_ok());
        let other = "Header V4 RSA/SHA512 Signature, key ID 11111111: OK";
        assert!(matches!(verdict(&[other, good[1]]), Err(VerifyError::NotSigned { .. })));
        let unknown = "Header V4 RSA/SHA512 Signature, key ID 0ffe511b: NOKEY";
        assert!(matches!(verdict(&[unknown, good[1]]), Err(VerifyError::NotSigned { .. })));
        assert!(matches!(verdict(&[good[1]]), Err(VerifyError::NotSigned { .. })));
        let damaged = "Payload SHA256 digest: BAD (Expected 1 != 2)";
        assert!(matches!(verdict(&[good[0], damaged]), Err(VerifyError::Damaged { .. })));
        assert!(matches!(verdict(&[good[0]]), Err(VerifyError::Damaged { .. })));
        assert!(matches!(judge("c.rpm", "./c.rpm:\n", FINGERPRINT), Err(VerifyError::Damaged { .. })));
        assert!(matches!(judge("c.rpm", "", FINGERPRINT), Err(VerifyError::Silent(_))));
    }
}
