//! Makes and renews keys, as messages ask for it.

use std::sync::Arc;

use coppice_model::{
    ActionId, ProjectRef,
    messages::{ActionDone, CreateKey, KeygenTask, RenewKey, Report},
    signing::PublicKey,
};
use coppice_runtime::{Bus, BusError, Clock, Envelope, Handler, Verdict, logging::with_causes};
use tokio::sync::Notify;

use crate::{
    audit::{Audit, Entry, Outcome},
    keyring::{KeyError, Keyring, Origin},
    step::{Step, Watch},
};

#[derive(Debug, thiserror::Error)]
enum CreationError {
    #[error("making or changing a key")]
    Key(#[from] KeyError),
    #[error("writing to the audit log")]
    Audit(#[from] std::io::Error),
    #[error("telling of a key")]
    Report(#[from] BusError),
}

/// Handles the messages for keygen.
#[derive(Debug)]
pub struct Creator {
    pub bus: Bus,
    pub clock: Clock,
    pub keyring: Arc<Keyring>,
    pub audit: Arc<Audit>,
    pub watch: Watch,
    /// Somebody took a key out of the pool.
    pub pool_shrank: Arc<Notify>,
}

impl Handler<KeygenTask> for Creator {
    async fn handle(&self, envelope: Envelope<KeygenTask>) -> Verdict {
        let done = match &envelope.body {
            KeygenTask::CreateKeyV1(create) => self.create(create).await,
            KeygenTask::RenewKeyV1(renew) => self.renew(renew).await,
        };
        match done {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::Retry(with_causes(&error)),
        }
    }
}

impl Creator {
    async fn create(&self, create: &CreateKey) -> Result<(), CreationError> {
        let (key, origin) = self.keyring.create(&create.project, create.algorithm).await?;
        let outcome = match origin {
            Origin::Existed => None,
            Origin::Made => Some(Outcome::KeyMade),
            Origin::FromPool => Some(Outcome::KeyTakenFromPool),
        };
        if let Some(outcome) = outcome {
            tracing::info!(project = %create.project, fingerprint = key.fingerprint, "made a key");
            self.note(outcome, create.action, &create.project, &key)?;
        }
        if origin == Origin::FromPool {
            self.pool_shrank.notify_one();
        }
        self.report(create.action, Ok(key)).await
    }

    async fn renew(&self, renew: &RenewKey) -> Result<(), CreationError> {
        let renewed = match self.keyring.renew(&renew.project, renew.expires_on).await {
            Err(refused @ (KeyError::Past | KeyError::NoKey(_))) => Err(refused.to_string()),
            renewed => Ok(renewed?),
        };
        if let Ok(key) = &renewed {
            self.note(Outcome::KeyRenewed, renew.action, &renew.project, key)?;
        }
        self.report(renew.action, renewed).await
    }

    fn note(
        &self,
        outcome: Outcome,
        action: ActionId,
        project: &ProjectRef,
        key: &PublicKey,
    ) -> std::io::Result<()> {
        let entry = Entry::new(outcome, "bus", project.to_string());
        let subject = Some(format!("action/{action}"));
        self.audit.write(&[Entry { subject, fingerprint: Some(key.fingerprint.clone()), ..entry }])?;
        self.watch.done(Step::Logged)
    }

    async fn report(&self, action: ActionId, key: Result<PublicKey, String>) -> Result<(), CreationError> {
        let at = self.clock.now();
        let done = match key {
            Ok(PublicKey { fingerprint, expires_on, .. }) => ActionDone {
                taken: None,
                action,
                error: None,
                fingerprint: Some(fingerprint),
                key_expires_on: expires_on,
                at,
            },
            Err(error) => ActionDone {
                action,
                error: Some(error),
                fingerprint: None,
                key_expires_on: None,
                taken: None,
                at,
            },
        };
        Ok(self.bus.send(&Report::ActionDoneV1(done)).await?)
    }
}
