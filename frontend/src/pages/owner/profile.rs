//! Forms for what an owner's page shows: a text, and up to four projects.

use actix_web::web::{self, Data, Path, ServiceConfig};
use coppice_model::{OwnerName, ProjectId};
use serde::Serialize;

use super::{Answer, url};
use crate::{
    App,
    ops::{self, Caller, MOST_PINNED},
    pages::{
        PageError, Viewer,
        frame::{self, Form, Posted, see_other},
    },
    web::Web,
};

pub(super) fn site_routes(config: &mut ServiceConfig) {
    for rest in ["", "/{group}"] {
        config
            .service(web::resource(format!("/user/customize-profile{rest}")).get(text_form).post(keep_text))
            .service(web::resource(format!("/user/customize-pinned{rest}")).get(pins_form).post(keep_pins));
    }
}

/// Of which owner an address without a group is: of who is logged in.
type Group = Option<Path<String>>;

fn owner(by: &Caller, group: &Group) -> Result<OwnerName, PageError> {
    let Some(group) = group else { return Ok(by.user.name.clone()) };
    format!("@{group}").parse().map_err(|_| PageError::NotFound(format!("There is no group {group}.")))
}

#[derive(Debug, Serialize)]
struct ProfilePage {
    owner: String,
    url: String,
    form: Form,
}

async fn text_form(app: Data<App>, web: Data<Web>, viewer: Viewer, group: Group) -> Answer {
    let by = viewer.login()?.clone();
    let owner = owner(&by, &group)?;
    let asked = owner.clone();
    let profile = app.store.read(move |conn| ops::own_profile(conn, &by, &asked)).await?;
    let form = Form::blank().set("text", profile.text);
    frame::Page::new(&web, &viewer)
        .html("profile.html", &ProfilePage { url: url(&owner), owner: owner.into(), form })
}

async fn keep_text(app: Data<App>, web: Data<Web>, posted: Posted, group: Group) -> Answer {
    let by = posted.viewer.login()?.clone();
    let owner = owner(&by, &group)?;
    let (asked, text) = (owner.clone(), posted.fields.text("text").to_owned());
    match app.store.write(move |tx| ops::describe_owner(tx, &by, &asked, &text)).await {
        Ok(()) => Ok(see_other(&web, url(&owner)).say("The profile is saved.").answer()),
        Err(error) => {
            let form = Form::from(&posted.fields).fail(error)?;
            let page = ProfilePage { url: url(&owner), owner: owner.into(), form };
            frame::Page::new(&web, &posted.viewer).refused("profile.html", &page)
        }
    }
}

#[derive(Debug, Serialize)]
struct PinsPage {
    owner: String,
    url: String,
    form: Form,
    /// The chosen ones, then empty ones.
    places: Vec<Option<i64>>,
    choice: Vec<Choice>,
}

#[derive(Debug, Serialize)]
struct Choice {
    id: i64,
    name: String,
}

async fn pins_form(app: Data<App>, web: Data<Web>, viewer: Viewer, group: Group) -> Answer {
    let by = viewer.login()?.clone();
    let owner = owner(&by, &group)?;
    let page = pins_page(&app, by, owner, Form::blank()).await?;
    frame::Page::new(&web, &viewer).html("pinned.html", &page)
}

async fn pins_page(app: &App, by: Caller, owner: OwnerName, form: Form) -> Result<PinsPage, PageError> {
    let asked = owner.clone();
    let work = app.store.read(move |conn| {
        let profile = ops::own_profile(conn, &by, &asked)?;
        Ok::<_, PageError>((profile, ops::pinnable(conn, &by, &asked)?))
    });
    let (profile, choice) = work.await?;
    let mut places: Vec<Option<i64>> = profile.pinned.iter().map(|id| Some(id.0)).collect();
    places.resize(MOST_PINNED, None);
    let choice =
        choice.iter().map(|project| Choice { id: project.id.0, name: project.reference().to_string() });
    Ok(PinsPage { url: url(&owner), owner: owner.into(), form, places, choice: choice.collect() })
}

async fn keep_pins(app: Data<App>, web: Data<Web>, posted: Posted, group: Group) -> Answer {
    let by = posted.viewer.login()?.clone();
    let owner = owner(&by, &group)?;
    let ids = posted
        .fields
        .list("pinned")
        .into_iter()
        .filter_map(|id| id.parse().ok())
        .map(ProjectId)
        .collect::<Vec<_>>();
    let (asked, caller) = (owner.clone(), by.clone());
    match app.store.write(move |tx| ops::pin_projects(tx, &caller, &asked, &ids)).await {
        Ok(()) => Ok(see_other(&web, url(&owner)).say("The pinned projects are saved.").answer()),
        Err(error) => {
            let page = pins_page(&app, by, owner, Form::blank().fail(error)?).await?;
            frame::Page::new(&web, &posted.viewer).refused("pinned.html", &page)
        }
    }
}
