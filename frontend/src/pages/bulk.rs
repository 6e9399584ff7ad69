//! Many builds of a project are canceled or deleted at once, after a look at what goes.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use coppice_model::BuildId;
use coppice_store::{BuildLine, Conn, builds};
use serde::Serialize;

use super::{
    Page, PageError,
    build::package,
    frame::{Fields, Posted, ProjectHead, ProjectPath, see_other},
    new_build::{Ground, read_with},
    project_url,
    words::build_line_word,
};
use crate::{
    App,
    ops::{self, Caller, Context, OpError, find_project},
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

/// More are not looked at on one page.
const MOST: usize = 1_000;

/// Below a project.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/cancel_builds").post(cancel)).service(resource("/delete_builds").post(delete));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Cancel,
    Delete,
}

impl Verb {
    /// Whether it can be done to this build.
    fn takes(self, line: &BuildLine) -> bool {
        line.state().is_final() == (self == Self::Delete)
    }

    fn word(self) -> &'static str {
        if self == Self::Cancel { "cancel" } else { "delete" }
    }
}

#[derive(Debug, Serialize)]
struct BulkPage {
    head: ProjectHead,
    tab: &'static str,
    verb: &'static str,
    action: String,
    /// What is done when the viewer says so.
    chosen: Vec<Row>,
    /// Cannot be canceled, or deleted, as it is.
    left: Vec<Row>,
    chroots: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    url: String,
    package: String,
    state: &'static str,
}

async fn cancel(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    bulk(&app, &web, (path, Verb::Cancel), posted).await
}

async fn delete(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    bulk(&app, &web, (path, Verb::Delete), posted).await
}

/// Done when `confirm` is `yes`, and asked otherwise.
async fn bulk(app: &App, web: &Web, (path, verb): (ProjectPath, Verb), posted: Posted) -> Answer {
    let caller = posted.viewer.login()?.clone();
    let ids = ids(&posted.fields)?;
    if posted.fields.text("confirm") != "yes" {
        return ask(app, web, (path, verb), (posted, ids)).await;
    }
    let cx = app.context();
    let (url, said) = app.store.write(move |tx| act(tx, (&cx, &caller), &path, (verb, &ids))).await?;
    Ok(see_other(web, format!("{url}builds/")).say(said).answer())
}

/// Every number among the words that came, each once.
fn ids(fields: &Fields) -> Result<Vec<BuildId>, PageError> {
    let words = fields.list("build_ids").into_iter();
    let words = words.flat_map(|text| text.split([',', ' '])).filter(|word| !word.is_empty());
    let read = |word: &str| {
        word.parse().map_err(|_| PageError::Refused(format!("{word:?} is not the number of a build.")))
    };
    let mut ids: Vec<BuildId> = words.map(read).collect::<Result<_, _>>()?;
    ids.sort();
    ids.dedup();
    match ids.len() {
        0 => Err(PageError::Refused("No build was chosen. Go back and check those you mean.".into())),
        1..=MOST => Ok(ids),
        many => Err(PageError::Refused(format!("{many} builds were chosen: at most {MOST} go at once."))),
    }
}

/// All of them, of this project only.
fn find(conn: &mut Conn, project: &str, ids: &[BuildId]) -> Result<Vec<BuildLine>, OpError> {
    let mut lines = builds::list_lines_by_id(conn, ids)?;
    lines.retain(|line| line.project.to_string() == project);
    let missing: Vec<String> =
        ids.iter().filter(|id| lines.iter().all(|line| line.id != **id)).map(ToString::to_string).collect();
    if missing.is_empty() {
        return Ok(lines);
    }
    Err(OpError::NotFound(format!("{project} has no builds {}: nothing was changed.", missing.join(", "))))
}

fn act(
    tx: &mut Conn,
    (cx, caller): (&Context, &Caller),
    path: &ProjectPath,
    (verb, ids): (Verb, &[BuildId]),
) -> Result<(String, String), OpError> {
    let project = find_project(tx, &path.owner, &path.project)?;
    if !ops::can_build(tx, caller, &project)? {
        return Err(OpError::Forbidden(format!("You are no builder of {}.", project.reference())));
    }
    let project = project.reference();
    find(tx, &project.to_string(), ids)?;
    let said = match verb {
        Verb::Cancel => {
            let canceled = ops::cancel_builds(tx, cx, caller, ids)?;
            let others = if canceled < ids.len() { " The others had ended before." } else { "" };
            format!("{canceled} of {} builds were canceled.{others}", ids.len())
        }
        Verb::Delete => {
            ops::delete_builds(tx, cx, caller, ids)?;
            format!("{} builds were deleted.", ids.len())
        }
    };
    Ok((project_url(&project), said))
}

async fn ask(
    app: &App,
    web: &Web,
    (path, verb): (ProjectPath, Verb),
    (posted, ids): (Posted, Vec<BuildId>),
) -> Answer {
    let read = read_with(app, posted.viewer, move |conn, viewer| {
        let Ground { head, .. } = Ground::to_build(conn, &path, viewer)?;
        let lines = find(conn, &head.full_name, &ids)?;
        let (chosen, left): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| verb.takes(line));
        let rows = |lines: &[BuildLine]| lines.iter().map(|line| Row::new(line, &head)).collect();
        Ok(BulkPage {
            tab: "builds",
            verb: verb.word(),
            action: format!("{}{}_builds/", head.url, verb.word()),
            chroots: chosen.iter().map(|line| line.chroots.len()).sum(),
            left: rows(&left),
            chosen: rows(&chosen),
            head,
        })
    });
    let (page, viewer) = read.await?;
    Page::new(web, &viewer).html("bulk.html", &page)
}

impl Row {
    fn new(line: &BuildLine, head: &ProjectHead) -> Self {
        Self {
            id: line.id.0,
            url: format!("{}build/{}/", head.url, line.id),
            package: package(line),
            state: build_line_word(line),
        }
    }
}
