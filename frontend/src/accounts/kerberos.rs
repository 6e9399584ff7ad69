//! Kerberos tickets of browsers and of copr-cli.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_kerberos::{Acceptor, KerberosError};
use coppice_runtime::logging::with_causes;
use coppice_store::NewIdentity;
use tokio::task::spawn_blocking;

use super::{AccountsError, config::KerberosConfig};
use crate::ops::{Arrival, KERBEROS};

/// Why a ticket does not log anybody in.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("it is not enabled on this server, use an API token")]
    Off,
    /// The client is asked for one.
    #[error("no Kerberos ticket came with the request; get one with kinit")]
    Absent,
    #[error("the ticket was not accepted; get a new one with kinit")]
    Refused,
    #[error("the ticket is for '{0}', which is no user of this realm")]
    Stranger(String),
}

/// Somebody with a good ticket, and what the client gets to know us by.
#[derive(Debug)]
pub struct Guest {
    pub who: Arrival,
    /// For the header `WWW-Authenticate`.
    pub reply: String,
}

#[derive(Debug)]
pub struct Kerberos {
    acceptor: Acceptor,
    realm: String,
    adopts_accounts: bool,
}

impl Kerberos {
    /// A keytab that cannot be read now is told in the log only: other ways to log in work without it.
    pub fn new(config: &KerberosConfig) -> Result<Self, AccountsError> {
        let acceptor = Acceptor::new(&config.keytab, &config.service)?;
        if let Err(error) = acceptor.check() {
            tracing::error!(error = %with_causes(&error), "nobody can log in by Kerberos");
        }
        Ok(Self { acceptor, realm: config.realm.clone(), adopts_accounts: config.adopts_accounts })
    }

    pub async fn guest(&self, request: &HttpRequest) -> Result<Guest, TicketError> {
        let token = negotiated(request).ok_or(TicketError::Absent)?;
        let acceptor = self.acceptor.clone();
        let accepted = spawn_blocking(move || acceptor.accept(&token)).await;
        let accepted = accepted.map_err(|_| TicketError::Refused)?.map_err(refused)?;
        let name = local_part(&accepted.principal, &self.realm)
            .ok_or_else(|| TicketError::Stranger(accepted.principal.clone()))?;
        let identity = NewIdentity {
            provider: KERBEROS.into(),
            subject: accepted.principal.clone(),
            label: name.to_owned(),
        };
        let who = Arrival { identity, mail: None, teams: None, adopts_accounts: self.adopts_accounts };
        Ok(Guest { who, reply: format!("Negotiate {}", BASE64_STANDARD.encode(&accepted.reply)) })
    }
}

fn refused(error: KerberosError) -> TicketError {
    tracing::warn!(error = %with_causes(&error), "a Kerberos ticket was refused");
    TicketError::Refused
}

fn negotiated(request: &HttpRequest) -> Option<Vec<u8>> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let is_ours = scheme.eq_ignore_ascii_case("negotiate");
    is_ours.then(|| BASE64_STANDARD.decode(token.trim()).ok()).flatten()
}

/// People only: services and instances have a slash in their names.
fn local_part<'a>(principal: &'a str, realm: &str) -> Option<&'a str> {
    let (name, of) = principal.rsplit_once('@')?;
    let is_person = of == realm && !name.is_empty() && !name.contains(['/', '@', '\\']);
    is_person.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_of_the_realm_come_in() {
        assert_eq!(local_part("alice@EXAMPLE.COM", "EXAMPLE.COM"), Some("alice"));
        for stranger in
            ["alice@EVIL.COM", "host/a.example.com@EXAMPLE.COM", "alice", "@EXAMPLE.COM", "a\\@b@EXAMPLE.COM"]
        {
            assert_eq!(local_part(stranger, "EXAMPLE.COM"), None, "{stranger}");
        }
    }
}
