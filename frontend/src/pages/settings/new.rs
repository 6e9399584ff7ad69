//! A new project: the whole form, and the short one for a package review.

use actix_web::{
    HttpResponse,
    guard::Post,
    web::{self, ServiceConfig},
};
use coppice_store::{Conn, MockChroot, Page, Project, groups, mock_chroots, projects};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Sent},
    choice::{Choices, Distribution, OF_PROJECTS, arches, distributions},
    form,
    words::told,
};
use crate::{
    api,
    ops::{self, BuildRequest, Caller, Context, NewProject, OpError},
    pages::{
        PageError,
        frame::{Fields, Form},
        project_url,
    },
};

/// Of server admins.
const ADMIN_BOXES: [&str; 2] = ["auto_prune", "persistent"];
const PAGE: &str = "settings/new.html";
const REVIEW: &str = "settings/review.html";
/// So many names are known to the script that says whether a name is free.
const MOST_NAMES: i64 = 500;

pub(super) fn routes(config: &mut ServiceConfig) {
    for owner in ["/g/{group}", "/{owner}"] {
        config
            .service(web::resource(format!("{owner}/add")).get(show))
            // Nothing is read here, so a project may be called `new`.
            .service(web::resource(format!("{owner}/new")).guard(Post()).post(make))
            .service(web::resource(format!("{owner}/new-fedora-review")).get(show_review).post(make_review));
    }
}

#[derive(Debug, Serialize)]
struct NewPage {
    owner: String,
    /// `/coprs/alice/` or `/coprs/g/tools/`; the forms are below it.
    at: String,
    /// Other owners whose projects the user may make.
    others: Vec<Other>,
    taken: String,
    form: Form,
    distributions: Vec<Distribution>,
    arches: Vec<String>,
    #[serde(flatten)]
    choices: Choices,
    is_admin: bool,
    /// It came back to be mended: everything is shown.
    is_back: bool,
}

#[derive(Debug, Serialize)]
struct Other {
    name: String,
    url: String,
}

/// What the page must know.
struct Read {
    others: Vec<String>,
    taken: Vec<String>,
    offered: Vec<MockChroot>,
}

fn at(owner: &str) -> String {
    match owner.strip_prefix('@') {
        Some(group) => format!("/coprs/g/{group}/"),
        None => format!("/coprs/{owner}/"),
    }
}

fn read(conn: &mut Conn, caller: &Caller, owner: &str) -> Result<Read, PageError> {
    ops::find_own(conn, caller, owner)?;
    let own = caller.user.name.to_string();
    let groups = groups::names_of_user(conn, caller.user.id)?.into_iter().map(|name| format!("@{name}"));
    let others = std::iter::once(own).chain(groups).filter(|other| other != owner).collect();
    let known = projects::list(conn, Some(owner), Page::first(MOST_NAMES))?;
    let taken = known.into_iter().map(|project| project.name.to_string()).collect();
    Ok(Read { others, taken, offered: mock_chroots::list_active(conn)? })
}

/// The form as it is shown; `chosen` chroots are checked.
async fn page(asked: &Asked, form: Form, chosen: Vec<String>) -> Result<NewPage, PageError> {
    let (caller, owner) = (asked.caller()?, asked.path.owner.clone());
    let is_admin = caller.user.is_admin;
    let named = owner.clone();
    let found = asked.app.store.read(move |conn| read(conn, &caller, &named)).await?;
    Ok(NewPage {
        at: at(&owner),
        others: found.others.into_iter().map(|name| Other { url: at(&name) + "add/", name }).collect(),
        taken: found.taken.join(" "),
        distributions: distributions(&found.offered, &chosen),
        arches: arches(&found.offered),
        choices: OF_PROJECTS,
        is_back: !form.is_good(),
        owner,
        form,
        is_admin,
    })
}

async fn show(asked: Asked) -> Answer {
    let blank = ["follow_fedora_branching", "auto_prune"]
        .into_iter()
        .fold(Form::blank(), |form, name| form.set(name, true))
        .set("repo_priority", form::DEFAULT_PRIORITY);
    let page = page(&asked, blank, Vec::new()).await?;
    asked.page().html(PAGE, &page)
}

async fn make(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let caller = asked.caller()?;
    let mut fields = fields.with_boxes(&form::BOXES).with_lists(&["chroots"]);
    if caller.user.is_admin {
        fields = fields.with_boxes(&ADMIN_BOXES);
    }
    match made(&asked, caller, &fields).await {
        Ok(project) => Ok(welcome(&asked, &project)),
        Err(error) => {
            let error = told(error, &fields, &[("pkgs", "initial_pkgs")]);
            let form = Form::from(&fields).fail(error)?;
            let chosen = fields.list("chroots").into_iter().map(str::to_owned).collect();
            asked.page().refused(PAGE, &page(&asked, form, chosen).await?)
        }
    }
}

fn welcome(asked: &Asked, project: &Project) -> HttpResponse {
    let reference = project.reference();
    asked.on_to(
        project_url(&reference),
        format!("{reference} is there. Its key and its repositories are being made."),
    )
}

/// The project, and the builds of its first packages: all or nothing.
async fn made(asked: &Asked, caller: Caller, fields: &Fields) -> Result<Project, PageError> {
    let new = api::new_project(fields.as_api(), asked.path.owner.clone(), false)?;
    let mut form = api::Form::new(fields.as_api());
    let packages = form.words("initial_pkgs").unwrap_or_default();
    form.finish()?;
    let context = asked.app.context();
    let made = asked.app.store.write(move |tx| create(tx, &context, &caller, (&new, &packages)));
    Ok(made.await?)
}

fn create(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (new, packages): (&NewProject, &[String]),
) -> Result<Project, OpError> {
    let project = ops::create_project(tx, cx, by, new)?;
    if !packages.is_empty() {
        let request = BuildRequest {
            ownername: new.ownername.clone(),
            projectname: new.name.clone(),
            ..BuildRequest::default()
        };
        ops::submit_links(tx, cx, by, &request, packages)?;
    }
    Ok(project)
}

#[derive(Debug, Serialize)]
struct ReviewPage {
    owner: String,
    at: String,
    form: Form,
}

async fn review_page(asked: &Asked, form: Form) -> Result<ReviewPage, PageError> {
    let (caller, owner) = (asked.caller()?, asked.path.owner.clone());
    let named = owner.clone();
    asked.app.store.read(move |conn| ops::find_own(conn, &caller, &named)).await?;
    Ok(ReviewPage { at: at(&owner), owner, form })
}

async fn show_review(asked: Asked) -> Answer {
    let page = review_page(&asked, Form::blank()).await?;
    asked.page().html(REVIEW, &page)
}

async fn make_review(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let (caller, context) = (asked.caller()?, asked.app.context());
    let named = (asked.path.owner.clone(), fields.text("name").trim().to_owned());
    let made = asked.app.store.write(move |tx| ops::create_review_project(tx, &context, &caller, named));
    match made.await {
        Ok(project) => Ok(welcome(&asked, &project)),
        Err(error) => {
            let form = Form::from(&fields).fail(told(error.into(), &fields, &[]))?;
            asked.page().refused(REVIEW, &review_page(&asked, form).await?)
        }
    }
}
