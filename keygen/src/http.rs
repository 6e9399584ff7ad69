//! Public keys and signatures, for those who know the shared secret.

mod refusal;

use std::{net::TcpListener, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn},
    web,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use coppice_model::{
    OwnerName, ProjectName, ProjectRef,
    signing::{PublicKey, SignItem, SignRequest, Signatures},
};
use coppice_runtime::{
    Secret, Stop,
    health::{self, Metrics},
};
use prometheus::IntCounterVec;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    audit::{Audit, Entry, Outcome},
    config::Limits,
    keyring::{Keyring, ProjectKey},
};

use refusal::Refusal;

const SHUTDOWN_S: u64 = 5;

/// What the handlers share.
#[derive(Debug)]
pub struct Desk {
    pub keyring: Arc<Keyring>,
    pub audit: Arc<Audit>,
    pub secret: Secret,
    pub limits: Limits,
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
            .route("/keys/{owner}/{project}/sign", web::post().to(sign))
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

/// Refuses before anything of the request is read.
async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let desk = request.app_data::<web::Data<Desk>>().cloned();
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match desk {
        Some(desk) if desk.secret.is_bearer_of(given) => next.call(request).await,
        Some(desk) => {
            let named: String = request.path().chars().take(300).collect();
            let refusal = desk.refused(request.request(), named, Refusal::Secret).await;
            Err(refusal.into())
        }
        None => Err(Refusal::Secret.into()),
    }
}

async fn public_key(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
) -> Result<web::Json<PublicKey>, Refusal> {
    let project = path.into_inner().into();
    match desk.keyring.find(&project).await? {
        Some(key) => Ok(web::Json(key.public.clone())),
        None => Err(Refusal::NoKey(project)),
    }
}

async fn sign(
    desk: web::Data<Desk>,
    path: web::Path<ProjectPath>,
    request: HttpRequest,
    body: web::Json<SignRequest>,
) -> Result<web::Json<Signatures>, Refusal> {
    let project: ProjectRef = path.into_inner().into();
    match desk.signatures(&project, &body.items, &peer(&request)).await {
        Ok(signatures) => {
            desk.counted.with_label_values(&["signed"]).inc_by(signatures.signatures.len() as u64);
            Ok(web::Json(signatures))
        }
        Err(refusal) => Err(desk.refused(&request, project.to_string(), refusal).await),
    }
}

fn peer(request: &HttpRequest) -> String {
    request.peer_addr().map_or_else(|| "unknown".into(), |peer| peer.to_string())
}

impl Desk {
    /// No signature leaves before the audit log holds it.
    async fn signatures(
        self: &Arc<Self>,
        project: &ProjectRef,
        items: &[SignItem],
        who: &str,
    ) -> Result<Signatures, Refusal> {
        let contents = self.checked(items)?;
        let key = self.keyring.find(project).await?;
        let key = key.ok_or_else(|| Refusal::NoKey(project.clone()))?;
        let entries = items.iter().zip(&contents).map(|(item, content)| Entry {
            outcome: Outcome::Signed,
            who: who.to_owned(),
            project: project.to_string(),
            label: Some(item.label.clone()),
            sha256: Some(hex::encode(Sha256::digest(content))),
            fingerprint: Some(key.public.fingerprint.clone()),
            reason: None,
        });
        let entries = entries.collect();
        let signatures = self.sign_all(&key, items, contents).await?;
        self.record(entries).await?;
        Ok(Signatures { fingerprint: key.public.fingerprint.clone(), signatures })
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

    /// All items wait for GnuPG together, so that its threads share them.
    async fn sign_all(
        self: &Arc<Self>,
        key: &Arc<ProjectKey>,
        items: &[SignItem],
        contents: Vec<Vec<u8>>,
    ) -> Result<Vec<String>, Refusal> {
        let sign = |(item, content): (&SignItem, Vec<u8>)| {
            let (desk, key, form) = (Arc::clone(self), Arc::clone(key), item.form);
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
        Ok(tokio::task::spawn_blocking(move || audit.write(&entries)).await??)
    }

    /// Notes a refusal and hands it on.
    async fn refused(self: &Arc<Self>, request: &HttpRequest, project: String, refusal: Refusal) -> Refusal {
        self.counted.with_label_values(&["refused"]).inc();
        let entry = Entry {
            outcome: Outcome::Refused,
            who: peer(request),
            project,
            label: None,
            sha256: None,
            fingerprint: None,
            reason: Some(refusal.to_string()),
        };
        if let Err(error) = self.record(vec![entry]).await {
            tracing::error!(%error, "could not note a refused request");
        }
        refusal
    }
}
