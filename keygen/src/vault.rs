//! Private keys in our own memory, for signatures without a program between. GnuPG made them and keeps them; a
//! copy is here from its first signature on. OpenSSL does the arithmetic on RSA keys (constant time, blinded);
//! copies are zeroed when they go.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use coppice_model::{UnixTime, signing::SignatureForm};
use openssl::{
    bn::BigNum,
    md::Md,
    pkey::{PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::{Padding, RsaPrivateKeyBuilder},
};
use pgp::{
    composed::{ArmorOptions, Deserializable, DetachedSignature, SignedSecretKey},
    crypto::{hash::HashAlgorithm, public_key::PublicKeyAlgorithm},
    packet::{PacketTrait, SecretKey, SignatureConfig, SignatureType, Subpacket, SubpacketData},
    ser::Serialize,
    types::{
        Fingerprint, KeyDetails, KeyId, KeyVersion, Mpi, Password, PlainSecretParams, PublicParams,
        SecretParams, SignatureBytes, SigningKey, Timestamp,
    },
};
use zeroize::Zeroizing;

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("reading a private key")]
    Read(#[source] pgp::errors::Error),
    #[error("the private key has a passphrase; ours have none")]
    Locked,
    #[error("preparing a private key")]
    Prepare(#[from] openssl::error::ErrorStack),
    #[error("signing")]
    Sign(#[source] pgp::errors::Error),
}

/// The keys that signed lately, at most so many.
#[derive(Debug)]
pub struct Vault {
    most: usize,
    keys: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    by_fingerprint: HashMap<String, Arc<PrivateKey>>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl Vault {
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), keys: Mutex::default() }
    }

    pub fn find(&self, fingerprint: &str) -> Option<Arc<PrivateKey>> {
        self.lock().by_fingerprint.get(fingerprint).cloned()
    }

    pub fn put(&self, fingerprint: &str, key: PrivateKey) -> Arc<PrivateKey> {
        let key = Arc::new(key);
        let mut shelves = self.lock();
        if shelves.by_fingerprint.insert(fingerprint.to_owned(), Arc::clone(&key)).is_none() {
            shelves.order.push_back(fingerprint.to_owned());
        }
        while shelves.order.len() > self.most {
            if let Some(oldest) = shelves.order.pop_front() {
                shelves.by_fingerprint.remove(&oldest);
            }
        }
        key
    }

    pub fn forget(&self, fingerprint: &str) {
        let mut shelves = self.lock();
        shelves.by_fingerprint.remove(fingerprint);
        shelves.order.retain(|known| known != fingerprint);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelves> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub enum PrivateKey {
    /// The public part as a packet, the private one for OpenSSL.
    Rsa {
        public: Box<pgp::packet::PublicKey>,
        private: PKey<Private>,
    },
    Other(Box<SecretKey>),
}

impl PrivateKey {
    /// Reads a transferable secret key (RFC 9580, section 10.2) without a passphrase.
    pub fn read(exported: &[u8]) -> Result<Self, VaultError> {
        let key = SignedSecretKey::from_bytes(exported).map_err(VaultError::Read)?;
        let secret = key.primary_key;
        match secret.secret_params() {
            SecretParams::Encrypted(_) => Err(VaultError::Locked),
            SecretParams::Plain(PlainSecretParams::RSA(params)) => {
                let private = rsa(&secret, params)?;
                Ok(Self::Rsa { public: Box::new(secret.public_key().clone()), private })
            }
            SecretParams::Plain(_) => Ok(Self::Other(Box::new(secret))),
        }
    }

    /// A detached version 4 signature over `content`.
    pub fn sign(&self, form: SignatureForm, content: &[u8], now: UnixTime) -> Result<Vec<u8>, VaultError> {
        let signature = match self {
            Self::Rsa { public, private } => sign(&ByOpenSsl { public, private }, content, now),
            Self::Other(key) => sign(&**key, content, now),
        };
        let signature = signature.map_err(VaultError::Sign)?;
        let bytes = match form {
            SignatureForm::Armored => {
                DetachedSignature::new(signature).to_armored_bytes(ArmorOptions::default())
            }
            SignatureForm::Binary => {
                let mut bytes = Vec::new();
                signature.to_writer_with_header(&mut bytes).map(|()| bytes)
            }
        };
        bytes.map_err(VaultError::Sign)
    }
}

fn sign(key: &impl SigningKey, content: &[u8], now: UnixTime) -> pgp::errors::Result<pgp::packet::Signature> {
    let seconds = u32::try_from(now.0).unwrap_or(u32::MAX);
    let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), HashAlgorithm::Sha256);
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(seconds)))?,
    ];
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
    config.sign(key, &Password::empty(), content)
}

fn rsa(key: &SecretKey, params: &pgp::crypto::rsa::SecretKey) -> Result<PKey<Private>, VaultError> {
    let mut public = Vec::new();
    key.public_params().to_writer(&mut public).map_err(VaultError::Read)?;
    let (modulus, rest) = mpi(&public);
    let (exponent, _) = mpi(rest);
    let (d, p, q, _) = params.to_bytes();
    let [d, p, q] = [d, p, q].map(Zeroizing::new);
    let number = |bytes: &[u8]| BigNum::from_slice(bytes);
    let (secret, p, q) = (number(&d)?, number(&p)?, number(&q)?);
    // What the Chinese remainder needs.
    let mut context = openssl::bn::BigNumContext::new()?;
    let one = BigNum::from_u32(1)?;
    let [mut p_less, mut q_less, mut dmp1, mut dmq1, mut iqmp] =
        [BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?];
    p_less.checked_sub(&p, &one)?;
    q_less.checked_sub(&q, &one)?;
    dmp1.nnmod(&secret, &p_less, &mut context)?;
    dmq1.nnmod(&secret, &q_less, &mut context)?;
    iqmp.mod_inverse(&q, &p, &mut context)?;
    p_less.clear();
    q_less.clear();
    let builder = RsaPrivateKeyBuilder::new(number(modulus)?, number(exponent)?, secret)?;
    let rsa = builder.set_factors(p, q)?.set_crt_params(dmp1, dmq1, iqmp)?.build();
    Ok(PKey::from_rsa(rsa)?)
}

/// The first multiprecision integer (RFC 9580, section 3.2) and what follows it.
fn mpi(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bits = bytes.first_chunk::<2>().map_or(0, |bits| usize::from(u16::from_be_bytes(*bits)));
    let rest = bytes.get(2..).unwrap_or_default();
    rest.split_at(bits.div_ceil(8).min(rest.len()))
}

/// RSA by OpenSSL under the face of the OpenPGP library.
#[derive(Debug)]
struct ByOpenSsl<'a> {
    public: &'a pgp::packet::PublicKey,
    private: &'a PKey<Private>,
}

impl ByOpenSsl<'_> {
    fn signature(&self, digest: &[u8]) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut context = PkeyCtx::new(self.private)?;
        context.sign_init()?;
        context.set_rsa_padding(Padding::PKCS1)?;
        context.set_signature_md(Md::sha256())?;
        let mut signature = Vec::new();
        context.sign_to_vec(digest, &mut signature)?;
        Ok(signature)
    }
}

impl SigningKey for ByOpenSsl<'_> {
    fn sign(&self, _: &Password, _: HashAlgorithm, data: &[u8]) -> pgp::errors::Result<SignatureBytes> {
        let signature = self.signature(data).map_err(std::io::Error::from)?;
        Ok(SignatureBytes::Mpis(vec![Mpi::from_slice(&signature)]))
    }

    fn hash_alg(&self) -> HashAlgorithm {
        HashAlgorithm::Sha256
    }
}

impl KeyDetails for ByOpenSsl<'_> {
    fn version(&self) -> KeyVersion {
        self.public.version()
    }

    fn legacy_key_id(&self) -> KeyId {
        self.public.legacy_key_id()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.public.algorithm()
    }

    fn created_at(&self) -> Timestamp {
        self.public.created_at()
    }

    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        None
    }

    fn public_params(&self) -> &PublicParams {
        self.public.public_params()
    }
}
