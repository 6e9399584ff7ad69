//! Hashing of passwords: slow on purpose, so it runs beside the async threads, and only so often at once.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// OWASP's second choice for Argon2id: 19 MiB and two passes.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Each one needs the memory above.
const AT_ONCE: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("hashing a password")]
    Hash(#[source] argon2::password_hash::Error),
    #[error("the parameters of Argon2")]
    Params(#[source] argon2::Error),
    #[error("the hashing of a password broke off")]
    BrokenOff,
}

#[derive(Debug)]
pub struct Passwords {
    permits: Semaphore,
    /// Of no password: what is verified for names that do not exist, so that they take as long as others.
    decoy: String,
}

impl Passwords {
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self { permits: Semaphore::new(AT_ONCE), decoy: hash("a password that nobody has")? })
    }

    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let _permit = self.permits.acquire().await.map_err(|_| PasswordError::BrokenOff)?;
        spawn_blocking(move || hash(&password)).await.map_err(|_| PasswordError::BrokenOff)?
    }

    /// Without a hash it is as slow, and false.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let _permit = self.permits.acquire().await.map_err(|_| PasswordError::BrokenOff)?;
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let fits = spawn_blocking(move || fits(&password, &hash)).await;
        Ok(fits.map_err(|_| PasswordError::BrokenOff)?? && is_somebody)
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(PasswordError::Params)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon2()?.hash_password(password.as_bytes(), &salt).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// With the parameters that stand in the hash.
fn fits(password: &str, hash: &str) -> Result<bool, PasswordError> {
    let hash = PasswordHash::new(hash).map_err(PasswordError::Hash)?;
    match argon2()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(PasswordError::Hash(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits_and_equal_ones_have_different_hashes() {
        let passwords = Passwords::new().unwrap();
        let (one, other) = (
            passwords.hash("schön lang".into()).await.unwrap(),
            passwords.hash("schön lang".into()).await.unwrap(),
        );
        assert!(one != other && one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(passwords.verify("schön lang".into(), Some(one.clone())).await.unwrap());
        assert!(!passwords.verify("schon lang".into(), Some(one)).await.unwrap());
        assert!(!passwords.verify("a password that nobody has".into(), None).await.unwrap());
    }
}
