//! Chroots that are built no more: what a project still holds for them, until when, and a word of its admins. And what
//! retention takes from those that are built.

use std::collections::BTreeMap;

use actix_web::web::{ServiceConfig, get, post, resource};
use coppice_model::{ProjectRef, UnixTime};
use coppice_store::{Conn, ProjectChroot, Superseded, groups, project_chroots};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
};
use crate::{
    api,
    ops::{self, Caller, Context, EndWish, OpError, find_project},
    pages::{
        PageError,
        frame::{Fields, Moment},
        project_url,
    },
};

const OF_PROJECT: &str = "settings/ending.html";
const OF_USER: &str = "settings/ending_of_user.html";
const ALL: &str = "all";

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/repositories").route(get().to(show)).route(post().to(decide)));
}

pub(super) fn site_routes(config: &mut ServiceConfig) {
    config.service(resource("/user/repositories").get(show_own).post(decide_own));
}

/// A project's chroots that are built no more.
#[derive(Debug, Serialize)]
struct Group {
    project: String,
    url: String,
    chroots: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    chroot: String,
    release: String,
    arch: String,
    why: &'static str,
    /// `None`: kept until somebody says otherwise.
    end: Option<Moment>,
    days: Option<i64>,
}

impl Row {
    fn new(chroot: &ProjectChroot, now: UnixTime) -> Self {
        let (name, end) = (chroot.name(), ops::end_of(chroot));
        Self {
            chroot: name.to_string(),
            release: name.name_release().to_owned(),
            arch: name.arch().to_owned(),
            why: if chroot.is_enabled {
                "built no more by the operators"
            } else {
                "dropped from the project"
            },
            days: end.map(|end| api::days_until(end, now)),
            end: Moment::of(end, now),
        }
    }
}

#[derive(Debug, Serialize)]
struct EndingPage {
    group: Group,
    superseded: Vec<Package>,
    auto_prune: bool,
}

/// What retention takes of one package.
#[derive(Debug, Serialize)]
struct Package {
    name: String,
    builds: Vec<i64>,
    chroots: usize,
    first: Moment,
}

fn packages(all: Vec<(Superseded, UnixTime)>, now: UnixTime) -> Vec<Package> {
    let mut by_name: BTreeMap<String, Package> = BTreeMap::new();
    for (results, goes_on) in all {
        let name = results.package.to_string();
        let package = by_name.entry(name.clone()).or_insert_with(|| Package {
            name,
            builds: Vec::new(),
            chroots: 0,
            first: Moment::new(goes_on, now),
        });
        package.chroots += 1;
        if !package.builds.contains(&results.build.0) {
            package.builds.push(results.build.0);
        }
    }
    by_name.into_values().collect()
}

type Read = (Vec<ProjectChroot>, Vec<(Superseded, UnixTime)>);

fn read(conn: &mut Conn, known: &Known) -> Result<Read, PageError> {
    let mut own = project_chroots::list(conn, known.project.id)?;
    own.retain(ProjectChroot::is_outdated);
    Ok((own, ops::preview_prune(conn, &known.project)?))
}

async fn show(asked: Asked) -> Answer {
    let (Known { project, head }, (own, superseded)) = asked.editable(read).await?;
    let now = asked.app.clock.now();
    let chroots = own.iter().map(|chroot| Row::new(chroot, now)).collect();
    let page = EndingPage {
        group: Group { project: head.full_name.clone(), url: head.url.clone(), chroots },
        superseded: packages(superseded, now),
        auto_prune: project.settings.auto_prune,
    };
    asked.page().html(OF_PROJECT, &Settings::new(head, "repositories", page))
}

/// Which button was pressed: what shall be, and its value.
fn wish(fields: &Fields) -> Result<(EndWish, String), PageError> {
    let pressed = [("extend", EndWish::Extend), ("expire", EndWish::Expire)]
        .into_iter()
        .find_map(|(name, wish)| Some((wish, fields.some(name)?.to_owned())));
    pressed.ok_or_else(|| PageError::Refused("Press one of the buttons: extend or expire.".into()))
}

fn said(wish: EndWish, number: usize) -> String {
    let what = if number == 1 { "1 chroot".to_owned() } else { format!("{number} chroots") };
    match wish {
        EndWish::Extend => format!("Extended: {what}. The table says until when."),
        EndWish::Expire => {
            format!("Given up: {what}. All results go in 12 hours; until then you can extend.")
        }
    }
}

async fn decide(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    asked.caller()?;
    let (wish, value) = wish(&fields)?;
    let change = asked.change(move |tx, cx, by, project| {
        let own = project_chroots::list(tx, project.id)?;
        let names = match value.as_str() {
            ALL => own.iter().filter(|own| own.is_outdated()).map(|own| own.name().to_string()).collect(),
            _ => vec![value],
        };
        ops::move_ends(tx, cx, by, project, (&names, wish))?;
        Ok(names.len())
    });
    let number = change.await?;
    Ok(asked.on_to(format!("{}repositories/", asked.url()), said(wish, number)))
}

/// Of the caller and of all groups that the caller is in.
fn outdated_of(conn: &mut Conn, caller: &Caller) -> Result<Vec<(ProjectRef, ProjectChroot)>, OpError> {
    let groups = groups::names_of_user(conn, caller.user.id)?.into_iter().map(|name| format!("@{name}"));
    let owners: Vec<String> = std::iter::once(caller.user.name.to_string()).chain(groups).collect();
    Ok(project_chroots::list_outdated(conn, &owners)?)
}

async fn show_own(asked: Asked) -> Answer {
    let caller = asked.caller()?;
    let now = asked.app.clock.now();
    let all = asked.app.store.read(move |conn| outdated_of(conn, &caller)).await?;
    let mut groups: Vec<Group> = Vec::new();
    for (project, chroot) in all {
        let name = project.to_string();
        if groups.last().is_none_or(|last| last.project != name) {
            groups.push(Group { url: project_url(&project), project: name, chroots: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.chroots.push(Row::new(&chroot, now));
        }
    }
    asked.page().html(OF_USER, &serde_json::json!({ "groups": groups }))
}

/// The value is `OWNER/PROJECT/CHROOT`, `OWNER/PROJECT/all` or `all`.
async fn decide_own(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let (caller, context) = (asked.caller()?, asked.app.context());
    let (wish, value) = wish(&fields)?;
    let moved = asked.app.store.write(move |tx| move_own(tx, &context, &caller, (wish, &value)));
    let number = moved.await?;
    Ok(asked.on_to("/user/repositories/", said(wish, number)))
}

fn move_own(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (wish, value): (EndWish, &str),
) -> Result<usize, OpError> {
    let mut wanted: BTreeMap<String, (ProjectRef, Vec<String>)> = BTreeMap::new();
    for (project, chroot) in outdated_of(tx, by)? {
        let name = project.to_string();
        let is_wanted = [ALL.to_owned(), format!("{name}/{ALL}"), format!("{name}/{}", chroot.name())]
            .iter()
            .any(|v| v == value);
        if is_wanted {
            wanted.entry(name).or_insert_with(|| (project, Vec::new())).1.push(chroot.name().to_string());
        }
    }
    if wanted.is_empty() {
        return Err(OpError::NotFound("You own no such chroot that is built no more.".into()));
    }
    let mut number = 0;
    for (project, names) in wanted.into_values() {
        let project = find_project(tx, project.owner.as_str(), project.name.as_str())?;
        ops::move_ends(tx, cx, by, &project, (&names, wish))?;
        number += names.len();
    }
    Ok(number)
}
