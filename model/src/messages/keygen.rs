use serde::{Deserialize, Serialize};

use super::Message;
use crate::{ActionId, ProjectRef, UnixTime, signing::KeyAlgorithm};

/// Work for keygen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeygenTask {
    CreateKeyV1(CreateKey),
    RenewKeyV1(RenewKey),
}

/// Make the project's key pair unless it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateKey {
    pub action: ActionId,
    pub project: ProjectRef,
    #[serde(default)]
    pub algorithm: KeyAlgorithm,
}

/// Let the project's key live longer; its fingerprint and all its signatures stay good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewKey {
    pub action: ActionId,
    pub project: ProjectRef,
    pub expires_on: UnixTime,
}

impl Message for KeygenTask {
    const STREAM: &'static str = "coppice:keygen";
    const GROUP: &'static str = "keygen";

    fn key(&self) -> String {
        match self {
            Self::CreateKeyV1(create) => format!("key/{}", create.project),
            Self::RenewKeyV1(renew) => format!("action/{}", renew.action),
        }
    }
}
