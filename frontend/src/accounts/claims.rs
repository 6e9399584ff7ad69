//! Tokens that others signed: what they say once their signature, issuer, audience and time were found good.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    ClaimsVerificationError, NonceVerifier,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Alg},
};
use serde_json::{Map, Value};

/// Those with a key pair: a shared secret would let everybody who verifies sign.
const ALGORITHMS: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];

/// What a token says.
#[derive(Debug, Clone, Default)]
pub struct Claims(Map<String, Value>);

impl Claims {
    pub fn new(all: Map<String, Value>) -> Self {
        Self(all)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A number as forges write it: in quotation marks or without.
    pub fn number(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// When the token ends, in whole seconds.
    pub fn end(&self) -> Option<i64> {
        let end = self.0.get("exp")?;
        end.as_i64().or_else(|| end.as_f64().map(|end| end.ceil() as i64))
    }

    /// A list of words, or one.
    pub fn words(&self, name: &str) -> Option<Vec<String>> {
        match self.0.get(name)? {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(many) => Some(many.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            _ => None,
        }
    }

    /// What the other one says where this one is silent.
    pub fn or(mut self, other: Self) -> Self {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }
}

/// The claims of a token, when everything about it is good.
pub fn verified(
    token: &CoreIdToken,
    verifier: CoreIdTokenVerifier<'_>,
    nonce: impl NonceVerifier,
) -> Result<Claims, ClaimsVerificationError> {
    token.claims(&verifier.set_allowed_algs(ALGORITHMS), nonce)?;
    Ok(payload(&token.to_string()).unwrap_or_default())
}

/// The hash of the access token that a verified token names.
pub fn payload_hash(token: &CoreIdToken) -> Option<String> {
    payload(&token.to_string())?.text("at_hash").map(str::to_owned)
}

/// The middle part, which was verified: names of claims are the operator's choice, so they are read here again.
fn payload(token: &str) -> Option<Claims> {
    let middle = token.split('.').nth(1)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(middle.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok().map(Claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_as_providers_write_them() {
        let text = r#"{"groups":["a","b",3],"role":"c","nickname":"alice","none":""}"#;
        let token = format!("x.{}.y", BASE64_URL_SAFE_NO_PAD.encode(text));
        let claims = payload(&token).unwrap();
        assert_eq!(claims.words("groups").unwrap(), ["a", "b"]);
        assert_eq!(claims.words("role").unwrap(), ["c"]);
        assert_eq!(
            (claims.text("nickname"), claims.text("none"), claims.text("x")),
            (Some("alice"), None, None)
        );
        assert!(payload("a.b").is_none() && payload("").is_none());
    }
}
