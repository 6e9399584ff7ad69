//! Forges that sign what their CI jobs are.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use coppice_model::UnixTime;
use coppice_runtime::secret::hash_token;
use coppice_store::RepositoryIds;
use openidconnect::{
    ClaimsVerificationError, ClientId, IssuerUrl, Nonce,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{
    AccountsError,
    claims::{Claims, verified},
    config::{IssuerConfig, IssuerKind},
    http::{Http, HttpError},
};
use crate::ops::{Job, JobProof};

const FRESH: Duration = Duration::from_secs(3_600);
/// New keys are looked for at most so often when a signature does not hold.
const RETRY: Duration = Duration::from_secs(60);
/// A spent token is remembered a little longer than it holds: clocks of frontends differ.
const REMEMBERED_S: i64 = 300;

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("This is no identity token: it has three parts, divided by dots.")]
    NoToken,
    #[error("The issuer '{0}' is none that this service trusts. Ask its operators to add it.")]
    Stranger(String),
    #[error("The identity token does not hold: {0}. Ask for it anew, for the audience of this service.")]
    Wrong(String),
    #[error("The identity token does not say which repository its job is of.")]
    NoRepository,
    #[error("The issuer did not answer; try again in a moment.")]
    Unreachable(#[source] HttpError),
}

#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// What is read before anything is known to be true.
#[derive(Debug, Deserialize)]
struct Unverified {
    iss: String,
}

#[derive(Debug)]
pub struct Issuer {
    pub name: String,
    kind: IssuerKind,
    url: IssuerUrl,
    http: Http,
    keys: Mutex<Option<(Instant, CoreJsonWebKeySet)>>,
}

impl Issuer {
    pub fn new(config: &IssuerConfig, http: &Http) -> Result<Self, AccountsError> {
        let url = IssuerUrl::new(config.issuer.clone());
        Ok(Self {
            name: config.name.clone(),
            kind: config.kind,
            url: url.map_err(|_| AccountsError::Provider(config.name.clone()))?,
            http: http.clone(),
            keys: Mutex::default(),
        })
    }

    /// The job that a token was signed for, if it was signed for `audience`.
    pub async fn job(&self, text: &str, audience: &str) -> Result<(Job, JobProof), JobError> {
        let token = CoreIdToken::from_str(text).map_err(|_| JobError::NoToken)?;
        let claims = match self.verify(&token, audience, FRESH).await? {
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                self.verify(&token, audience, RETRY).await?
            }
            verdict => verdict,
        };
        let claims = claims.map_err(|error| JobError::Wrong(error.to_string()))?;
        let job = read(self.kind, &claims).ok_or(JobError::NoRepository)?;
        Ok((job, proof(text, &claims)))
    }

    async fn verify(
        &self,
        token: &CoreIdToken,
        audience: &str,
        fresh: Duration,
    ) -> Result<Result<Claims, ClaimsVerificationError>, JobError> {
        let keys = self.keys(fresh).await.map_err(JobError::Unreachable)?;
        let audience = ClientId::new(audience.to_owned());
        let verifier = CoreIdTokenVerifier::new_public_client(audience, self.url.clone(), keys);
        // Jobs have no browser that a nonce could be bound to.
        Ok(verified(token, verifier, |_: Option<&Nonce>| Ok(())))
    }

    /// Forges' documents lack what logins need, so only the keys' address is read.
    async fn keys(&self, fresh: Duration) -> Result<CoreJsonWebKeySet, HttpError> {
        let mut known = self.keys.lock().await;
        if let Some((_, keys)) = known.as_ref().filter(|(read, _)| read.elapsed() <= fresh) {
            return Ok(keys.clone());
        }
        let base = self.url.as_str().trim_end_matches('/');
        let found: Discovery = self.http.get(&format!("{base}/.well-known/openid-configuration")).await?;
        if found.issuer != self.url.as_str() {
            return Err(HttpError::Other { url: self.url.to_string(), told: found.issuer });
        }
        let keys: CoreJsonWebKeySet = self.http.get(&found.jwks_uri).await?;
        *known = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }
}

/// Who a token says it is from; nothing of it is believed yet.
pub fn choose<'a>(issuers: &'a [Issuer], token: &str) -> Result<&'a Issuer, JobError> {
    let middle = token.split('.').nth(1).ok_or(JobError::NoToken)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(middle.trim_end_matches('=')).map_err(|_| JobError::NoToken)?;
    let told: Unverified = serde_json::from_slice(&bytes).map_err(|_| JobError::NoToken)?;
    let found = issuers.iter().find(|issuer| issuer.url.as_str() == told.iss);
    found.ok_or(JobError::Stranger(told.iss))
}

/// The token's own number; Forgejo gives none.
fn proof(token: &str, claims: &Claims) -> JobProof {
    let own = claims.text("jti").map(|number| format!("jti {number}"));
    let end = claims.end().unwrap_or(i64::MAX);
    JobProof {
        id: own.unwrap_or_else(|| format!("sha256 {}", hash_token(token))),
        expires_at: UnixTime(end).plus_seconds(REMEMBERED_S),
    }
}

fn ids(claims: &Claims, repository: &str, owner: &str) -> Option<RepositoryIds> {
    Some(RepositoryIds { repository: claims.number(repository)?, owner: claims.number(owner)? })
}

fn read(kind: IssuerKind, claims: &Claims) -> Option<Job> {
    let text = |name: &str| claims.text(name).map(str::to_owned);
    let environment = text("environment");
    match kind {
        IssuerKind::GitHub | IssuerKind::Forgejo => Some(Job {
            repository: text("repository")?,
            // octo/app/.github/workflows/release.yml@refs/heads/main
            workflow: claims.text("workflow_ref").map(|at| last(at, '/')),
            environment,
            git_ref: text("ref"),
            ids: ids(claims, "repository_id", "repository_owner_id"),
        }),
        IssuerKind::GitLab => Some(Job {
            repository: text("project_path")?,
            // gitlab.com/group/app//.gitlab-ci.yml@refs/heads/main
            workflow: claims
                .text("ci_config_ref_uri")
                .and_then(|at| at.split_once("//"))
                .map(|(_, at)| before_at(at)),
            environment,
            git_ref: match (claims.text("ref_type"), claims.text("ref")) {
                (Some("tag"), Some(name)) => Some(format!("refs/tags/{name}")),
                (_, Some(name)) => Some(format!("refs/heads/{name}")),
                _ => None,
            },
            ids: ids(claims, "project_id", "namespace_id"),
        }),
    }
}

fn before_at(path: &str) -> String {
    path.split_once('@').map_or(path, |(path, _)| path).to_owned()
}

fn last(path: &str, divider: char) -> String {
    before_at(path).rsplit(divider).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(kind: IssuerKind, claims: Value) -> Option<Job> {
        read(kind, &Claims::new(claims.as_object().cloned().unwrap_or_default()))
    }

    #[test]
    fn jobs_are_read_as_their_forges_write_them() {
        let github = json!({
            "repository": "octo/app", "ref": "refs/heads/main", "environment": "copr",
            "workflow_ref": "octo/app/.github/workflows/release.yml@refs/heads/a/b",
            "repository_id": "74", "repository_owner_id": "65",
        });
        let forgejo = json!({
            "repository": "octo/app", "ref": "refs/heads/main", "repository_id": 74, "repository_owner_id": 65,
            "workflow_ref": "octo/app/.forgejo/workflows/release.yml@refs/heads/main",
        });
        let gitlab = json!({
            "project_path": "group/sub/app", "ref": "v1", "ref_type": "tag",
            "ci_config_ref_uri": "gitlab.com/group/sub/app//ci/release.yml@refs/tags/v1",
            "project_id": "74", "namespace_id": "65",
        });
        let expected = |repository: &str, workflow: &str, environment: Option<&str>, git_ref: &str| Job {
            repository: repository.into(),
            workflow: Some(workflow.into()),
            environment: environment.map(str::to_owned),
            git_ref: Some(git_ref.into()),
            ids: Some(RepositoryIds { repository: "74".into(), owner: "65".into() }),
        };
        assert_eq!(
            job(IssuerKind::GitHub, github).unwrap(),
            expected("octo/app", "release.yml", Some("copr"), "refs/heads/main")
        );
        assert_eq!(
            job(IssuerKind::GitLab, gitlab).unwrap(),
            expected("group/sub/app", "ci/release.yml", None, "refs/tags/v1")
        );
        assert_eq!(
            job(IssuerKind::Forgejo, forgejo).unwrap(),
            expected("octo/app", "release.yml", None, "refs/heads/main")
        );
        assert_eq!(job(IssuerKind::GitLab, json!({ "repository": "a/b" })), None);
        assert_eq!(
            job(IssuerKind::GitHub, json!({ "repository": "a/b", "repository_id": "1" })).unwrap().ids,
            None
        );
    }

    #[test]
    fn a_token_is_known_by_its_number_or_by_what_it_is() {
        let told = |claims: Value| proof("a.b.c", &Claims::new(claims.as_object().cloned().unwrap()));
        let numbered = told(json!({ "jti": "7", "exp": 1_000.5 }));
        assert_eq!((numbered.id.as_str(), numbered.expires_at), ("jti 7", UnixTime(1_301)));
        assert_eq!(told(json!({ "exp": 1 })).id, format!("sha256 {}", hash_token("a.b.c")));
    }
}
