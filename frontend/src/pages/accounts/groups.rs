//! The teams of a user, and the groups that they own projects as.

use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use coppice_store::Team;
use serde::{Deserialize, Serialize};

use crate::{
    App, ops,
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct TeamRow {
    name: String,
    provider: String,
    provider_label: String,
    group: Option<String>,
}

#[derive(Debug, Serialize)]
struct TeamsPage {
    teams: Vec<TeamRow>,
}

#[derive(Debug, Serialize)]
struct ActivatePage<'a> {
    form: Form,
    team: &'a str,
    provider: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct Of {
    provider: Option<String>,
}

async fn teams(app: &App, viewer: &Viewer) -> Result<Vec<Team>, PageError> {
    let caller = viewer.login()?.clone();
    Ok(app.store.read(move |conn| ops::list_teams(conn, &caller)).await?)
}

pub(super) async fn list(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    let row = |team: Team| TeamRow {
        provider_label: web.accounts.label(&team.provider),
        name: team.name,
        provider: team.provider,
        group: team.group,
    };
    let teams = teams(&app, &viewer).await?.into_iter().map(row).collect();
    Page::new(&web, &viewer).html("accounts/teams.html", &TeamsPage { teams })
}

pub(super) async fn activate_page(
    app: Data<App>,
    web: Data<Web>,
    viewer: Viewer,
    path: Path<String>,
    of: Query<Of>,
) -> Result<HttpResponse, PageError> {
    let is_it =
        |team: &&Team| team.name == *path && of.provider.as_ref().is_none_or(|of| *of == team.provider);
    let known = teams(&app, &viewer).await?;
    let Some(team) = known.iter().find(is_it) else {
        let text =
            format!("You are not in the team '{path}'. If you joined it lately, log out and in again.");
        return Err(PageError::NotFound(text));
    };
    if let Some(group) = &team.group {
        return Ok(see_other(&web, format!("/groups/g/{group}/coprs/")).answer());
    }
    // Slashes are no part of a group's name.
    let form = Form::blank().set("name", team.name.rsplit('/').next().unwrap_or_default());
    let page = ActivatePage { form, team: &team.name, provider: &team.provider };
    Page::new(&web, &viewer).html("accounts/activate.html", &page)
}

pub(super) async fn activate(
    app: Data<App>,
    web: Data<Web>,
    path: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    let (caller, now) = (posted.viewer.login()?.clone(), app.clock.now());
    let (team, provider) = (path.into_inner(), posted.fields.text("provider").to_owned());
    let (name, of) = (posted.fields.text("name").to_owned(), (provider.clone(), team.clone()));
    let made = app.store.write(move |tx| ops::activate_team(tx, &caller, (&of.0, &of.1), &name, now)).await;
    match made {
        Ok(group) => {
            let said = format!("The team {team} owns projects as @{} from now on.", group.name);
            Ok(see_other(&web, "/groups/list/my/").say(said).answer())
        }
        Err(error) => {
            let form = Form::from(&posted.fields).fail(error)?;
            let page = ActivatePage { form, team: &team, provider: &provider };
            Page::new(&web, &posted.viewer).refused("accounts/activate.html", &page)
        }
    }
}
