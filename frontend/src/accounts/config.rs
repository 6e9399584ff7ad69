//! The section `[accounts]` of the configuration: who may come in, and how.

use std::path::PathBuf;

use serde::Deserialize;

use crate::ops::SignUp;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountsConfig {
    /// Whether people log in here with a password.
    pub passwords: bool,
    /// Who may make an account with a password: `closed`, `invitation` or `open`.
    pub sign_up: SignUp,
    /// How long the link of an invitation works.
    pub invitation_days: u32,
    /// So many wrong passwords in a row, and the account pauses.
    pub tries: u32,
    /// The same for one address, for whatever accounts.
    pub address_tries: u32,
    /// How long a pause is.
    pub pause_min: u32,
    /// Names of accounts that become administrators when they log in.
    pub admins: Vec<String>,
    /// Patterns of names; when there are any, nobody else logs in.
    pub allow_users: Vec<String>,
    /// Patterns of names that never log in.
    pub deny_users: Vec<String>,
    /// Patterns of teams that are not told to anybody here.
    pub ignore_teams: Vec<String>,
    /// Where else people may log in; the first one is offered first.
    pub providers: Vec<ProviderConfig>,
    pub kerberos: Option<KerberosConfig>,
    /// Whose CI jobs may be trusted by projects.
    pub trusted_issuers: Vec<IssuerConfig>,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            passwords: true,
            sign_up: SignUp::Closed,
            invitation_days: 7,
            tries: 5,
            address_tries: 50,
            pause_min: 10,
            admins: vec![],
            allow_users: vec![],
            deny_users: vec![],
            ignore_teams: vec![],
            providers: vec![],
            kerberos: None,
            trusted_issuers: vec![],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    Oidc,
    GitHub,
    GitLab,
}

/// Where people may log in instead of here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    pub kind: ProviderKind,
    /// Stands in our database: never change it.
    pub name: String,
    /// What people read.
    pub label: Option<String>,
    /// `oidc`: the issuer. `github`, `gitlab`: where the forge is, when it is not the public one.
    #[serde(alias = "url")]
    pub issuer: Option<String>,
    /// `github`: where its API is, when it is not the public one.
    pub api_url: Option<String>,
    pub client_id: String,
    /// `None`: a public client, which has none.
    pub client_secret_file: Option<PathBuf>,
    /// `oidc`: the claim that lists the person's teams.
    pub groups_claim: Option<String>,
    /// `oidc`: the claim that becomes the name of a new account.
    pub name_claim: Option<String>,
    pub scopes: Option<Vec<String>>,
    /// Accounts that nobody has logged in to yet are those of the persons whom the provider calls so. For accounts that
    /// were taken over from another build service.
    #[serde(default)]
    pub adopts_accounts: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KerberosConfig {
    pub keytab: PathBuf,
    /// `HTTP@host`, with the host of the public address.
    pub service: String,
    /// Only principals of this realm.
    pub realm: String,
    #[serde(default)]
    pub adopts_accounts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssuerKind {
    GitHub,
    GitLab,
    Forgejo,
}

/// A forge that signs what its CI jobs are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    pub kind: IssuerKind,
    /// Stands in our database: never change it.
    pub name: String,
    /// For example `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}
