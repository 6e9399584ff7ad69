//! Shared secrets and tokens. Nothing here prints what it holds.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("reading the secret {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "the secret {0} is shorter than 16 characters: write a longer one, for example 64 random letters"
    )]
    Short(PathBuf),
}

/// A secret that two of our services share. It is read from a file, so it never stands in a configuration.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let text =
            fs::read_to_string(path).map_err(|source| SecretError::Read { path: path.to_owned(), source })?;
        let text = text.trim().to_owned();
        if text.len() < 16 { Err(SecretError::Short(path.to_owned())) } else { Ok(Self(text)) }
    }

    pub fn random() -> Self {
        Self(random_token())
    }

    /// For the `Authorization: Bearer` header of our own requests and for writing the file.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text with a seal (HMAC-SHA256) that only holders of this secret can make.
    pub fn seal(&self, text: &str) -> String {
        let text = hex::encode(text);
        format!("{text}.{}", hex::encode(self.mac(&text).finalize().into_bytes()))
    }

    /// The text under a genuine seal.
    pub fn unseal(&self, sealed: &str) -> Option<String> {
        let (text, seal) = sealed.split_once('.')?;
        self.mac(text).verify_slice(&hex::decode(seal).ok()?).ok()?;
        String::from_utf8(hex::decode(text).ok()?).ok()
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes any key");
        mac.update(text.as_bytes());
        mac
    }

    /// Whether a request carries this secret as `Bearer …`. Hashes are compared, so the time tells nothing.
    pub fn is_bearer_of(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        given.is_some_and(|given| hash_token(given) == hash_token(&self.0))
    }
}

/// Made elsewhere, for example the random value of a cookie.
impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// 256 random bits in hexadecimal.
pub fn random_token() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// The form in which random tokens are stored. They hold 256 bits, so a plain hash is enough.
pub fn hash_token(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bearer_passes_and_nothing_is_printed() {
        let secret = Secret::random();
        let header = format!("Bearer {}", secret.expose());
        assert!(secret.is_bearer_of(Some(&header)));
        for wrong in [None, Some(""), Some("Bearer "), Some("Bearer x"), Some(secret.expose())] {
            assert!(!secret.is_bearer_of(wrong));
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn a_seal_holds_for_its_secret_and_its_text_only() {
        let secret = Secret::random();
        let sealed = secret.seal("ein Wörtchen.");
        assert_eq!(secret.unseal(&sealed).as_deref(), Some("ein Wörtchen."));
        assert_eq!(Secret::random().unseal(&sealed), None);
        let (text, seal) = sealed.split_once('.').unwrap();
        for forged in [format!("{text}00.{seal}"), format!("{text}."), text.to_owned(), format!("{text}.zz")]
        {
            assert_eq!(secret.unseal(&forged), None, "{forged}");
        }
    }
}
