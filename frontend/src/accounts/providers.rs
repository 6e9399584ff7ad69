//! Other services that people log in with.

use std::{error::Error as StdError, fs, path::Path};

use coppice_runtime::logging::with_causes;
use openidconnect::{ErrorResponse, RedirectUrl, RequestTokenError};
use serde::{Deserialize, Serialize};

use super::{
    AccountsError,
    config::{ProviderConfig, ProviderKind},
    forge::Forge,
    http::{Http, HttpError},
    oidc::Oidc,
};

/// Where providers send people back to. Copr's address: it stands in the providers' settings.
const CALLBACK: &str = "/oidc_auth/";

/// A person as a provider tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub subject: String,
    pub name: String,
    pub mail: Option<String>,
    /// `None`: it does not say.
    pub teams: Option<Vec<String>>,
}

/// What only this browser and we know of a login that goes on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub state: String,
    pub nonce: Option<String>,
    pub verifier: String,
}

#[derive(Debug)]
pub struct Started {
    /// Where the browser goes.
    pub url: String,
    pub asked: Asked,
}

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("it did not answer")]
    Unreachable,
    /// The code was used before, is too old, or is not ours.
    #[error("it does not know this login (any more): {0}")]
    Refused(String),
    #[error("what it sent does not hold: {0}")]
    Wrong(String),
}

impl LoginError {
    /// The cause is for the log.
    pub fn unreachable(cause: &(dyn StdError + 'static)) -> Self {
        tracing::warn!(error = %with_causes(cause), "a login provider could not be asked");
        Self::Unreachable
    }

    pub fn wrong(reason: impl Into<String>) -> Self {
        Self::Wrong(reason.into())
    }

    pub fn of_exchange<T: ErrorResponse + 'static>(error: RequestTokenError<HttpError, T>) -> Self {
        match error {
            RequestTokenError::ServerResponse(told) => Self::Refused(told.to_string()),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Self::wrong("its answer cannot be read")
            }
            other @ RequestTokenError::Request(_) => Self::unreachable(&other),
        }
    }
}

#[derive(Debug)]
enum Kind {
    Oidc(Box<Oidc>),
    Forge(Box<Forge>),
}

#[derive(Debug)]
pub struct Provider {
    pub name: String,
    pub label: String,
    pub adopts_accounts: bool,
    /// For the mark on its button.
    pub is_forge: bool,
    kind: Kind,
}

impl Provider {
    pub fn new(config: &ProviderConfig, public_url: &str, http: &Http) -> Result<Self, AccountsError> {
        let wrong = || AccountsError::Provider(config.name.clone());
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if config.name.is_empty() || !config.name.chars().all(is_plain) || config.name == crate::ops::KERBEROS
        {
            return Err(wrong());
        }
        let secret = config.client_secret_file.as_deref().map(read).transpose()?;
        let redirect = RedirectUrl::new(format!("{public_url}{CALLBACK}")).map_err(|_| wrong())?;
        let kind = match config.kind {
            ProviderKind::Oidc => {
                Kind::Oidc(Box::new(Oidc::new(config, secret, redirect, http.clone()).ok_or_else(wrong)?))
            }
            ProviderKind::GitHub | ProviderKind::GitLab => {
                Kind::Forge(Box::new(Forge::new(config, secret, redirect, http.clone()).ok_or_else(wrong)?))
            }
        };
        let usual = match config.kind {
            ProviderKind::Oidc => config.name.as_str(),
            ProviderKind::GitHub => "GitHub",
            ProviderKind::GitLab => "GitLab",
        };
        Ok(Self {
            name: config.name.clone(),
            label: config.label.clone().unwrap_or_else(|| usual.to_owned()),
            adopts_accounts: config.adopts_accounts,
            is_forge: config.kind != ProviderKind::Oidc,
            kind,
        })
    }

    pub async fn start(&self) -> Result<Started, LoginError> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.start().await,
            Kind::Forge(forge) => Ok(forge.start()),
        }
    }

    /// The provider sent the browser back with `code`.
    pub async fn finish(&self, code: String, asked: Asked) -> Result<Person, LoginError> {
        let person = match &self.kind {
            Kind::Oidc(oidc) => oidc.finish(code, asked).await?,
            Kind::Forge(forge) => forge.finish(code, asked).await?,
        };
        if person.subject.is_empty() {
            return Err(LoginError::wrong("it does not say who the person is"));
        }
        Ok(person)
    }
}

fn read(path: &Path) -> Result<String, AccountsError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| AccountsError::SecretFile { path: path.to_owned(), source })?;
    Ok(text.trim().to_owned())
}
