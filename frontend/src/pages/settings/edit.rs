//! Everything that a project sets, with its chroots.

use actix_web::web::{ServiceConfig, get, post, resource};
use coppice_model::{ProjectId, UnixTime};
use coppice_store::{
    ChrootSettings, Conn, MockChroot, Project, ProjectChroot, ProjectSettings, mock_chroots, project_chroots,
    projects,
};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
    choice::{Choices, Distribution, OF_PROJECTS, distributions},
    form,
    words::told,
};
use crate::{
    api,
    ops::{self, Problem},
    pages::{
        PageError,
        frame::{Fields, Form},
        project_url,
    },
};

const PAGE: &str = "settings/edit.html";
const DAY_S: i64 = 86_400;

pub(super) fn id_routes(config: &mut ServiceConfig) {
    config.service(resource("/id/{id:\\d+}/createrepo").post(regenerate));
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/edit").route(get().to(show)))
        .service(resource("/update").route(post().to(update)));
}

#[derive(Debug, Serialize)]
struct EditPage {
    form: Form,
    chroots: Vec<Row>,
    distributions: Vec<Distribution>,
    #[serde(flatten)]
    choices: Choices,
    is_admin: bool,
    is_persistent: bool,
    key_fingerprint: Option<String>,
}

/// A chroot that the project has, or had a short while ago.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// A mark of the style sheet, and what it means.
    mark: &'static str,
    state: String,
    /// How it differs from the defaults.
    root: String,
}

impl Row {
    fn new(chroot: &ProjectChroot, now: UnixTime) -> Self {
        let (mark, state) = match (chroot.is_enabled, chroot.mock.is_active) {
            (true, true) => ("ok", "on".to_owned()),
            (true, false) => ("warn", outdated("not built any more", chroot, now)),
            (false, _) => ("skip", outdated("dropped", chroot, now)),
        };
        Self { name: chroot.name().to_string(), mark, state, root: root(&chroot.settings) }
    }
}

fn outdated(why: &str, chroot: &ProjectChroot, now: UnixTime) -> String {
    match ops::end_of(chroot).map(|end| api::days_until(end, now)) {
        Some(0) => format!("{why}, its results go today"),
        Some(1) => format!("{why}, its results go in 1 day"),
        Some(days) => format!("{why}, its results go in {days} days"),
        None => format!("{why}, still served"),
    }
}

fn root(settings: &ChrootSettings) -> String {
    let mut told = Vec::new();
    let mut count = |number: usize, one: &str, many: &str| match number {
        0 => {}
        1 => told.push(format!("1 {one}")),
        _ => told.push(format!("{number} {many}")),
    };
    count(settings.additional_packages.len(), "package", "packages");
    count(settings.additional_repos.len(), "repository", "repositories");
    count(settings.additional_modules.len(), "module", "modules");
    count(settings.with_opts.len() + settings.without_opts.len(), "build option", "build options");
    told.extend(settings.comps_name.clone());
    for (what, word) in [("bootstrap", &settings.bootstrap), ("isolation", &settings.isolation)] {
        if word != "unchanged" {
            told.push(format!("{what} {word}"));
        }
    }
    if told.is_empty() { "defaults".into() } else { told.join(", ") }
}

/// What the form holds before anybody typed.
fn filled(settings: &ProjectSettings, now: UnixTime) -> Form {
    let days =
        settings.delete_on.map(|end| (end.0.saturating_sub(now.0) + DAY_S - 1).div_euclid(DAY_S).max(0));
    let texts = [
        ("description", settings.description.clone()),
        ("instructions", settings.instructions.clone()),
        ("homepage", settings.homepage.clone().unwrap_or_default()),
        ("contact", settings.contact.clone().unwrap_or_default()),
        ("additional_repos", settings.additional_repos.join("\n")),
        ("runtime_dependencies", settings.runtime_dependencies.join("\n")),
        ("packit_forge_projects_allowed", settings.packit_forge_projects_allowed.join("\n")),
        ("bootstrap", settings.bootstrap.clone()),
        ("isolation", settings.isolation.clone()),
        ("delete_after_days", days.map(|days| days.to_string()).unwrap_or_default()),
        ("repo_priority", settings.repo_priority.unwrap_or(99).to_string()),
    ];
    let flags = [
        ("enable_net", settings.enable_net),
        ("follow_fedora_branching", settings.follow_fedora_branching),
        ("unlisted_on_hp", settings.unlisted_on_hp),
        ("devel_mode", settings.devel_mode),
        ("multilib", settings.multilib),
        ("module_hotfixes", settings.module_hotfixes),
        ("fedora_review", settings.fedora_review),
        ("appstream", settings.appstream),
        ("auto_prune", settings.auto_prune),
    ];
    let form = texts.into_iter().fold(Form::blank(), |form, (name, text)| form.set(name, text));
    flags.into_iter().fold(form, |form, (name, flag)| form.set(name, flag))
}

struct Read {
    own: Vec<ProjectChroot>,
    offered: Vec<MockChroot>,
}

/// What may be chosen: what is active, and what the project has already.
fn read(conn: &mut Conn, known: &Known) -> Result<Read, PageError> {
    let own = project_chroots::list(conn, known.project.id)?;
    let is_enabled =
        |mock: &MockChroot| own.iter().any(|chroot| chroot.is_enabled && chroot.mock.id == mock.id);
    let mut offered = mock_chroots::list(conn)?;
    offered.retain(|mock| mock.is_active || is_enabled(mock));
    Ok(Read { own, offered })
}

/// As it is, or as it was sent.
async fn page(asked: &Asked, sent: Option<(Form, Vec<String>)>) -> Result<Settings<EditPage>, PageError> {
    let (Known { project, head }, read) = asked.editable(read).await?;
    let now = asked.app.clock.now();
    let (form, chosen) = sent.unwrap_or_else(|| {
        let enabled = read.own.iter().filter(|chroot| chroot.is_enabled);
        (filled(&project.settings, now), enabled.map(|chroot| chroot.name().to_string()).collect())
    });
    let page = EditPage {
        form,
        chroots: read.own.iter().map(|chroot| Row::new(chroot, now)).collect(),
        distributions: distributions(&read.offered, &chosen),
        choices: OF_PROJECTS,
        is_admin: asked.viewer.user().is_some_and(|user| user.is_admin),
        is_persistent: project.settings.persistent,
        key_fingerprint: project.key_fingerprint,
    };
    Ok(Settings::new(head, "general", page))
}

async fn show(asked: Asked) -> Answer {
    let page = page(&asked, None).await?;
    asked.page().html(PAGE, &page)
}

async fn update(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let mut fields = fields.with_boxes(&form::BOXES).with_lists(&["chroots"]);
    if asked.caller()?.user.is_admin {
        fields = fields.with_boxes(&["auto_prune"]);
    }
    match changed(&asked, &fields).await {
        Ok(project) => {
            let url = format!("{}edit/", project_url(&project.reference()));
            Ok(asked.on_to(url, "Saved. New .repo files are served at once."))
        }
        Err(error) => {
            let form = Form::from(&fields).fail(told(error, &fields, &[]))?;
            let chosen = fields.list("chroots").into_iter().map(str::to_owned).collect();
            asked.page().refused(PAGE, &page(&asked, Some((form, chosen))).await?)
        }
    }
}

async fn changed(asked: &Asked, fields: &Fields) -> Result<Project, PageError> {
    let mut changes = api::project_changes(fields.as_api())?;
    if fields.some("repo_priority").is_none() {
        changes.repo_priority = Some(form::DEFAULT_PRIORITY);
    }
    let change = asked.change(move |tx, cx, by, project| {
        let drops_all = changes.chroots.as_ref().is_some_and(Vec::is_empty)
            && project_chroots::list(tx, project.id)?.iter().any(|chroot| chroot.is_enabled);
        if drops_all {
            let text = "A project needs a chroot. Choose at least one; to end the project, delete it.";
            return Err(ops::OpError::Invalid(vec![Problem::new("chroots", text)]));
        }
        ops::edit_project(tx, cx, by, project, &changes)
    });
    change.await
}

/// By the project's number, as Copr has it.
async fn regenerate(sent: Sent) -> Answer {
    let asked = sent.asked;
    let (caller, context) = (asked.caller()?, asked.app.context());
    let missing = || PageError::NotFound("There is no project of this number.".into());
    let id = asked.path.rest("id").parse().map(ProjectId).map_err(|_| missing())?;
    let ordered = asked.app.store.write(move |tx| {
        let project = projects::references(tx, &[id])?.remove(&id).ok_or_else(missing)?;
        let project = ops::find_project(tx, project.owner.as_str(), project.name.as_str())?;
        ops::regenerate_repos(tx, &context, &caller, &project)?;
        Ok::<_, PageError>(project)
    });
    let url = project_url(&ordered.await?.reference());
    Ok(asked.on_to(url, "All repositories are made anew. Users see them as each one is ready."))
}
