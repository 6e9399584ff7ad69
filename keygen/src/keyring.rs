//! The projects' keys: one each, found by its user id.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use coppice_model::{
    ProjectRef,
    signing::{PublicKey, SignatureForm},
};
use gpgme::{Context, CreateKeyFlags, ExportMode, Key};

use crate::signers::{GpgError, Signers};

/// Every distribution that we build for can check it; Ed25519 is unknown to EL 8.
const ALGORITHM: &str = "rsa4096";
/// Copr: the same; an operator prolongs keys.
const FIVE_YEARS: Duration = Duration::from_secs((5 * 365 + 1) * 86_400);

/// A project's key. The private part stays with gpg-agent.
#[derive(Debug)]
pub struct ProjectKey {
    key: Key,
    pub public: PublicKey,
}

#[derive(Debug)]
pub struct Keyring {
    signers: Signers,
    sign_domain: String,
    known: Mutex<HashMap<ProjectRef, Arc<ProjectKey>>>,
    /// Look-up and creation are one step.
    creating: tokio::sync::Mutex<()>,
}

impl Keyring {
    pub fn new(signers: Signers, sign_domain: String) -> Self {
        Self { signers, sign_domain, known: Mutex::default(), creating: tokio::sync::Mutex::default() }
    }

    /// Whether GnuPG works at all; starts its agent.
    pub async fn check(&self) -> Result<(), GpgError> {
        self.signers.call(|context| find_secret(context, "coppice start-up check").map(drop)).await
    }

    pub async fn find(&self, project: &ProjectRef) -> Result<Option<Arc<ProjectKey>>, GpgError> {
        if let Some(known) = self.known().get(project) {
            return Ok(Some(Arc::clone(known)));
        }
        let user_id = user_id(project, &self.sign_domain);
        let found = self.signers.call(move |context| find_secret(context, &user_id)).await?;
        Ok(found.map(|found| self.remember(project, found)))
    }

    /// Makes the key unless it exists; says whether it did.
    pub async fn create(&self, project: &ProjectRef) -> Result<(Arc<ProjectKey>, bool), GpgError> {
        let _alone = self.creating.lock().await;
        if let Some(existing) = self.find(project).await? {
            return Ok((existing, false));
        }
        let user_id = user_id(project, &self.sign_domain);
        let made = self.signers.call(move |context| make(context, &user_id)).await?;
        Ok((self.remember(project, made), true))
    }

    /// A detached signature.
    pub async fn sign(
        &self,
        key: &Arc<ProjectKey>,
        form: SignatureForm,
        content: Vec<u8>,
    ) -> Result<Vec<u8>, GpgError> {
        let key = Arc::clone(key);
        self.signers.call(move |context| sign(context, &key.key, form, content)).await
    }

    fn remember(&self, project: &ProjectRef, key: ProjectKey) -> Arc<ProjectKey> {
        let key = Arc::new(key);
        self.known().insert(project.clone(), Arc::clone(&key));
        key
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectRef, Arc<ProjectKey>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Contract section 24: a group keeps its `@`.
fn user_id(project: &ProjectRef, sign_domain: &str) -> String {
    let ProjectRef { owner, name } = project;
    format!("{owner}_{name} <{owner}#{name}@copr.{sign_domain}>")
}

/// The oldest key of exactly this user id whose private part is here.
fn find_secret(context: &mut Context, user_id: &str) -> Result<Option<ProjectKey>, GpgError> {
    let keys: Vec<Key> = context.find_secret_keys([format!("={user_id}")])?.collect::<Result<_, _>>()?;
    let is_ours = |key: &Key| key.user_ids().any(|id| id.id() == Ok(user_id)) && !key.is_revoked();
    let made_at = |key: &Key| key.primary_key().and_then(|primary| primary.creation_time());
    let oldest = keys.into_iter().filter(is_ours).min_by_key(made_at);
    oldest.map(|key| with_public(context, key)).transpose()
}

fn make(context: &mut Context, user_id: &str) -> Result<ProjectKey, GpgError> {
    let flags = CreateKeyFlags::SIGN | CreateKeyFlags::NOPASSWD;
    let made = context.create_key_with_flags(user_id, ALGORITHM, FIVE_YEARS, flags)?;
    let fingerprint = made.fingerprint_raw().ok_or(GpgError::Answer("no fingerprint of a new key"))?;
    let key = context.get_secret_key(fingerprint)?;
    with_public(context, key)
}

fn with_public(context: &mut Context, key: Key) -> Result<ProjectKey, GpgError> {
    context.set_armor(true);
    let mut armored = Vec::new();
    context.export_keys([&key], ExportMode::MINIMAL, &mut armored)?;
    let armored = String::from_utf8(armored).map_err(|_| GpgError::Answer("a key that is not text"))?;
    let fingerprint = key.fingerprint().map_err(|_| GpgError::Answer("no fingerprint of a key"))?;
    let public = PublicKey {
        fingerprint: fingerprint.to_ascii_uppercase(),
        armored,
        algorithm: Default::default(),
        expires_on: None,
    };
    Ok(ProjectKey { key, public })
}

fn sign(
    context: &mut Context,
    key: &Key,
    form: SignatureForm,
    content: Vec<u8>,
) -> Result<Vec<u8>, GpgError> {
    context.set_armor(form == SignatureForm::Armored);
    context.clear_signers();
    context.add_signer(key)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_follow_copr_also_for_groups() {
        let of = |owner: &str| {
            let project = ProjectRef { owner: owner.parse().unwrap(), name: "gp".parse().unwrap() };
            user_id(&project, "example.org")
        };
        assert_eq!(of("alice"), "alice_gp <alice#gp@copr.example.org>");
        assert_eq!(of("@team"), "@team_gp <@team#gp@copr.example.org>");
    }
}
