//! Who may come in at all, as the operator says.

use coppice_model::OwnerName;
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::OpError;
use crate::accounts::AccountsConfig;

/// The name of Kerberos among the providers.
pub const KERBEROS: &str = "kerberos";

/// Who may make an account with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    Closed,
    /// With the link of an administrator.
    Invitation,
    Open,
}

#[derive(Debug, thiserror::Error)]
#[error("{key} holds {pattern:?}, which is no pattern: write names with * and ? in it")]
pub struct RulesError {
    key: &'static str,
    pattern: String,
    source: globset::Error,
}

/// The operator's lists, ready to be asked.
#[derive(Debug)]
pub struct AccountRules {
    pub sign_up: SignUp,
    allow: Option<GlobSet>,
    deny: GlobSet,
    ignored_teams: GlobSet,
    admins: Vec<String>,
    /// Only accounts that come from there get a name of the operator's list of administrators.
    first_provider: Option<String>,
}

impl AccountsConfig {
    pub fn rules(&self) -> Result<AccountRules, RulesError> {
        let allow = (!self.allow_users.is_empty()).then(|| set("accounts.allow_users", &self.allow_users));
        let kerberos = self.kerberos.as_ref().map(|_| KERBEROS.to_owned());
        Ok(AccountRules {
            sign_up: self.sign_up,
            allow: allow.transpose()?,
            deny: set("accounts.deny_users", &self.deny_users)?,
            ignored_teams: set("accounts.ignore_teams", &self.ignore_teams)?,
            admins: self.admins.clone(),
            first_provider: self.providers.first().map(|first| first.name.clone()).or(kerberos),
        })
    }
}

fn set(key: &'static str, patterns: &[String]) -> Result<GlobSet, RulesError> {
    let mut builder = GlobSetBuilder::new();
    let wrong = |pattern: &str| {
        let pattern = pattern.to_owned();
        move |source| RulesError { key, pattern, source }
    };
    for pattern in patterns {
        builder.add(Glob::new(pattern).map_err(wrong(pattern))?);
    }
    builder.build().map_err(wrong(""))
}

impl AccountRules {
    /// Asked at every login, and before an account is made.
    pub fn ensure_admitted(&self, name: &str) -> Result<(), OpError> {
        let is_allowed = self.allow.as_ref().is_none_or(|allow| allow.is_match(name));
        if is_allowed && !self.deny.is_match(name) {
            return Ok(());
        }
        Err(OpError::Forbidden(format!(
            "'{name}' may not log in here: the operators keep a list of who may. Ask them to be added."
        )))
    }

    pub fn is_admin(&self, name: &OwnerName) -> bool {
        self.admins.iter().any(|admin| admin == name.as_str())
    }

    /// Whether a new account may not have this name: else whoever comes first with an administrator's name is one.
    /// `provider`: where the name comes from; `None`: it was typed.
    pub fn is_reserved(&self, name: &OwnerName, provider: Option<&str>) -> bool {
        self.is_admin(name) && (provider.is_none() || provider != self.first_provider.as_deref())
    }

    pub fn is_ignored_team(&self, team: &str) -> bool {
        self.ignored_teams.is_match(team)
    }
}
