//! Makes the key that a message asks for.

use std::sync::Arc;

use coppice_model::messages::{ActionDone, CreateKey, KeygenTask, Report};
use coppice_runtime::{Bus, BusError, Clock, Envelope, Handler, Verdict, logging::with_causes};

use crate::{
    audit::{Audit, Entry, Outcome},
    keyring::Keyring,
    signers::GpgError,
};

#[derive(Debug, thiserror::Error)]
enum CreationError {
    #[error("making a key")]
    Key(#[from] GpgError),
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
}

impl Handler<KeygenTask> for Creator {
    async fn handle(&self, envelope: Envelope<KeygenTask>) -> Verdict {
        let done = match envelope.body {
            KeygenTask::CreateKeyV1(create) => self.create(&create).await,
            KeygenTask::RenewKeyV1(_) => return Verdict::Dead("not built yet".into()),
        };
        match done {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::Retry(with_causes(&error)),
        }
    }
}

impl Creator {
    async fn create(&self, create: &CreateKey) -> Result<(), CreationError> {
        let (key, is_new) = self.keyring.create(&create.project).await?;
        let fingerprint = key.public.fingerprint.clone();
        if is_new {
            tracing::info!(project = %create.project, fingerprint, "made a key");
            self.audit.write(&[entry(create, &fingerprint)])?;
        }
        let fingerprint = Some(fingerprint);
        let done = ActionDone {
            action: create.action,
            error: None,
            fingerprint,
            key_expires_on: None,
            at: self.clock.now(),
        };
        Ok(self.bus.send(&Report::ActionDoneV1(done)).await?)
    }
}

fn entry(create: &CreateKey, fingerprint: &str) -> Entry {
    Entry {
        outcome: Outcome::KeyMade,
        who: "bus".into(),
        project: create.project.to_string(),
        label: None,
        sha256: None,
        fingerprint: Some(fingerprint.to_owned()),
        reason: None,
    }
}
