use serde::{Deserialize, Serialize};

use super::Message;
use crate::{ActionId, ProjectRef};

/// Work for keygen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeygenTask {
    CreateKeyV1(CreateKey),
}

/// Make the project's key pair unless it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateKey {
    pub action: ActionId,
    pub project: ProjectRef,
}

impl Message for KeygenTask {
    const STREAM: &'static str = "coppice:keygen";
    const GROUP: &'static str = "keygen";

    fn key(&self) -> String {
        match self {
            Self::CreateKeyV1(create) => format!("key/{}", create.project),
        }
    }
}
