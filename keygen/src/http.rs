//! Public keys, signatures and rotations, each for those who may have it.

mod refusal;

use std::{net::TcpListener, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceRequest, ServiceResponse},
    http::{Method, header::AUTHORIZATION},
    middleware::{Next, from_fn},
    web,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_model::{
    OwnerName, ProjectName, ProjectRef,
    signing::{
        BeginRotation, EndRotation, Grant, GrantClaims, KeyRing, KeyRole, PublicKey, SignItem, SignRequest,
        Signatures,
    },
};
use coppice_runtime::{
    Clock, Secret, Stop,
    health::{self, Metrics},
};
use prometheus::IntCounterVec;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    audit::{Audit, Entry, Outcome},
    config::Limits,
    keyring::{KeyError, Keyring},
    step::{Step, Watch},
};

use refusal::Refusal;

const SHUTDOWN_S: u64 = 5;

/// What the handlers share.
#[derive(Debug)]
pub struct Desk {
    pub keyring: Arc<Keyring>,
    pub audit: Arc<Audit>,
    /// Shared with the frontend.
    pub secret: Secret,
    /// Shared with the backend.
    pub backend_secret: Secret,
    pub clock: Clock,
    pub limits: Limits,
    pub watch: Watch,
    /// By outcome.
    pub counted: IntCounterVec,
}

#[derive(Debug, Deserialize)]
struct ProjectPath {
    owner: OwnerName,
    project: ProjectName,
}

impl From<ProjectPath> for ProjectRef {
    fn from(path: ProjectPath) -> Self {
        Self { owner: path.owner, name: path.project }
    }
}

pub fn serve(listener: TcpListener, workers: usize, desk: Desk, metrics: Metrics) -> std::io::Result<Server> {
    let desk = web::Data::new(desk);
    let app = move || {
        let json = web::JsonConfig::default().limit(desk.limits.request_bytes);
        let json = json.error_handler(|error, _| Refusal::from(error).into());
        let guarded = web::scope("/v1")
            .route("/keys/{owner}/{project}", web::get().to(public_key))
            .route("/keys/{owner}/{project}/all", web::get().to(all_keys))
            .route("/keys/{owner}/{project}/sign", web::post().to(sign))
            .route("/keys/{owner}/{project}/rotate", web::post().to(begin_rotation))
            .route("/keys/{owner}/{project}/rotate/finish", web::post().to(finish_rotation))
            .wrap(from_fn(guard));
        App::new()
            .app_data(desk.clone())
            .app_data(json)
            .configure(health::routes(metrics.clone()))
            .service(guarded)
    };
    let server = HttpServer::new(app).workers(workers.max(1)).shutdown_timeout(SHUTDOWN_S);
    Ok(server.disable_signals().listen(listener)?.run())
}

pub async fn until_stopped(server: Server, stop: Stop) {
    let handle = server.handle();
    let (ended, ()) = tokio::join!(server, async {
        stop.wait().await;
        handle.stop(true).await;
    });
    if let Err(error) = ended {
        tracing::error!(%error, "the HTTP server broke");
    }
}

/// Refuses before anything of the request is read. Whoever has a secret may read public keys; all the rest is the
/// backend's.
async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let Some(desk) = request.app_data::<web::Data<Desk>>().cloned() else {
        return Err(Refusal::Secret.into());
    };
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (is_frontend, is_backend) =
        (desk.secret.is_bearer_of(given), desk.backend_secret.is_bearer_of(given));
    let refusal = match (is_backend, is_frontend, request.method()) {
        (true, ..) | (_, true, &Method::GET) => return next.call(request).await,
        (_, true, _) => Refusal::NotBackend,
        _ => Refusal::Secret,
    };
    let named: String = request.path().chars().take(300).collect();
    Err(desk.refused(request.request(), named, refusal).await.into())
}

async fn public_key(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
) -> Result<web::Json<PublicKey>, Refusal> {
    let project: ProjectRef = path.into_inner().into();
    let found = desk.keyring.find(&project).await?;
    found.map(web::Json).ok_or_else(|| KeyError::NoKey(project).into())
}

async fn all_keys(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
) -> Result<web::Json<KeyRing>, Refusal> {
    Ok(web::Json(desk.keyring.ring(&path.into_inner().into()).await?))
}

async fn sign(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
    request: HttpRequest,
    body: web::Json<SignRequest>,
) -> Result<web::Json<Signatures>, Refusal> {
    let project: ProjectRef = path.into_inner().into();
    match desk.signatures(&project, &body, &peer(&request)).await {
        Ok(signatures) => {
            desk.counted.with_label_values(&["signed"]).inc_by(signatures.signatures.len() as u64);
            Ok(web::Json(signatures))
        }
        Err(refusal) => Err(desk.refused(&request, project.to_string(), refusal).await),
    }
}

async fn begin_rotation(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
    request: HttpRequest,
    body: web::Json<BeginRotation>,
) -> Result<web::Json<KeyRing>, Refusal> {
    let project: ProjectRef = path.into_inner().into();
    let begun = async {
        let subject = desk.granted(&project, body.grant.as_ref())?;
        let ring = desk.keyring.begin_rotation(&project, body.algorithm).await?;
        let next = ring.with_role(KeyRole::Next).map(|key| key.fingerprint.clone());
        desk.note(Outcome::RotationBegun, (&project, subject), &request, next).await?;
        Ok(ring)
    };
    match begun.await {
        Ok(ring) => Ok(web::Json(ring)),
        Err(refusal) => Err(desk.refused(&request, project.to_string(), refusal).await),
    }
}

async fn finish_rotation(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
    request: HttpRequest,
    body: web::Json<EndRotation>,
) -> Result<web::Json<KeyRing>, Refusal> {
    let project: ProjectRef = path.into_inner().into();
    let finished = async {
        let subject = desk.granted(&project, body.grant.as_ref())?;
        let ring = desk.keyring.finish_rotation(&project, &body.key, body.compromised).await?;
        desk.note(Outcome::RotationFinished, (&project, subject), &request, Some(body.key.clone())).await?;
        Ok(ring)
    };
    match finished.await {
        Ok(ring) => Ok(web::Json(ring)),
        Err(refusal) => Err(desk.refused(&request, project.to_string(), refusal).await),
    }
}

fn peer(request: &HttpRequest) -> String {
    request.peer_addr().map_or_else(|| "unknown".into(), |peer| peer.to_string())
}

impl Desk {
    /// The task or action that the frontend gave leave for.
    fn granted(&self, project: &ProjectRef, grant: Option<&Grant>) -> Result<String, Refusal> {
        let grant = grant.ok_or(Refusal::Grant("a grant of the frontend is missing"))?;
        let claims = self.secret.unseal(grant.as_str());
        let claims: Option<GrantClaims> = claims.and_then(|text| serde_json::from_str(&text).ok());
        let claims = claims.ok_or(Refusal::Grant("the grant is not the frontend's"))?;
        if claims.project != *project {
            return Err(Refusal::Grant("the grant is for another project"));
        }
        if claims.until < self.clock.now() {
            return Err(Refusal::Grant("the grant is over: the frontend gives a new one when it asks again"));
        }
        Ok(claims.subject)
    }

    /// No signature leaves before the audit log holds it.
    async fn signatures(
        self: &Arc<Self>,
        project: &ProjectRef,
        request: &SignRequest,
        who: &str,
    ) -> Result<Signatures, Refusal> {
        let subject = self.granted(project, request.grant.as_ref())?;
        let contents = self.checked(&request.items)?;
        let key = self.keyring.signing(project, request.key.as_deref()).await?;
        let entries = request.items.iter().zip(&contents).map(|(item, content)| Entry {
            subject: Some(subject.clone()),
            label: Some(item.label.clone()),
            sha256: Some(hex::encode(Sha256::digest(content))),
            fingerprint: Some(key.fingerprint.clone()),
            ..Entry::new(Outcome::Signed, who, project.to_string())
        });
        let entries = entries.collect();
        let signatures = self.sign_all(&key.fingerprint, &request.items, contents).await?;
        self.watch.done(Step::Signed)?;
        self.record(entries).await?;
        Ok(Signatures { fingerprint: key.fingerprint, signatures })
    }

    async fn note(
        self: &Arc<Self>,
        outcome: Outcome,
        (project, subject): (&ProjectRef, String),
        request: &HttpRequest,
        fingerprint: Option<String>,
    ) -> Result<(), Refusal> {
        let entry = Entry::new(outcome, &peer(request), project.to_string());
        self.record(vec![Entry { subject: Some(subject), fingerprint, ..entry }]).await
    }

    fn checked(&self, items: &[SignItem]) -> Result<Vec<Vec<u8>>, Refusal> {
        let limits = &self.limits;
        if items.len() > limits.items {
            return Err(Refusal::Invalid(format!("at most {} items can be signed at once", limits.items)));
        }
        let checked = |item: &SignItem| {
            if item.label.len() > limits.label_bytes {
                return Err(Refusal::Invalid(format!("a label has at most {} bytes", limits.label_bytes)));
            }
            let content = BASE64_STANDARD.decode(&item.content);
            let content = content.map_err(|_| Refusal::Invalid(format!("{:?} is not base64", item.label)))?;
            if content.len() > limits.item_bytes {
                return Err(Refusal::TooLarge(format!(
                    "{:?} exceeds {} bytes",
                    item.label, limits.item_bytes
                )));
            }
            Ok(content)
        };
        items.iter().map(checked).collect()
    }

    /// All items are worked on together, so that all threads share them.
    async fn sign_all(
        self: &Arc<Self>,
        key: &str,
        items: &[SignItem],
        contents: Vec<Vec<u8>>,
    ) -> Result<Vec<String>, Refusal> {
        let sign = |(item, content): (&SignItem, Vec<u8>)| {
            let (desk, key, form) = (Arc::clone(self), key.to_owned(), item.form);
            tokio::spawn(async move { desk.keyring.sign(&key, form, content).await })
        };
        let running: Vec<_> = items.iter().zip(contents).map(sign).collect();
        let mut signatures = Vec::new();
        for one in running {
            signatures.push(BASE64_STANDARD.encode(one.await??));
        }
        Ok(signatures)
    }

    async fn record(self: &Arc<Self>, entries: Vec<Entry>) -> Result<(), Refusal> {
        let audit = Arc::clone(&self.audit);
        tokio::task::spawn_blocking(move || audit.write(&entries)).await??;
        Ok(self.watch.done(Step::Logged)?)
    }

    /// Notes a refusal and hands it on.
    async fn refused(self: &Arc<Self>, request: &HttpRequest, project: String, refusal: Refusal) -> Refusal {
        self.counted.with_label_values(&["refused"]).inc();
        let entry = Entry {
            reason: Some(refusal.to_string()),
            ..Entry::new(Outcome::Refused, &peer(request), project)
        };
        if let Err(error) = self.record(vec![entry]).await {
            tracing::error!(%error, "could not note a refused request");
        }
        refusal
    }
}
