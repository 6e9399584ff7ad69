//! What may be done with a build: cancel, build again, delete.

use actix_web::{HttpResponse, web::Data};
use coppice_model::{BuildId, ChrootName};
use coppice_store::{BuildView, builds, project_chroots, projects};
use serde::Serialize;

use super::{build_url, package};
use crate::{
    App, ops,
    pages::{
        Page, PageError, Viewer, chroot_word,
        frame::{Posted, ProjectHead, ProjectPath, see_other},
        project_url,
    },
    web::Web,
};

type Answer = Result<HttpResponse, PageError>;

/// The build must be the project's that the address names.
async fn of(app: &App, path: &ProjectPath) -> Result<BuildView, PageError> {
    let (raw, full_name) = (path.rest("id").to_owned(), format!("{}/{}", path.owner, path.project));
    let read = app.store.read(move |conn| {
        let id = raw.parse::<BuildId>().ok();
        let view = id.map(|id| builds::find(conn, id)).transpose()?.flatten();
        let view = view.filter(|view| view.build.project.to_string() == full_name);
        view.ok_or_else(|| PageError::NotFound(format!("Build {raw} does not exist in {full_name}.")))
    });
    read.await
}

pub async fn cancel(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let caller = posted.viewer.login()?.clone();
    let view = of(&app, &path).await?;
    let (context, id) = (app.context(), view.build.id);
    app.store.write(move |tx| ops::cancel_build(tx, &context, &caller, id)).await?;
    Ok(see_other(&web, build_url(&view)).say("What had not ended is canceled.").answer())
}

pub async fn delete(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let caller = posted.viewer.login()?.clone();
    let view = of(&app, &path).await?;
    let (context, id) = (app.context(), view.build.id);
    app.store.write(move |tx| ops::delete_build(tx, &context, &caller, id)).await?;
    let builds = format!("{}builds/", project_url(&view.build.project));
    Ok(see_other(&web, builds).say(format!("Build {id} is deleted.")).answer())
}

#[derive(Debug, Serialize)]
struct Repeat {
    head: ProjectHead,
    tab: &'static str,
    id: i64,
    url: String,
    action: String,
    title: String,
    choices: Vec<Choice>,
    problem: Option<String>,
}

/// A chroot that it may be built for again.
#[derive(Debug, Serialize)]
struct Choice {
    name: String,
    is_chosen: bool,
    /// What became of it.
    word: Option<&'static str>,
}

/// The form; what did not succeed is chosen, or all.
pub async fn ask(app: Data<App>, web: Data<Web>, viewer: Viewer, path: ProjectPath) -> Answer {
    let values = repeat(&app, &viewer, &path, (None, None)).await?;
    Page::new(&web, &viewer).html("build_repeat.html", &values)
}

/// Copr's address for a build whose builder stays for its user. Ours do not (docs/decisions/0011), so its links lead to
/// the next best.
pub async fn ask_with_ssh(web: Data<Web>, viewer: Viewer) -> Answer {
    viewer.login()?;
    let (project, id) = viewer.address.rsplit_once("/repeat_build_ssh/").unwrap_or((&viewer.address, ""));
    let instead = format!("{project}/repeat_build/{id}");
    let said = "Builders go away with their build, so nobody can log in to one. Here the build is made again without.";
    Ok(see_other(&web, instead).say(said).answer())
}

async fn repeat(
    app: &App,
    viewer: &Viewer,
    path: &ProjectPath,
    (chosen, problem): (Option<Vec<ChrootName>>, Option<String>),
) -> Result<Repeat, PageError> {
    let caller = viewer.login()?.clone();
    let view = of(app, path).await?;
    let read = app.store.read(move |conn| {
        let project = projects::get(conn, view.build.project_id)?;
        let head = ProjectHead::of(conn, &project, Some(&caller))?;
        if !head.can_build {
            return Err(PageError::Forbidden(format!("You are not allowed to build in {}.", head.full_name)));
        }
        let enabled = project_chroots::list_buildable(conn, project.id)?;
        let names = enabled.iter().map(|chroot| chroot.name().clone()).collect();
        Ok((view, head, names))
    });
    let (view, head, enabled): (BuildView, ProjectHead, Vec<ChrootName>) = read.await?;
    let id = view.build.id;
    Ok(Repeat {
        action: format!("{}new_build_rebuild/{id}/", head.url),
        url: build_url(&view),
        title: package(&(&view).into()),
        choices: choices(&view, &enabled, chosen.as_deref()),
        head,
        tab: "builds",
        id: id.0,
        problem,
    })
}

fn choices(view: &BuildView, enabled: &[ChrootName], chosen: Option<&[ChrootName]>) -> Vec<Choice> {
    let of = |name: &ChrootName| view.chroots.iter().find(|chroot| chroot.chroot == *name);
    let is_good = |name: &ChrootName| of(name).is_some_and(|chroot| chroot_word(chroot) == "succeeded");
    let offered: Vec<&ChrootName> =
        enabled.iter().filter(|name| view.chroots.is_empty() || of(name).is_some()).collect();
    let all_good = offered.iter().all(|name| is_good(name));
    let choice = |name: &&ChrootName| Choice {
        name: name.to_string(),
        is_chosen: chosen.map_or(all_good || !is_good(name), |chosen| chosen.contains(name)),
        word: of(name).map(chroot_word),
    };
    offered.iter().map(choice).collect()
}

pub async fn resubmit(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let caller = posted.viewer.login()?.clone();
    let id = of(&app, &path).await?.build.id;
    let chosen: Vec<ChrootName> =
        posted.fields.list("chroots").iter().filter_map(|name| name.parse().ok()).collect();
    let (context, only) = (app.context(), chosen.clone());
    let made = app.store.write(move |tx| ops::resubmit_build(tx, &context, &caller, (id, Some(&only)))).await;
    let problem = match made.map_err(PageError::from) {
        Ok(view) => {
            return Ok(see_other(&web, build_url(&view))
                .say(format!("Build {} builds it again.", view.build.id))
                .answer());
        }
        Err(error @ (PageError::Invalid(_) | PageError::Conflict(_) | PageError::Refused(_))) => {
            error.to_string()
        }
        Err(error) => return Err(error),
    };
    let values = repeat(&app, &posted.viewer, &path, (Some(chosen), Some(problem))).await?;
    Page::new(&web, &posted.viewer).refused("build_repeat.html", &values)
}
