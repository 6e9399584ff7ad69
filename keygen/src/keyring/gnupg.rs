//! What the key ring asks of GnuPG; each call blocks its thread.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use coppice_model::{
    UnixTime,
    signing::{KeyAlgorithm, PublicKey, SignatureForm},
};
use gpgme::{Context, CreateKeyFlags, ExportMode, Key};
use pgp::composed::{ArmorOptions, Deserializable, SignedPublicKey};
use zeroize::Zeroizing;

use super::POOL;
use crate::signers::GpgError;

fn word(algorithm: KeyAlgorithm) -> &'static str {
    match algorithm {
        KeyAlgorithm::Rsa4096 => "rsa4096",
        KeyAlgorithm::Ed25519 => "ed25519",
    }
}

/// Fingerprints of the keys of exactly this user id whose private part is here, oldest first.
pub fn find(context: &mut Context, user_id: &str) -> Result<Vec<String>, GpgError> {
    let mut keys = secret_keys(context, user_id)?;
    keys.retain(|key| key.user_ids().any(|id| id.id() == Ok(user_id)) && !key.is_revoked());
    keys.sort_by_key(|key| key.primary_key().and_then(|primary| primary.creation_time()));
    keys.iter().map(fingerprint).collect()
}

/// Keys that no project has.
pub fn find_pooled(context: &mut Context) -> Result<Vec<String>, GpgError> {
    let mut keys = secret_keys(context, POOL)?;
    keys.retain(|key| key.user_ids().all(|id| id.id() == Ok(POOL)));
    keys.iter().map(fingerprint).collect()
}

pub fn make(
    context: &mut Context,
    user_id: &str,
    algorithm: KeyAlgorithm,
    lifetime: Duration,
) -> Result<String, GpgError> {
    // Without force GnuPG makes no second key of one user id.
    let flags = CreateKeyFlags::SIGN | CreateKeyFlags::NOPASSWD | CreateKeyFlags::FORCE;
    let made = context.create_key_with_flags(user_id, word(algorithm), lifetime, flags)?;
    let fingerprint = made.fingerprint().map_err(|_| GpgError::Answer("no fingerprint of a new key"))?;
    Ok(fingerprint.to_ascii_uppercase())
}

/// Gives a key of the pool its project's name. From then on it is the project's, also when we are killed.
pub fn name(context: &mut Context, fingerprint: &str, user_id: &str) -> Result<(), GpgError> {
    let key = context.get_secret_key(fingerprint)?;
    Ok(context.add_uid(&key, user_id)?)
}

/// `left` counts from now.
pub fn set_end(context: &mut Context, fingerprint: &str, left: Duration) -> Result<(), GpgError> {
    let key = context.get_secret_key(fingerprint)?;
    // Without names of subkeys it is the primary key, which is the only one.
    Ok(context.set_expire(&key, left, Vec::<String>::new())?)
}

/// The public key under the project's name only.
pub fn public(context: &mut Context, fingerprint: &str, user_id: &str) -> Result<PublicKey, GpgError> {
    let key = context.get_key(fingerprint)?;
    let primary = key.primary_key().ok_or(GpgError::Answer("a key without a primary key"))?;
    let is_rsa = primary.algorithm() == gpgme::KeyAlgorithm::Rsa;
    let algorithm = if is_rsa { KeyAlgorithm::Rsa4096 } else { KeyAlgorithm::Ed25519 };
    let expires_on = primary.expiration_time().map(unix_time);
    context.set_armor(false);
    let mut exported = Vec::new();
    context.export_keys([&key], ExportMode::MINIMAL, &mut exported)?;
    Ok(PublicKey {
        fingerprint: self::fingerprint(&key)?,
        armored: named_only(&exported, user_id)?,
        algorithm,
        expires_on,
    })
}

/// The name that a key had in the pool is nobody's business.
fn named_only(exported: &[u8], user_id: &str) -> Result<String, GpgError> {
    let unreadable = |_| GpgError::Answer("a public key that cannot be read");
    let mut key = SignedPublicKey::from_bytes(exported).map_err(unreadable)?;
    key.details.users.retain(|user| user.id.as_str() == Some(user_id));
    let armored = key.to_armored_string(ArmorOptions::default()).map_err(unreadable)?;
    if key.details.users.is_empty() { Err(GpgError::Answer("a key without its name")) } else { Ok(armored) }
}

pub fn private(context: &mut Context, fingerprint: &str) -> Result<Zeroizing<Vec<u8>>, GpgError> {
    let key = context.get_secret_key(fingerprint)?;
    context.set_armor(false);
    let mut exported = Zeroizing::new(Vec::with_capacity(16 << 10));
    context.export_keys([&key], ExportMode::SECRET, &mut *exported)?;
    // GnuPG does not call it an error when its agent is just gone.
    if exported.is_empty() { Err(GpgError::NoAgent) } else { Ok(exported) }
}

pub fn sign(
    context: &mut Context,
    fingerprint: &str,
    form: SignatureForm,
    content: Vec<u8>,
) -> Result<Vec<u8>, GpgError> {
    let key = context.get_secret_key(fingerprint)?;
    context.set_armor(form == SignatureForm::Armored);
    context.clear_signers();
    context.add_signer(&key)?;
    let mut signature = Vec::new();
    let result = context.sign_detached(content, &mut signature)?;
    let made_by =
        result.new_signatures().next().and_then(|made| made.fingerprint_raw().map(ToOwned::to_owned));
    if made_by.as_deref() == key.fingerprint_raw() {
        Ok(signature)
    } else {
        Err(GpgError::Answer("a signature of another key"))
    }
}

fn secret_keys(context: &mut Context, user_id: &str) -> Result<Vec<Key>, GpgError> {
    Ok(context.find_secret_keys([format!("={user_id}")])?.collect::<Result<_, _>>()?)
}

fn fingerprint(key: &Key) -> Result<String, GpgError> {
    let fingerprint = key.fingerprint().map_err(|_| GpgError::Answer("no fingerprint of a key"))?;
    Ok(fingerprint.to_ascii_uppercase())
}

fn unix_time(time: SystemTime) -> UnixTime {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UnixTime(i64::try_from(seconds).unwrap_or(i64::MAX))
}
