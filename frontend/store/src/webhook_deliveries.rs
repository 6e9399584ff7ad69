//! What forges and scripts told a project, and what came of it.

use coppice_model::{BuildId, ProjectId, UnixTime};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, schema::webhook_deliveries};

/// A delivery to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhookDelivery {
    /// `github`, `gitlab`, `bitbucket`, `forgejo` or `custom`.
    pub forge: String,
    /// As a person reads it: `push main to alice/tools`.
    pub event: String,
    /// The forge's own name of the delivery.
    pub delivery: Option<String>,
    /// What the sender calls itself.
    pub agent: Option<String>,
    /// Of our answer.
    pub status: u16,
    /// What came of it and why, in one or two sentences.
    pub outcome: String,
    pub builds: Vec<BuildId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    pub id: i64,
    pub received_at: UnixTime,
    pub told: NewWebhookDelivery,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    _project_id: i64,
    forge: String,
    event: String,
    delivery: Option<String>,
    agent: Option<String>,
    status: i64,
    outcome: String,
    builds: String,
    received_at: i64,
}

impl TryFrom<Row> for WebhookDelivery {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let told = NewWebhookDelivery {
            forge: row.forge,
            event: row.event,
            delivery: row.delivery,
            agent: row.agent,
            status: u16::try_from(row.status).unwrap_or_default(),
            outcome: row.outcome,
            builds: column::from_json("the builds of a delivery", &row.builds)?,
        };
        Ok(Self { id: row.id, received_at: UnixTime(row.received_at), told })
    }
}

pub fn insert(
    conn: &mut Conn,
    project: ProjectId,
    new: &NewWebhookDelivery,
    now: UnixTime,
) -> Result<(), StoreError> {
    diesel::insert_into(webhook_deliveries::table)
        .values((
            webhook_deliveries::project_id.eq(project.0),
            webhook_deliveries::forge.eq(&new.forge),
            webhook_deliveries::event.eq(&new.event),
            webhook_deliveries::delivery.eq(&new.delivery),
            webhook_deliveries::agent.eq(&new.agent),
            webhook_deliveries::status.eq(i64::from(new.status)),
            webhook_deliveries::outcome.eq(&new.outcome),
            webhook_deliveries::builds.eq(column::to_json("the builds of a delivery", &new.builds)?),
            webhook_deliveries::received_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Newest first; one statement.
pub fn list(conn: &mut Conn, project: ProjectId, limit: i64) -> Result<Vec<WebhookDelivery>, StoreError> {
    let query = webhook_deliveries::table.filter(webhook_deliveries::project_id.eq(project.0));
    column::all(query.order(webhook_deliveries::id.desc()).limit(limit).load::<Row>(conn)?)
}

/// Forgets what is older.
pub fn delete_older(conn: &mut Conn, before: UnixTime) -> Result<(), StoreError> {
    let old = webhook_deliveries::table.filter(webhook_deliveries::received_at.lt(before.0));
    diesel::delete(old).execute(conn)?;
    Ok(())
}
