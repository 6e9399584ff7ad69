//! The questions that keygen answers over HTTP, all under a secret (`Authorization: Bearer …`) that the asking
//! service shares with it. Everybody who has one may read public keys; only the backend may do the rest, and
//! only with a [`Grant`] for the project.
//!
//! | call | question → answer |
//! |---|---|
//! | `GET /v1/keys/{owner}/{project}` | → [`PublicKey`], 404 while there is none |
//! | `GET /v1/keys/{owner}/{project}/all` | → [`KeyRing`] |
//! | `POST /v1/keys/{owner}/{project}/sign` | [`SignRequest`] → [`Signatures`] |
//! | `POST /v1/keys/{owner}/{project}/rotate` | [`BeginRotation`] → [`KeyRing`], the next key among its keys; a repeat finds the same key |
//! | `POST /v1/keys/{owner}/{project}/rotate/finish` | [`EndRotation`] → [`KeyRing`] |

use serde::{Deserialize, Serialize};

use crate::{ProjectRef, UnixTime};

/// What a project's key is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAlgorithm {
    /// Every distribution that we build for can check it.
    #[default]
    Rsa4096,
    /// Small and fast; unknown to RPM before 4.17, so to EL 8 and, in part, EL 9.
    Ed25519,
}

/// A project's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Forty upper-case hexadecimal digits.
    pub fingerprint: String,
    /// ASCII-armoured; what `pubkey.gpg` holds.
    pub armored: String,
    #[serde(default)]
    pub algorithm: KeyAlgorithm,
    /// `None`: never.
    #[serde(default)]
    pub expires_on: Option<UnixTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// Signs.
    Current,
    /// Signs what a rotation has reached; the current one when the rotation is over.
    Next,
    /// Signed earlier and does not any more; clients may still meet its signatures.
    Retired,
    /// May be in other hands: nobody should trust it.
    Revoked,
}

/// A key and what it does for its project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingKey {
    pub role: KeyRole,
    #[serde(flatten)]
    pub key: PublicKey,
}

/// All keys that a project ever had, the current one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    pub keys: Vec<RingKey>,
}

impl KeyRing {
    pub fn with_role(&self, role: KeyRole) -> Option<&PublicKey> {
        self.keys.iter().find(|ring| ring.role == role).map(|ring| &ring.key)
    }
}

/// Leave to have something of a project signed: the frontend gives it with each task. Only keygen can tell
/// whether it is genuine (`runtime::secret`, sealed [`GrantClaims`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grant(String);

impl Grant {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Grant {
    fn from(sealed: String) -> Self {
        Self(sealed)
    }
}

/// What a grant says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantClaims {
    pub project: ProjectRef,
    /// The task or action that it was given for, for the audit log: `7-fedora-43-x86_64` or `action/9`.
    pub subject: String,
    pub until: UnixTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureForm {
    /// A bare OpenPGP packet, as an RPM's signature header holds it.
    Binary,
    /// ASCII-armoured, as `repomd.xml.asc` holds it.
    Armored,
}

/// One detached signature over `content`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignItem {
    /// What it is, for the audit log: `hello-1-1.x86_64.rpm` or `repomd.xml`.
    pub label: String,
    pub form: SignatureForm,
    /// Base64. An RPM's main header or a repomd.xml, never a payload; at most 32 MiB.
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignRequest {
    /// Fingerprint of the current or the next key; `None`: the current one.
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub grant: Option<Grant>,
    pub items: Vec<SignItem>,
}

/// In the order of the request, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatures {
    pub fingerprint: String,
    pub signatures: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginRotation {
    /// `None`: as the current key.
    #[serde(default)]
    pub algorithm: Option<KeyAlgorithm>,
    #[serde(default)]
    pub grant: Option<Grant>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRotation {
    /// Fingerprint of the key that becomes the current one; when it is that already, nothing is done.
    pub key: String,
    /// The old key is revoked instead of retired.
    #[serde(default)]
    pub compromised: bool,
    #[serde(default)]
    pub grant: Option<Grant>,
}
