//! Addresses for forges, and what they told lately.

use actix_web::web::{ServiceConfig, get, post, resource};
use coppice_model::UnixTime;
use coppice_store::{Conn, WebhookDelivery, webhook_deliveries, webhook_secrets};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
};
use crate::{
    ops,
    pages::{PageError, frame::Moment},
};

const PAGE: &str = "settings/integrations.html";
/// The log is for finding out why nothing was built, not for history.
const MOST_DELIVERIES: i64 = 100;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/integrations").route(get().to(show)))
        .service(resource("/integrations/update").route(post().to(renew)));
}

#[derive(Debug, Serialize)]
struct IntegrationsPage {
    /// None until the project has a secret.
    hooks: Vec<Hook>,
    deliveries: Vec<Delivery>,
}

#[derive(Debug, Serialize)]
struct Hook {
    id: &'static str,
    name: &'static str,
    url: String,
    hint: &'static str,
}

/// Name, title, what follows the secret, and what to tell the forge.
const HOOKS: [(&str, &str, &str, &str); 4] = [
    (
        "github",
        "GitHub, Forgejo and Gitea",
        "",
        "Content type application/json, events push and create. A package's name after the address binds the hook to \
         that package.",
    ),
    ("gitlab", "GitLab", "", "Triggers: push events and tag push events."),
    ("bitbucket", "Bitbucket", "", "Trigger: repository push. Only tags start builds."),
    (
        "custom",
        "Anything else",
        "PACKAGE/",
        "curl -X POST with this address and the name of a package builds it. What is posted is given to the package's \
         script as the file hook_payload. The answer is the number of the build.",
    ),
];

#[derive(Debug, Serialize)]
struct Delivery {
    at: Moment,
    forge: String,
    event: String,
    mark: &'static str,
    result: String,
    outcome: String,
    answer: u16,
    name: Option<String>,
    agent: Option<String>,
    builds: Vec<i64>,
}

impl Delivery {
    fn new(delivery: WebhookDelivery, now: UnixTime) -> Self {
        let WebhookDelivery { received_at, told, .. } = delivery;
        let builds: Vec<i64> = told.builds.iter().map(|build| build.0).collect();
        let (mark, result) = match (told.status, builds.len()) {
            (400.., _) => ("fail", format!("rejected {}", told.status)),
            (_, 0) => ("skip", "0 builds".to_owned()),
            (_, 1) => ("ok", "1 build".to_owned()),
            (_, number) => ("ok", format!("{number} builds")),
        };
        Self {
            at: Moment::new(received_at, now),
            forge: title(&told.forge).to_owned(),
            event: told.event,
            mark,
            result,
            outcome: told.outcome,
            answer: told.status,
            name: told.delivery,
            agent: told.agent,
            builds,
        }
    }
}

fn title(forge: &str) -> &str {
    match forge {
        "github" => "GitHub",
        "gitlab" => "GitLab",
        "bitbucket" => "Bitbucket",
        "forgejo" => "Forgejo",
        other => other,
    }
}

fn read(conn: &mut Conn, known: &Known) -> Result<(Option<String>, Vec<WebhookDelivery>), PageError> {
    let secret = webhook_secrets::find(conn, known.project.id)?;
    Ok((secret, webhook_deliveries::list(conn, known.project.id, MOST_DELIVERIES)?))
}

async fn show(asked: Asked) -> Answer {
    let (Known { project, head }, (secret, deliveries)) = asked.editable(read).await?;
    let now = asked.app.clock.now();
    let base = &asked.web.public_url;
    let hook = |secret: &String| {
        HOOKS.map(|(id, name, rest, hint)| {
            let url = format!("{base}/webhooks/{id}/{}/{secret}/{rest}", project.id);
            Hook { id, name, url, hint }
        })
    };
    let page = IntegrationsPage {
        hooks: secret.iter().flat_map(hook).collect(),
        deliveries: deliveries.into_iter().map(|delivery| Delivery::new(delivery, now)).collect(),
    };
    asked.page().html(PAGE, &Settings::new(head, "integrations", page))
}

async fn renew(sent: Sent) -> Answer {
    let asked = sent.asked;
    let fresh = Uuid::new_v4().to_string();
    asked.change(move |tx, _, by, project| ops::renew_webhook_secret(tx, by, project, &fresh)).await?;
    let said = "There is a new secret. Forges that know the old one are refused until you give them the new addresses.";
    Ok(asked.on_to(format!("{}integrations/", asked.url()), said))
}
