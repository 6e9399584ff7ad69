//! Reports of abuse.

use actix_web::web::{Data, Path};
use coppice_model::UnixTime;
use coppice_store::{LegalFlag, Page as Part, legal_flags};
use serde::Serialize;

use super::{Answer, admin};
use crate::{
    App,
    pages::{
        Page, PageError, Viewer,
        frame::{Moment, Posted, see_other},
        project_url,
    },
    web::Web,
};

const SHOWN_RESOLVED: i64 = 50;

#[derive(Debug, Serialize)]
struct ReportsPage {
    tab: &'static str,
    open: Vec<Row>,
    resolved: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    project: String,
    project_url: String,
    reporter: Option<String>,
    message: String,
    made: Moment,
    resolved: Option<Moment>,
    resolved_by: Option<String>,
}

impl Row {
    fn new(flag: LegalFlag, now: UnixTime) -> Self {
        Self {
            id: flag.id,
            project: flag.project.to_string(),
            project_url: project_url(&flag.project),
            reporter: flag.reporter.map(|name| name.to_string()),
            message: flag.message,
            made: Moment::new(flag.created_at, now),
            resolved: Moment::of(flag.resolved_at, now),
            resolved_by: flag.resolved_by,
        }
    }
}

/// Two statements.
pub async fn list(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    admin(&viewer)?;
    let read = app.store.read(|conn| {
        let open = legal_flags::list_open(conn, Part::ALL)?;
        Ok::<_, PageError>((open, legal_flags::list_resolved(conn, Part::first(SHOWN_RESOLVED))?))
    });
    let ((open, resolved), now) = (read.await?, app.clock.now());
    let rows = |all: Vec<LegalFlag>| all.into_iter().map(|flag| Row::new(flag, now)).collect();
    let page = ReportsPage { tab: "reports", open: rows(open), resolved: rows(resolved) };
    Page::new(&web, &viewer).html("admin_reports.html", &page)
}

pub async fn resolve(app: Data<App>, web: Data<Web>, id: Path<String>, posted: Posted) -> Answer {
    let by = admin(&posted.viewer)?.user.name.clone();
    let (id, now) = (id.parse::<i64>().unwrap_or(0), app.clock.now());
    let was_open = app.store.write(move |tx| legal_flags::resolve(tx, id, &by, now)).await?;
    if !was_open {
        return Err(PageError::NotFound(format!("There is no open report {id}.")));
    }
    Ok(see_other(&web, "/admin/legal-flag/").say(format!("Report {id} is resolved.")).answer())
}
