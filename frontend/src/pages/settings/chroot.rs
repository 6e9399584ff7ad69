//! What a project sets for one chroot, and the groups of packages that it uploaded for it.

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{ServiceConfig, get, post, resource},
};
use coppice_store::{ChrootSettings, Conn, ProjectChroot};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
    choice::{Choice, OF_CHROOTS},
    words::told,
};
use crate::{
    api,
    ops::{self, NewComps, find_project_chroot},
    pages::{
        PageError,
        frame::{Fields, Form},
    },
    uploads::Upload,
};

const PAGE: &str = "settings/chroot.html";
/// What the rule calls otherwise, as Copr's form did.
const NAMES: [(&str, &str); 3] = [
    ("repos", "additional_repos"),
    ("module_toggle", "additional_modules"),
    ("buildroot_pkgs", "additional_packages"),
];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/edit_chroot/{chroot}").route(get().to(show)))
        .service(resource("/update_chroot/{chroot}").route(post().to(update)))
        .service(resource("/chroot/{chroot}/comps").route(get().to(comps)));
}

#[derive(Debug, Serialize)]
struct ChrootPage {
    form: Form,
    chroot: String,
    is_buildable: bool,
    comps_name: Option<String>,
    bootstraps: [Choice; 5],
    isolations: [Choice; 4],
}

/// What the form holds before anybody typed.
fn filled(settings: &ChrootSettings) -> Form {
    // One choice with or without the name of an image.
    let bootstrap = if settings.bootstrap == "custom_image" { "image" } else { &settings.bootstrap };
    let texts = [
        ("additional_packages", settings.additional_packages.join("\n")),
        ("additional_repos", settings.additional_repos.join("\n")),
        ("additional_modules", settings.additional_modules.join("\n")),
        ("with_opts", settings.with_opts.join(" ")),
        ("without_opts", settings.without_opts.join(" ")),
        ("bootstrap", bootstrap.to_owned()),
        ("bootstrap_image", settings.bootstrap_image.clone().unwrap_or_default()),
        ("isolation", settings.isolation.clone()),
    ];
    texts.into_iter().fold(Form::blank(), |form, (name, text)| form.set(name, text))
}

fn find(name: String) -> impl FnOnce(&mut Conn, &Known) -> Result<ProjectChroot, PageError> + Send {
    move |conn, known| Ok(find_project_chroot(conn, &known.project, &name)?)
}

async fn page(asked: &Asked, sent: Option<Form>) -> Result<Settings<ChrootPage>, PageError> {
    let name = asked.path.rest("chroot").to_owned();
    let (Known { head, .. }, chroot) = asked.editable(find(name)).await?;
    let page = ChrootPage {
        form: sent.unwrap_or_else(|| filled(&chroot.settings)),
        chroot: chroot.name().to_string(),
        is_buildable: chroot.is_buildable(),
        comps_name: chroot.settings.comps_name,
        bootstraps: OF_CHROOTS.0,
        isolations: OF_CHROOTS.1,
    };
    Ok(Settings::new(head, "general", page))
}

async fn show(asked: Asked) -> Answer {
    let page = page(&asked, None).await?;
    asked.page().html(PAGE, &page)
}

async fn update(sent: Sent) -> Answer {
    let Sent { asked, fields, file } = sent;
    asked.caller()?;
    let fields = fields.with_boxes(&["delete_comps"]);
    match changed(&asked, &fields, file).await {
        Ok(chroot) => {
            let url = format!("{}edit_chroot/{}/", asked.url(), chroot.name());
            Ok(asked
                .on_to(url, format!("Saved. Builds for {} that start from now on see it.", chroot.name())))
        }
        Err(error) => {
            let form = Form::from(&fields).fail(told(error, &fields, &NAMES))?;
            asked.page().refused(PAGE, &page(&asked, Some(form)).await?)
        }
    }
}

async fn changed(asked: &Asked, fields: &Fields, file: Option<Upload>) -> Result<ProjectChroot, PageError> {
    let mut changes = api::chroot_changes(fields.as_api())?;
    if let Some(file) = file {
        let (name, content) = (file.file_name.clone(), file.text(api::MOST_COMPS_BYTES).await?);
        changes.comps = Some(NewComps { name, content });
    }
    let name = asked.path.rest("chroot").to_owned();
    let change = asked.change(move |tx, cx, by, project| {
        let chroot = find_project_chroot(tx, project, &name)?;
        ops::edit_chroot(tx, cx, by, (project, &chroot), &changes)
    });
    change.await
}

/// The file lies with the results, where DNF's metadata is made from it.
async fn comps(asked: Asked) -> Answer {
    let name = asked.path.rest("chroot").to_owned();
    let (Known { project, .. }, chroot) = asked.known(find(name)).await?;
    if chroot.settings.comps_name.is_none() {
        let text = format!("{} has no comps.xml for {}.", project.reference(), chroot.name());
        return Err(PageError::NotFound(text));
    }
    let (owner, dir) = (project.owner.as_str(), project.name.as_str());
    let folder = asked.app.settings.chroot_url(owner, dir, chroot.name().as_str());
    Ok(HttpResponse::Found().insert_header((LOCATION, format!("{folder}comps.xml"))).finish())
}
