//! A copy of a project under the viewer's own name or one of his groups'.

use actix_web::web::{ServiceConfig, get, post, resource};
use coppice_store::{Conn, groups};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
    words::told,
};
use crate::{
    api, ops,
    ops::{Caller, Problem},
    pages::{
        PageError,
        frame::{Fields, Form},
        project_url,
    },
};

const PAGE: &str = "settings/fork.html";

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/fork").route(get().to(show)).route(post().to(fork)));
}

#[derive(Debug, Serialize)]
struct ForkPage {
    form: Form,
    owners: Vec<Owner>,
}

#[derive(Debug, Serialize)]
struct Owner {
    value: String,
    label: String,
}

fn owners(conn: &mut Conn, caller: &Caller) -> Result<Vec<Owner>, PageError> {
    let own = caller.user.name.to_string();
    let groups = groups::names_of_user(conn, caller.user.id)?.into_iter().map(|name| format!("@{name}"));
    Ok(std::iter::once(own).chain(groups).map(|name| Owner { value: name.clone(), label: name }).collect())
}

async fn page(asked: &Asked, form: Option<Form>) -> Result<Settings<ForkPage>, PageError> {
    let caller = asked.caller()?;
    let (Known { head, .. }, owners) = asked.known(move |conn, _| owners(conn, &caller)).await?;
    let form = form.unwrap_or_else(|| Form::blank().set("name", head.name.clone()));
    Ok(Settings::outside(head, ForkPage { form, owners }))
}

async fn show(asked: Asked) -> Answer {
    let page = page(&asked, None).await?;
    asked.page().html(PAGE, &page)
}

async fn fork(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    asked.caller()?;
    let fields = fields.with_boxes(&["confirm"]);
    let wish = api::fork_wish(fields.as_api());
    let forked = match wish {
        Ok(wish) => {
            asked.change(move |tx, cx, by, source| ops::fork_project(tx, cx, by, source, &wish)).await
        }
        Err(error) => Err(error.into()),
    };
    match forked {
        Ok(copy) => {
            let reference = copy.reference();
            let said =
                format!("{reference} is there. Its packages are being copied and signed with its own key.");
            Ok(asked.on_to(project_url(&reference), said))
        }
        Err(error) => {
            let error = told(at_fields(error, &fields), &fields, &[("owner", "ownername")]);
            let form = Form::from(&fields).fail(error)?;
            asked.page().refused(PAGE, &page(&asked, Some(form)).await?)
        }
    }
}

/// Refusals that one field cures.
fn at_fields(error: PageError, fields: &Fields) -> PageError {
    let PageError::Refused(text) = &error else { return error };
    let name = fields.text("name").trim();
    let problem = if text.contains("--confirm") {
        Problem::new(
            "confirm",
            format!("‘{name}’ exists already. Check this to copy into it, or choose another name."),
        )
    } else if text.contains("into itself") {
        Problem::new("name", "A project cannot be copied into itself. Choose another name or owner.")
    } else {
        return error;
    };
    PageError::Invalid(vec![problem])
}
