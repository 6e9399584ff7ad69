//! New projects as RSS 2.0 (contract section 18).

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use coppice_model::ProjectRef;
use coppice_store::{Page, projects};
use serde::Serialize;
use serde_json::json;

use super::{PageError, project_url};
use crate::{App, web::Web};

type Answer = Result<HttpResponse, PageError>;

const ITEMS: i64 = 200;

#[derive(Debug, Serialize)]
struct Item {
    full_name: String,
    url: String,
    description: String,
}

pub async fn newest(app: Data<App>, web: Data<Web>) -> Answer {
    feed(&app, &web, ITEMS, false).await
}

pub async fn some(app: Data<App>, web: Data<Web>, count: Path<i64>) -> Answer {
    feed(&app, &web, *count, false).await
}

/// Unlisted ones too.
pub async fn all(app: Data<App>, web: Data<Web>) -> Answer {
    feed(&app, &web, ITEMS, true).await
}

/// XML 1.0, production 2: no escape makes other control characters legal.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

async fn feed(app: &App, web: &Web, count: i64, with_unlisted: bool) -> Answer {
    let page = Page::first(count.max(1));
    let found = app.store.read(move |conn| projects::list_newest(conn, with_unlisted, page)).await?;
    let url = |project: &ProjectRef| format!("{}{}", web.public_url, project_url(project));
    let item = |project: coppice_store::Project| Item {
        full_name: project.reference().to_string(),
        url: url(&project.reference()),
        description: project.settings.description.chars().filter(|c| is_xml(*c)).collect(),
    };
    let items: Vec<Item> = found.into_iter().map(item).collect();
    let text = web.templates.render("feed.xml", &json!({ "public_url": web.public_url, "items": items }))?;
    Ok(HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(text))
}
