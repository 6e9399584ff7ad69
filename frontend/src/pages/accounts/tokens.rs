//! Tokens of the API: the classic one for copr-cli, and those with a name, a scope and an end.

use std::collections::HashMap;

use actix_web::{HttpResponse, web::Data};
use coppice_model::{ProjectId, ProjectRef, UnixTime};
use coppice_store::{ApiToken, Publisher, projects};
use serde::Serialize;

use crate::{
    App,
    calendar::date,
    ops::{self, NewToken, OpError, TokenWish},
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Moment, Posted, see_other},
        project_url,
    },
    web::Web,
};

/// Warned of in the list.
const SOON_S: i64 = 14 * 86_400;

#[derive(Debug, Serialize)]
struct Place {
    name: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    name: Option<String>,
    may: &'static str,
    place: Option<Place>,
    used: Option<Moment>,
    ends: Moment,
    is_soon: bool,
    is_over: bool,
    can_renew: bool,
}

/// A workflow that builds without a token.
#[derive(Debug, Serialize)]
struct Workflow {
    repository: String,
    /// What of the repository is trusted.
    jobs: String,
    place: Place,
}

/// Told once.
#[derive(Debug, Serialize)]
struct Fresh {
    name: Option<String>,
    config: String,
    ends: String,
}

#[derive(Debug, Serialize)]
struct TokensPage {
    form: Form,
    fresh: Option<Fresh>,
    rows: Vec<Row>,
    workflows: Vec<Workflow>,
}

#[derive(Debug, Serialize)]
struct ApiPage<'a> {
    public_url: &'a str,
    is_encrypted: bool,
    user: Option<String>,
    fresh: Option<Fresh>,
    /// The end of the classic token.
    ends: Option<Moment>,
    is_over: bool,
}

fn blank() -> Form {
    Form::blank().set("scope", "build").set("days", "90")
}

fn row(token: ApiToken, names: &HashMap<ProjectId, ProjectRef>, now: UnixTime) -> Row {
    let may = match token.scope.access.as_str() {
        "read" => "read",
        "build" => "build and cancel",
        _ => "everything I may",
    };
    let place = token.scope.project.and_then(|id| names.get(&id));
    let can_renew = ops::can_be_renewed(&token);
    Row {
        id: token.id,
        name: token.name,
        may,
        place: place.map(|project| Place { name: project.to_string(), url: project_url(project) }),
        used: Moment::of(token.used_at, now),
        ends: Moment::new(token.expires_at, now),
        can_renew,
        is_soon: token.expires_at.0 < now.0 + SOON_S,
        is_over: token.expires_at <= now,
    }
}

fn workflow((publisher, project): (Publisher, ProjectRef)) -> Workflow {
    let trusts = publisher.trusts;
    let named = [trusts.workflow, trusts.environment, trusts.git_ref];
    let jobs = named.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    Workflow {
        repository: format!("{} · {}", trusts.issuer, trusts.repository),
        jobs: if jobs.is_empty() { "every job".into() } else { jobs },
        place: Place {
            url: format!("{}integrations/publishers/", project_url(&project)),
            name: project.to_string(),
        },
    }
}

fn fresh(web: &Web, viewer: &Viewer, name: Option<String>, new: &NewToken) -> Result<Fresh, PageError> {
    let user = &viewer.login()?.user.name;
    Ok(Fresh { name, config: new.client_config(user, &web.public_url), ends: date(new.expires_at) })
}

async fn load(app: &App, viewer: &Viewer, form: Form, fresh: Option<Fresh>) -> Result<TokensPage, PageError> {
    let caller = viewer.login()?.clone();
    let found = app.store.read(move |conn| {
        let tokens = ops::list_tokens(conn, &caller)?;
        let ids: Vec<ProjectId> = tokens.iter().filter_map(|token| token.scope.project).collect();
        Ok::<_, OpError>((
            tokens,
            projects::references(conn, &ids)?,
            ops::list_own_publishers(conn, &caller)?,
        ))
    });
    let (tokens, names, publishers) = found.await?;
    let workflows = publishers.into_iter().map(workflow).collect();
    let now = app.clock.now();
    let rows = tokens.into_iter().map(|token| row(token, &names, now)).collect();
    Ok(TokensPage { form, fresh, rows, workflows })
}

pub(super) async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    Page::new(&web, &viewer).html("accounts/tokens.html", &load(&app, &viewer, blank(), None).await?)
}

pub(super) async fn make(app: Data<App>, web: Data<Web>, posted: Posted) -> Result<HttpResponse, PageError> {
    let (caller, now, fields) = (posted.viewer.login()?.clone(), app.clock.now(), &posted.fields);
    let wish = TokenWish {
        name: fields.text("name").to_owned(),
        scope: fields.text("scope").to_owned(),
        project: fields.some("project").map(str::to_owned),
        days: fields.text("days").parse().ok(),
    };
    let name = wish.name.trim().to_owned();
    let page = Page::new(&web, &posted.viewer);
    if name.is_empty() {
        let form = Form::from(fields).problem("name", "Call it by where you will use it.");
        return page.refused("accounts/tokens.html", &load(&app, &posted.viewer, form, None).await?);
    }
    match app.store.write(move |tx| ops::create_token(tx, &caller, &wish, now)).await {
        Ok((_, new)) => {
            let fresh = fresh(&web, &posted.viewer, Some(name), &new)?;
            page.html("accounts/tokens.html", &load(&app, &posted.viewer, blank(), Some(fresh)).await?)
        }
        Err(OpError::NotFound(text)) => {
            let form = Form::from(fields).problem("project", text);
            page.refused("accounts/tokens.html", &load(&app, &posted.viewer, form, None).await?)
        }
        Err(error) => {
            let form = Form::from(fields).fail(error)?;
            page.refused("accounts/tokens.html", &load(&app, &posted.viewer, form, None).await?)
        }
    }
}

pub(super) async fn revoke(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let caller = posted.viewer.login()?.clone();
    let gone = || PageError::NotFound("That token is revoked already.".into());
    let id: i64 = posted.fields.text("token").parse().map_err(|_| gone())?;
    app.store.write(move |tx| ops::revoke_token(tx, &caller, id)).await?;
    Ok(see_other(&web, "/user/tokens/").say("The token works no more.").answer())
}

/// Another secret under the same name.
pub(super) async fn renew_named(
    app: Data<App>,
    web: Data<Web>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let (caller, now) = (posted.viewer.login()?.clone(), app.clock.now());
    let gone = || PageError::NotFound("That token is revoked already.".into());
    let id: i64 = posted.fields.text("token").parse().map_err(|_| gone())?;
    let (name, new) = app.store.write(move |tx| ops::renew_named_token(tx, &caller, id, now)).await?;
    let fresh = fresh(&web, &posted.viewer, Some(name), &new)?;
    let page = load(&app, &posted.viewer, blank(), Some(fresh)).await?;
    Page::new(&web, &posted.viewer).html("accounts/tokens.html", &page)
}

/// Where the API's 401 sends people.
pub(super) async fn api_page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
) -> Result<HttpResponse, PageError> {
    show_api(&app, &web, &viewer, None).await
}

/// Copr's button: a new classic token in place of the old one.
pub(super) async fn renew(app: Data<App>, web: Data<Web>, posted: Posted) -> Result<HttpResponse, PageError> {
    let (caller, now) = (posted.viewer.login()?.clone(), app.clock.now());
    let new = app.store.write(move |tx| ops::renew_token(tx, &caller, now)).await?;
    let fresh = fresh(&web, &posted.viewer, None, &new)?;
    show_api(&app, &web, &posted.viewer, Some(fresh)).await
}

async fn show_api(
    app: &App,
    web: &Web,
    viewer: &Viewer,
    fresh: Option<Fresh>,
) -> Result<HttpResponse, PageError> {
    let now = app.clock.now();
    let tokens = match viewer.caller().cloned() {
        Some(caller) => app.store.read(move |conn| ops::list_tokens(conn, &caller)).await?,
        None => vec![],
    };
    let last = tokens.iter().filter(|token| token.name.is_none()).map(|token| token.expires_at).max();
    let page = ApiPage {
        public_url: &web.public_url,
        is_encrypted: web.is_encrypted(),
        user: viewer.user().map(|user| user.name.to_string()),
        fresh,
        ends: Moment::of(last, now),
        is_over: last.is_some_and(|last| last <= now),
    };
    Page::new(web, viewer).html("api.html", &page)
}
