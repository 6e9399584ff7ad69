//! The projects' keys. GnuPG's home is the truth about keys, the roles tell what each does for its project.

mod gnupg;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use coppice_model::{
    ProjectRef, UnixTime,
    signing::{KeyAlgorithm, KeyRing, KeyRole, PublicKey, RingKey, SignatureForm},
};
use coppice_runtime::Clock;

use crate::{
    config::{Config, SignBy},
    roles::{RoleFiles, Roles},
    signers::{GpgError, Signers},
    step::{Step, Watch},
    vault::{PrivateKey, Vault, VaultError},
};

/// Keys that wait for a project; no project can have this name.
pub const POOL: &str = "coppice pool key";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Gpg(#[from] GpgError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("reading or writing what a project's keys do")]
    Roles(#[from] io::Error),
    #[error("the key of {0} is not made yet: try again in a moment")]
    NoKey(ProjectRef),
    #[error("key {1} does not sign for {0}")]
    NotSigning(ProjectRef, String),
    #[error("a key cannot end in the past: give a later time")]
    Past,
    #[error("the work was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Between two tries to reach gpg-agent, which a killed service may have taken along.
const AGENT_PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];

/// How a key came to its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Existed,
    FromPool,
    Made,
}

#[derive(Debug)]
pub struct Keyring {
    signers: Signers,
    vault: Vault,
    roles: RoleFiles,
    clock: Clock,
    sign_domain: String,
    sign_by: SignBy,
    lifetime: Duration,
    watch: Watch,
    known: Mutex<HashMap<String, PublicKey>>,
    /// Look-up and change are one step.
    changing: tokio::sync::Mutex<()>,
}

impl Keyring {
    pub fn new(signers: Signers, config: &Config, clock: Clock) -> Self {
        Self {
            signers,
            vault: Vault::new(config.keys_in_memory),
            roles: RoleFiles::new(&config.data_dir),
            clock,
            sign_domain: config.sign_domain.clone(),
            sign_by: config.sign_by,
            lifetime: Duration::from_secs(u64::from(config.key_lifetime_days) * 86_400),
            watch: config.watch.clone(),
            known: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// Whether GnuPG works at all; starts its agent.
    pub async fn check(&self) -> Result<(), KeyError> {
        Ok(self.signers.call(|context| gnupg::find(context, "coppice start-up check").map(drop)).await?)
    }

    /// The current key.
    pub async fn find(&self, project: &ProjectRef) -> Result<Option<PublicKey>, KeyError> {
        let Some(roles) = self.roles_of(project).await? else { return Ok(None) };
        match roles.with(KeyRole::Current) {
            Some(fingerprint) => self.public(project, fingerprint).await.map(Some),
            None => Ok(None),
        }
    }

    /// All keys, the current one first.
    pub async fn ring(&self, project: &ProjectRef) -> Result<KeyRing, KeyError> {
        let roles = self.roles_of(project).await?.ok_or_else(|| KeyError::NoKey(project.clone()))?;
        let mut keys = Vec::new();
        for holder in &roles.0 {
            let key = self.public(project, &holder.fingerprint).await?;
            keys.push(RingKey { role: holder.role, key });
        }
        Ok(KeyRing { keys })
    }

    /// Makes the first key unless there is one.
    pub async fn create(
        &self,
        project: &ProjectRef,
        algorithm: KeyAlgorithm,
    ) -> Result<(PublicKey, Origin), KeyError> {
        let _alone = self.changing.lock().await;
        if let Some(existing) = self.find(project).await? {
            return Ok((existing, Origin::Existed));
        }
        let (fingerprint, origin) = self.new_key(project, algorithm).await?;
        self.put_roles(project, &Roles::only(&fingerprint))?;
        Ok((self.public(project, &fingerprint).await?, origin))
    }

    /// Lets the current key live until `end`; the same again changes nothing.
    pub async fn renew(&self, project: &ProjectRef, end: UnixTime) -> Result<PublicKey, KeyError> {
        let _alone = self.changing.lock().await;
        let key = self.find(project).await?.ok_or_else(|| KeyError::NoKey(project.clone()))?;
        if key.expires_on == Some(end) {
            return Ok(key);
        }
        let left = u64::try_from(end.0 - self.clock.now().0).ok().filter(|left| *left > 0);
        let left = Duration::from_secs(left.ok_or(KeyError::Past)?);
        let fingerprint = key.fingerprint.clone();
        self.signers.call(move |context| gnupg::set_end(context, &fingerprint, left)).await?;
        self.watch.done(Step::EndSet)?;
        self.known().remove(&key.fingerprint);
        self.public(project, &key.fingerprint).await
    }

    /// Begins a rotation, or finds the one that is under way.
    pub async fn begin_rotation(
        &self,
        project: &ProjectRef,
        algorithm: Option<KeyAlgorithm>,
    ) -> Result<KeyRing, KeyError> {
        let alone = self.changing.lock().await;
        let mut roles = self.roles_of(project).await?.ok_or_else(|| KeyError::NoKey(project.clone()))?;
        if roles.with(KeyRole::Next).is_none() {
            let current = self.find(project).await?.map(|key| key.algorithm);
            let algorithm = algorithm.or(current).unwrap_or_default();
            let next = match self.orphan(project, &roles).await? {
                Some(orphan) => orphan,
                None => self.new_key(project, algorithm).await?.0,
            };
            roles.begin(&next);
            self.put_roles(project, &roles)?;
        }
        drop(alone);
        self.ring(project).await
    }

    /// The next key is the current one now. A compromised old one is revoked for everybody.
    pub async fn finish_rotation(
        &self,
        project: &ProjectRef,
        next: &str,
        compromised: bool,
    ) -> Result<KeyRing, KeyError> {
        let alone = self.changing.lock().await;
        let mut roles = self.roles_of(project).await?.ok_or_else(|| KeyError::NoKey(project.clone()))?;
        if !matches!(roles.of(next), Some(KeyRole::Next | KeyRole::Current)) {
            return Err(KeyError::NotSigning(project.clone(), next.to_owned()));
        }
        if let Some(old) = roles.with(KeyRole::Current).filter(|old| *old != next) {
            self.vault.forget(old);
        }
        roles.finish(next, compromised);
        self.put_roles(project, &roles)?;
        drop(alone);
        self.ring(project).await
    }

    /// The key that a request names, if it signs for the project.
    pub async fn signing(&self, project: &ProjectRef, key: Option<&str>) -> Result<PublicKey, KeyError> {
        let Some(wanted) = key else {
            return self.find(project).await?.ok_or_else(|| KeyError::NoKey(project.clone()));
        };
        let roles = self.roles_of(project).await?.ok_or_else(|| KeyError::NoKey(project.clone()))?;
        match roles.of(wanted) {
            Some(KeyRole::Current | KeyRole::Next) => self.public(project, wanted).await,
            _ => Err(KeyError::NotSigning(project.clone(), wanted.to_owned())),
        }
    }

    /// A detached signature.
    pub async fn sign(&self, key: &str, form: SignatureForm, content: Vec<u8>) -> Result<Vec<u8>, KeyError> {
        let fingerprint = key.to_owned();
        if self.sign_by == SignBy::Gnupg {
            let signed = self.signers.call(move |context| gnupg::sign(context, &fingerprint, form, content));
            return Ok(signed.await?);
        }
        let (private, now) = (self.private(fingerprint).await?, self.clock.now());
        let signed = tokio::task::spawn_blocking(move || private.sign(form, &content, now));
        Ok(signed.await??)
    }

    /// Makes keys ahead, so that no new project waits; says how many it made.
    pub async fn fill_pool(&self, wanted: usize) -> Result<usize, KeyError> {
        let pooled = self.signers.call(gnupg::find_pooled).await?.len();
        let lifetime = self.lifetime;
        for _ in pooled..wanted {
            self.signers
                .call(move |context| gnupg::make(context, POOL, KeyAlgorithm::Rsa4096, lifetime))
                .await?;
        }
        Ok(wanted.saturating_sub(pooled))
    }

    /// A key of the project that a killed service made and did not note.
    async fn orphan(&self, project: &ProjectRef, roles: &Roles) -> Result<Option<String>, KeyError> {
        let user_id = user_id(project, &self.sign_domain);
        let all = self.signers.call(move |context| gnupg::find(context, &user_id)).await?;
        Ok(all.into_iter().find(|fingerprint| roles.of(fingerprint).is_none()))
    }

    async fn new_key(
        &self,
        project: &ProjectRef,
        algorithm: KeyAlgorithm,
    ) -> Result<(String, Origin), KeyError> {
        let (user_id, lifetime) = (user_id(project, &self.sign_domain), self.lifetime);
        let made = self.signers.call(move |context| {
            if algorithm == KeyAlgorithm::Rsa4096
                && let Some(pooled) = gnupg::find_pooled(context)?.into_iter().next()
            {
                gnupg::name(context, &pooled, &user_id)?;
                return Ok((pooled, Origin::FromPool));
            }
            Ok((gnupg::make(context, &user_id, algorithm, lifetime)?, Origin::Made))
        });
        let made = made.await?;
        self.watch.done(Step::KeyMade)?;
        Ok(made)
    }

    fn put_roles(&self, project: &ProjectRef, roles: &Roles) -> io::Result<()> {
        self.roles.put(project, roles)?;
        self.watch.done(Step::RolesWritten)
    }

    /// A project from before there were roles has its oldest key.
    async fn roles_of(&self, project: &ProjectRef) -> Result<Option<Roles>, KeyError> {
        if let Some(roles) = self.roles.get(project)? {
            return Ok(Some(roles));
        }
        let user_id = user_id(project, &self.sign_domain);
        let found = self.signers.call(move |context| gnupg::find(context, &user_id)).await?;
        let Some(oldest) = found.first() else { return Ok(None) };
        let roles = Roles::only(oldest);
        self.roles.put(project, &roles)?;
        Ok(Some(roles))
    }

    async fn public(&self, project: &ProjectRef, fingerprint: &str) -> Result<PublicKey, KeyError> {
        if let Some(known) = self.known().get(fingerprint) {
            return Ok(known.clone());
        }
        let (user_id, wanted) = (user_id(project, &self.sign_domain), fingerprint.to_owned());
        let key = self.signers.call(move |context| gnupg::public(context, &wanted, &user_id)).await?;
        self.known().insert(fingerprint.to_owned(), key.clone());
        Ok(key)
    }

    async fn private(&self, fingerprint: String) -> Result<Arc<PrivateKey>, KeyError> {
        if let Some(known) = self.vault.find(&fingerprint) {
            return Ok(known);
        }
        for pause in AGENT_PAUSES {
            let wanted = fingerprint.clone();
            match self.signers.call(move |context| gnupg::private(context, &wanted)).await {
                // A new agent is started by the next call.
                Err(GpgError::NoAgent) => tokio::time::sleep(pause).await,
                exported => return Ok(self.vault.put(&fingerprint, PrivateKey::read(&exported?)?)),
            }
        }
        Err(GpgError::NoAgent.into())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, PublicKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Contract section 24: a group keeps its `@`.
fn user_id(project: &ProjectRef, sign_domain: &str) -> String {
    let ProjectRef { owner, name } = project;
    format!("{owner}_{name} <{owner}#{name}@copr.{sign_domain}>")
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
