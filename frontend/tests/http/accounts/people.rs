//! People with passwords, and who the site says is here.

use coppice_model::UnixTime;
use coppice_store::{passwords, users};

use crate::{
    browser::{Browser, between},
    support::{Answer, Frontend},
};

pub const PASSWORD: &str = "correct horse battery";

impl Browser<'_> {
    pub async fn log_in(&self, name: &str, password: &str) -> Answer {
        self.submit("/login/", "/login/", &[("user", name), ("password", password), ("next", "/")]).await
    }

    /// Who the site says is here.
    pub async fn user(&self) -> Option<String> {
        let home = self.get("/login/").await;
        if home.status == 200 {
            return None;
        }
        let text = self.get("/user/account/").await.text;
        Some(between(&text, "How you log in as <b>", "</b>").to_owned())
    }
}

/// A user with [`PASSWORD`].
pub async fn with_password(frontend: &Frontend, name: &str, is_admin: bool) {
    let hash = hash_of(PASSWORD);
    let name = name.parse().unwrap();
    let added = frontend.store().write(move |tx| {
        let user = users::insert(tx, &name, None, is_admin, UnixTime(1))?;
        passwords::set(tx, user.id, &hash, UnixTime(1))
    });
    added.await.unwrap();
}

/// Weak parameters stand in the hash, so that tests are quick; the server takes those of the hash.
fn hash_of(password: &str) -> String {
    use argon2::{Argon2, Params, PasswordHasher, password_hash::SaltString};
    let salt = SaltString::from_b64("c29tZXRlc3RzYWx0").unwrap();
    let quick = Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        Params::new(64, 1, 1, None).unwrap(),
    );
    quick.hash_password(password.as_bytes(), &salt).unwrap().to_string()
}
