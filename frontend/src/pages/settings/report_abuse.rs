//! A report of a project, for the operators to decide.

use actix_web::web::{ServiceConfig, get, post, resource};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
};
use crate::{
    ops,
    pages::{PageError, frame::Form},
};

const PAGE: &str = "settings/report_abuse.html";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/report-abuse").route(get().to(show)))
        .service(resource("/legal_flag").route(post().to(report)));
}

#[derive(Debug, Serialize)]
struct ReportPage {
    form: Form,
}

async fn page(asked: &Asked, form: Form) -> Result<Settings<ReportPage>, PageError> {
    asked.caller()?;
    let (Known { head, .. }, ()) = asked.known(|_, _| Ok(())).await?;
    Ok(Settings::outside(head, ReportPage { form }))
}

async fn show(asked: Asked) -> Answer {
    let page = page(&asked, Form::blank()).await?;
    asked.page().html(PAGE, &page)
}

async fn report(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let message = fields.text("comment").trim().to_owned();
    let change = asked.change(move |tx, cx, by, project| ops::report_abuse(tx, cx, by, project, &message));
    match change.await {
        Ok(()) => Ok(asked.on_to(
            asked.url(),
            "The operators have your report. Nothing changes until one of them decides.",
        )),
        Err(error) => {
            let form = Form::from(&fields).fail(error)?;
            asked.page().refused(PAGE, &page(&asked, form).await?)
        }
    }
}
