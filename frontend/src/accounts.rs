//! Who comes in, and how: passwords, other services that people log in with, and how often they may guess.

mod config;
mod passwords;
mod throttle;

use std::{net::IpAddr, sync::Arc};

use actix_web::{HttpRequest, http::header::USER_AGENT};
use coppice_runtime::Secret;

use crate::{
    config::Config,
    ops::{AccountRules, Login, RulesError},
};

pub use config::AccountsConfig;
pub use passwords::{PasswordError, Passwords};
pub use throttle::{Paused, Throttle, Try};

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error(transparent)]
    Rules(#[from] RulesError),
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
    behind_proxy: bool,
}

impl Accounts {
    /// `secret` is the server's; another one is made of it, so that no seal serves two purposes.
    pub fn open(config: &Config, secret: &Secret) -> Result<Self, AccountsError> {
        Ok(Self {
            rules: Arc::new(config.accounts.rules()?),
            passwords: Passwords::new()?,
            throttle: Throttle::new(&config.accounts),
            has_passwords: config.accounts.passwords,
            invitation_days: config.accounts.invitation_days,
            seal: Secret::from(secret.seal("what a browser keeps during a login")),
            behind_proxy: config.http.behind_proxy,
        })
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
