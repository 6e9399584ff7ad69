//! The questions that keygen answers over HTTP, all under a shared secret (`Authorization: Bearer …`).
//!
//! `GET /v1/keys/{owner}/{project}` → [`PublicKey`], 404 while there is none;
//! `POST /v1/keys/{owner}/{project}/sign` with [`SignRequest`] → [`Signatures`].

use serde::{Deserialize, Serialize};

/// A project's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Forty upper-case hexadecimal digits.
    pub fingerprint: String,
    /// ASCII-armoured; what `pubkey.gpg` holds.
    pub armored: String,
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
    pub items: Vec<SignItem>,
}

/// In the order of the request, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatures {
    pub fingerprint: String,
    pub signatures: Vec<String>,
}
