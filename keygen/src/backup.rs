//! Everything that keygen keeps, in one encrypted file: private keys as GnuPG exports them, what each key does,
//! and the audit log. By hand: `gpg --decrypt FILE | tar x`, then `gpg --import keys.asc`.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use coppice_runtime::files;
use gpgme::{Context, ExportMode, PassphraseRequest, PinentryMode, Protocol};
use zeroize::Zeroizing;

use crate::{agent, config::Config, home::Home, service, step::Step};

const KEYS: &str = "keys.asc";
const ROLES: &str = "roles";
const AUDIT: &str = "audit.log";
/// Is in the data folder from the beginning of a restore to its end.
const RESTORING: &str = "restoring";

/// Whether a restore into this data folder began and did not end.
pub fn is_half_restored(data_dir: &Path) -> bool {
    data_dir.join(RESTORING).exists()
}

/// Writes the backup; the service may go on meanwhile. Returns the number of keys.
pub async fn backup(config: &Config, output: &Path, passphrase_file: &Path) -> anyhow::Result<usize> {
    ensure!(!output.exists(), "{} exists already: choose another name", output.display());
    let passphrase = passphrase(passphrase_file)?;
    let home = Home::open(&config.data_dir.join("gnupg"))?;
    let mut context = context(&home)?;
    let count = context.find_secret_keys(Vec::<String>::new())?.count();
    ensure!(count > 0, "there are no keys in {}", config.data_dir.display());
    let archive = archive(&mut context, &config.data_dir)?;
    let mut encrypted = Vec::new();
    let mut context = with_passphrase(context, passphrase)?;
    context.encrypt_symmetric(archive.as_slice(), &mut encrypted).context("encrypting the backup")?;
    write_private(output, &encrypted)?;
    Ok(count)
}

/// Brings a backup into an empty data folder. Returns the number of keys.
pub async fn restore(config: &Config, input: &Path, passphrase_file: &Path) -> anyhow::Result<usize> {
    let passphrase = passphrase(passphrase_file)?;
    let encrypted = fs::read(input).with_context(|| format!("reading {}", input.display()))?;
    let data = &config.data_dir;
    let _lock = service::lock(data).await?;
    let home = Home::open(&data.join("gnupg"))?;
    let mut context = context(&home)?;
    // What an interrupted restore brought may be brought again.
    let mark = data.join(RESTORING);
    if !mark.exists() && context.find_secret_keys(Vec::<String>::new())?.count() > 0 {
        bail!("{} holds keys already: restore into an empty folder", data.display());
    }
    let mut archive = Zeroizing::new(Vec::new());
    let mut context = with_passphrase(context, passphrase)?;
    context
        .decrypt(encrypted, &mut *archive)
        .context("decrypting the backup; is it the right passphrase?")?;
    drop(context);
    files::write_atomic(&mark, b"run the restore again\n")?;
    let keys = unpack(&archive, data)?;
    config.watch.done(Step::Unpacked)?;
    let mut context = self::context(&home)?;
    let imported = context.import(keys.as_slice()).context("importing the keys")?;
    config.watch.done(Step::Imported)?;
    let count = imported.secret_imported() + imported.secret_unchanged();
    agent::end(home.path()).await?;
    ensure!(count > 0, "the backup holds no keys");
    fs::remove_file(&mark)?;
    files::sync_dir(data)?;
    Ok(usize::try_from(count)?)
}

fn archive(context: &mut Context, data_dir: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    context.set_armor(true);
    let mut keys = Zeroizing::new(Vec::new());
    context.export_all(ExportMode::SECRET, &mut *keys).context("exporting the private keys")?;
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, KEYS, &keys)?;
    for path in files_below(&data_dir.join(ROLES))? {
        let name = path.strip_prefix(data_dir)?.to_string_lossy().into_owned();
        append(&mut archive, &name, &fs::read(&path)?)?;
    }
    let audit = data_dir.join(AUDIT);
    if audit.exists() {
        append(&mut archive, AUDIT, &fs::read(audit)?)?;
    }
    Ok(Zeroizing::new(archive.into_inner()?))
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, content)
}

/// Everything but the keys goes to its place; those are returned.
fn unpack(archive: &[u8], data_dir: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut keys = Zeroizing::new(Vec::new());
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        if name == Path::new(KEYS) {
            entry.read_to_end(&mut keys)?;
        } else if name == Path::new(AUDIT) || name.starts_with(ROLES) {
            // `unpack_in` leaves out what would get elsewhere.
            ensure!(entry.unpack_in(data_dir)?, "the backup holds the strange name {}", name.display());
        }
    }
    Ok(keys)
}

fn files_below(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    Ok(files)
}

fn passphrase(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let text = Zeroizing::new(text);
    let line = text.lines().next().unwrap_or_default();
    ensure!(line.len() >= 12, "the passphrase in {} is shorter than 12 characters", file.display());
    Ok(Zeroizing::new(line.to_owned()))
}

fn context(home: &Home) -> anyhow::Result<Context> {
    let mut context = Context::from_protocol(Protocol::OpenPgp)?;
    context.set_engine_home_dir(home.path().as_os_str().as_encoded_bytes())?;
    context.set_offline(true);
    Ok(context)
}

fn with_passphrase(
    mut context: Context,
    passphrase: Zeroizing<String>,
) -> anyhow::Result<gpgme::context::ContextWithCallbacks<'static>> {
    context.set_pinentry_mode(PinentryMode::Loopback)?;
    context.set_armor(false);
    let answer = move |_: PassphraseRequest<'_>, output: &mut dyn Write| {
        output.write_all(passphrase.as_bytes())?;
        Ok(())
    };
    Ok(context.set_passphrase_provider(answer))
}

fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(files::sync_dir(dir)?)
}
