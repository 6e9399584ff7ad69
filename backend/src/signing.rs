//! The backend's questions to keygen: a project's public key, and signatures.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_model::{
    ProjectRef,
    signing::{
        BeginRotation, EndRotation, Grant, KeyRing, PublicKey, SignItem, SignRequest, SignatureForm,
        Signatures,
    },
};
use coppice_runtime::Secret;
use reqwest::{Method, StatusCode};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const REQUEST_LIMIT: Duration = Duration::from_secs(120);
/// What goes into one request, before Base64; one larger item goes alone.
const BATCH_BYTES: usize = 8 << 20;
const BATCH_ITEMS: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    #[error("preparing the connection to keygen")]
    Client(#[source] reqwest::Error),
    #[error("asking keygen")]
    Unreachable(#[source] reqwest::Error),
    #[error("keygen refused ({0}): {1}")]
    Refused(StatusCode, String),
    #[error("the project {0} has no key yet")]
    NoKey(ProjectRef),
    #[error("keygen signed with key {got} instead of {wanted}")]
    OtherKey { wanted: String, got: String },
    #[error("keygen's answer does not fit the question")]
    Nonsense,
}

/// Something to be signed.
#[derive(Debug, Clone)]
pub struct Unsigned {
    pub label: String,
    pub content: Vec<u8>,
}

/// Whose key signs, and by whose leave.
#[derive(Debug, Clone, Copy)]
pub struct SignWith<'a> {
    pub project: &'a ProjectRef,
    /// Fingerprint.
    pub key: &'a str,
    pub grant: Option<&'a Grant>,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keygen {
    client: reqwest::Client,
    url: String,
    secret: Secret,
}

impl Keygen {
    pub fn new(url: &str, secret: Secret) -> Result<Self, SigningError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(REQUEST_LIMIT)
            .no_proxy()
            .build()
            .map_err(SigningError::Client)?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), secret })
    }

    /// `None` while keygen has not made the key yet.
    pub async fn find(&self, project: &ProjectRef) -> Result<Option<PublicKey>, SigningError> {
        let request = self.request(Method::GET, project, "");
        let response = request.send().await.map_err(SigningError::Unreachable)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            _ => answer(response).await.map(Some),
        }
    }

    pub async fn get(&self, project: &ProjectRef) -> Result<PublicKey, SigningError> {
        self.find(project).await?.ok_or_else(|| SigningError::NoKey(project.clone()))
    }

    /// All keys of the project.
    pub async fn ring(&self, project: &ProjectRef) -> Result<KeyRing, SigningError> {
        let response = self.request(Method::GET, project, "/all").send().await;
        let response = response.map_err(SigningError::Unreachable)?;
        match response.status() {
            StatusCode::NOT_FOUND => Err(SigningError::NoKey(project.clone())),
            _ => answer(response).await,
        }
    }

    pub async fn begin_rotation(
        &self,
        project: &ProjectRef,
        begin: &BeginRotation,
    ) -> Result<KeyRing, SigningError> {
        let request = self.request(Method::POST, project, "/rotate").json(begin);
        answer(request.send().await.map_err(SigningError::Unreachable)?).await
    }

    pub async fn end_rotation(
        &self,
        project: &ProjectRef,
        end: &EndRotation,
    ) -> Result<KeyRing, SigningError> {
        let request = self.request(Method::POST, project, "/rotate/finish").json(end);
        answer(request.send().await.map_err(SigningError::Unreachable)?).await
    }

    /// Detached signatures by exactly this key, in the order of `items`.
    pub async fn sign(
        &self,
        with: SignWith<'_>,
        form: SignatureForm,
        items: &[Unsigned],
    ) -> Result<Vec<Vec<u8>>, SigningError> {
        let mut signatures = Vec::with_capacity(items.len());
        let mut rest = items;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_len(rest));
            signatures.extend(self.sign_batch(with, form, batch).await?);
            rest = later;
        }
        Ok(signatures)
    }

    async fn sign_batch(
        &self,
        with: SignWith<'_>,
        form: SignatureForm,
        batch: &[Unsigned],
    ) -> Result<Vec<Vec<u8>>, SigningError> {
        let items = batch.iter().map(|item| SignItem {
            label: item.label.clone(),
            form,
            content: BASE64_STANDARD.encode(&item.content),
        });
        let SignWith { project, key, grant } = with;
        let (fingerprint, grant) = (key.to_owned(), grant.cloned());
        let question = SignRequest { key: Some(fingerprint), grant, items: items.collect() };
        let request = self.request(Method::POST, project, "/sign").json(&question);
        let response = request.send().await.map_err(SigningError::Unreachable)?;
        let answer: Signatures = answer(response).await?;
        if !answer.fingerprint.eq_ignore_ascii_case(key) {
            return Err(SigningError::OtherKey { wanted: key.to_owned(), got: answer.fingerprint });
        }
        let decoded = answer.signatures.iter().map(|text| BASE64_STANDARD.decode(text));
        let decoded = decoded.collect::<Result<Vec<_>, _>>().map_err(|_| SigningError::Nonsense)?;
        if decoded.len() == batch.len() { Ok(decoded) } else { Err(SigningError::Nonsense) }
    }

    fn request(&self, method: Method, project: &ProjectRef, rest: &str) -> reqwest::RequestBuilder {
        let owner = project.owner.as_str().replace('@', "%40");
        let url = format!("{}/v1/keys/{owner}/{}{rest}", self.url, project.name);
        self.client.request(method, url).bearer_auth(self.secret.expose())
    }
}

async fn answer<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> Result<T, SigningError> {
    let status = response.status();
    if status.is_success() {
        return response.json().await.map_err(SigningError::Unreachable);
    }
    let said: serde_json::Value = response.json().await.unwrap_or_default();
    Err(SigningError::Refused(status, said["error"].as_str().unwrap_or("without a word").to_owned()))
}

/// How many of the items go together; at least one.
fn batch_len(items: &[Unsigned]) -> usize {
    let mut bytes = 0;
    let fitting = items.iter().take(BATCH_ITEMS).take_while(|item| {
        bytes += item.content.len();
        bytes <= BATCH_BYTES
    });
    fitting.count().max(1)
}
