//! Who comes in, and how: passwords, other services that people log in with, and how often they may guess.

mod claims;
mod config;
mod forge;
mod http;
mod issuers;
mod kerberos;
mod oidc;
mod passwords;
mod providers;
mod throttle;

use std::{io, net::IpAddr, path::PathBuf, sync::Arc};

use actix_web::{HttpRequest, http::header::USER_AGENT};
use coppice_runtime::Secret;

use self::{http::Http, issuers::Issuer, kerberos::Kerberos};
use crate::{
    config::Config,
    ops::{AccountRules, Job, JobProof, KERBEROS, Login, RulesError},
};

pub use config::AccountsConfig;
pub use http::HttpError;
pub use issuers::JobError;
pub use kerberos::{Guest, TicketError};
pub use passwords::{PasswordError, Passwords};
pub use providers::{Asked, LoginError, Person, Provider};
pub use throttle::{Paused, Throttle, Try};

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(
        "the login provider {0:?} cannot be used: its name must be of small letters, digits and dashes, and its addresses \
         whole, as https://accounts.example.com"
    )]
    Provider(String),
    #[error("reading {}", path.display())]
    SecretFile { path: PathBuf, source: io::Error },
    #[error("preparing logins by Kerberos")]
    Kerberos(#[from] coppice_kerberos::KerberosError),
    #[error("preparing the passwords")]
    Passwords(#[from] PasswordError),
}

/// What pages need to let somebody in.
#[derive(Debug)]
pub struct Accounts {
    pub rules: Arc<AccountRules>,
    pub passwords: Passwords,
    pub throttle: Throttle,
    /// Whether people log in with passwords at all.
    pub has_passwords: bool,
    pub invitation_days: u32,
    /// Seals what a browser keeps for us in the middle of a login.
    pub seal: Secret,
    providers: Vec<Provider>,
    issuers: Vec<Issuer>,
    kerberos: Option<Kerberos>,
    behind_proxy: bool,
}

impl Accounts {
    /// `secret` is the server's; another one is made of it, so that no seal serves two purposes.
    pub fn open(config: &Config, secret: &Secret) -> Result<Self, AccountsError> {
        let http = Http::new()?;
        let public_url = config.public_url.trim_end_matches('/');
        let providers = config.accounts.providers.iter().map(|one| Provider::new(one, public_url, &http));
        let issuers = config.accounts.trusted_issuers.iter().map(|one| Issuer::new(one, &http));
        Ok(Self {
            providers: providers.collect::<Result<_, _>>()?,
            issuers: issuers.collect::<Result<_, _>>()?,
            kerberos: config.accounts.kerberos.as_ref().map(Kerberos::new).transpose()?,
            rules: Arc::new(config.accounts.rules()?),
            passwords: Passwords::new()?,
            throttle: Throttle::new(&config.accounts),
            has_passwords: config.accounts.passwords,
            invitation_days: config.accounts.invitation_days,
            seal: Secret::from(secret.seal("what a browser keeps during a login")),
            behind_proxy: config.http.behind_proxy,
        })
    }

    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The one of that name, or the first.
    pub fn provider(&self, name: Option<&str>) -> Option<&Provider> {
        match name {
            Some(name) => self.providers.iter().find(|provider| provider.name == name),
            None => self.providers.first(),
        }
    }

    /// What people read of a provider, also of one that is configured no more.
    pub fn label(&self, name: &str) -> String {
        match name {
            KERBEROS => "Kerberos".to_owned(),
            _ => self.provider(Some(name)).map_or_else(|| name.to_owned(), |known| known.label.clone()),
        }
    }

    pub fn has_kerberos(&self) -> bool {
        self.kerberos.is_some()
    }

    /// Who sent a good Kerberos ticket with the request.
    pub async fn guest(&self, request: &HttpRequest) -> Result<Guest, TicketError> {
        match &self.kerberos {
            Some(kerberos) => kerberos.guest(request).await,
            None => Err(TicketError::Off),
        }
    }

    /// Whose CI jobs projects may trust.
    pub fn issuer_names(&self) -> Vec<String> {
        self.issuers.iter().map(|issuer| issuer.name.clone()).collect()
    }

    /// The name of who signed a token, the job that it was signed for, and how the token is known again.
    pub async fn job(&self, token: &str, audience: &str) -> Result<(String, Job, JobProof), JobError> {
        let issuer = issuers::choose(&self.issuers, token)?;
        let (job, proof) = issuer.job(token, audience).await?;
        Ok((issuer.name.clone(), job, proof))
    }

    /// Where somebody comes from.
    pub fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        if self.behind_proxy {
            return request.connection_info().realip_remote_addr()?.parse().ok();
        }
        Some(request.peer_addr()?.ip())
    }

    /// What the user will read of this login in the list of devices.
    pub fn login(&self, request: &HttpRequest, method: &str) -> Login {
        let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Login {
            method: method.to_owned(),
            address: self.address(request).map(|address| address.to_string()).unwrap_or_default(),
            agent: agent.unwrap_or_default().to_owned(),
        }
    }
}
