//! The catalogue of chroots, changed by the same rules as with `manage`.

use actix_web::web::{Data, Path};
use coppice_store::mock_chroots;
use serde::Serialize;

use super::{Answer, admin};
use crate::{
    App,
    manage::{self, ManageError},
    pages::{
        Page, PageError, Viewer,
        frame::{Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct ChrootsPage {
    tab: &'static str,
    chroots: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    is_active: bool,
    branch: String,
    comment: String,
}

/// One statement.
pub async fn list(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    admin(&viewer)?;
    let all = app.store.read(mock_chroots::list).await?;
    let row = |chroot: mock_chroots::MockChroot| Row {
        name: chroot.name.to_string(),
        is_active: chroot.is_active,
        branch: chroot.branch,
        comment: chroot.comment,
    };
    let page = ChrootsPage { tab: "chroots", chroots: all.into_iter().map(row).collect() };
    Page::new(&web, &viewer).html("admin_chroots.html", &page)
}

/// The button says what: `activate`, `deactivate`, `eol` or `comment`.
pub async fn change(app: Data<App>, web: Data<Web>, name: Path<String>, posted: Posted) -> Answer {
    admin(&posted.viewer)?;
    let (name, now) = (name.into_inner(), app.clock.now());
    let (verb, comment) =
        (posted.fields.text("action").to_owned(), posted.fields.text("comment").trim().to_owned());
    let write = app.store.write(move |tx| match verb.as_str() {
        "activate" => manage::activate_chroot(tx, &name, true),
        "deactivate" => manage::activate_chroot(tx, &name, false),
        "eol" => manage::end_chroot(tx, &name, now),
        "comment" => manage::comment_chroot(tx, &name, &comment),
        other => Err(ManageError::Refused(format!("{other:?} is nothing that can be done to a chroot"))),
    });
    let said = write.await.map_err(told)?;
    Ok(see_other(&web, "/admin/chroots/").say(said.trim_end()).answer())
}

fn told(error: ManageError) -> PageError {
    match error {
        ManageError::Refused(text) => PageError::Refused(text),
        ManageError::Store(cause) => PageError::Store(cause),
        other => PageError::Internal(Box::new(other)),
    }
}
