//! The end of a project: what goes with it is said first.

use actix_web::web::{ServiceConfig, get, post, resource};
use coppice_store::{Conn, projects, projects::Extent};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
};
use crate::{
    ops::{self, OpError, Problem},
    pages::{PageError, frame::Form},
};

const PAGE: &str = "settings/delete.html";

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/delete").route(get().to(show)).route(post().to(delete)));
}

#[derive(Debug, Serialize)]
struct DeletePage {
    form: Form,
    extent: Extent,
    is_persistent: bool,
}

fn read(conn: &mut Conn, known: &Known) -> Result<Extent, PageError> {
    if !known.head.can_delete {
        let text = format!("Only owners may delete {}.", known.head.full_name);
        return Err(PageError::Forbidden(text));
    }
    Ok(projects::extent(conn, known.project.id)?)
}

async fn page(asked: &Asked, form: Form) -> Result<Settings<DeletePage>, PageError> {
    asked.caller()?;
    let (Known { project, head }, extent) = asked.known(read).await?;
    let page = DeletePage { form, extent, is_persistent: project.settings.persistent };
    Ok(Settings::new(head, "delete", page))
}

async fn show(asked: Asked) -> Answer {
    let page = page(&asked, Form::blank()).await?;
    asked.page().html(PAGE, &page)
}

/// Copr asks for the word `yes`; the name is taken as well, as it is harder to type by mistake.
async fn delete(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let typed = fields.text("verify").trim().to_owned();
    let change = asked.change(move |tx, cx, by, project| {
        if typed != "yes" && typed != project.name.as_str() && typed != project.reference().to_string() {
            let text = format!("Type {} or yes: then it goes.", project.name);
            return Err(OpError::Invalid(vec![Problem::new("verify", text)]));
        }
        ops::delete_project(tx, cx, by, project)?;
        Ok(project.reference())
    });
    match change.await {
        Ok(gone) => {
            let url = match gone.owner.group() {
                Some(group) => format!("/groups/g/{group}/coprs/"),
                None => format!("/coprs/{}/", gone.owner),
            };
            Ok(asked.on_to(url, format!("{gone} is deleted. Its packages go within minutes.")))
        }
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            asked.page().refused(PAGE, &page(&asked, form).await?)
        }
    }
}
