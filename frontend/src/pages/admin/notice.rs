//! What is told on every page.

use actix_web::web::Data;
use coppice_model::UnixTime;
use coppice_store::{Notice, notice};
use serde::Serialize;

use super::{Answer, admin};
use crate::{
    App,
    pages::{
        Page, PageError, Viewer,
        frame::{Form, Moment, Posted, see_other},
    },
    web::Web,
};

/// It stands on every page: longer belongs elsewhere.
const MOST_CHARS: usize = 500;

#[derive(Debug, Serialize)]
struct NoticePage {
    tab: &'static str,
    form: Form,
    set: Option<Set>,
}

#[derive(Debug, Serialize)]
struct Set {
    by: String,
    at: Moment,
}

fn set_by(known: Option<&Notice>, now: UnixTime) -> Option<Set> {
    known.map(|known| Set { by: known.set_by.to_string(), at: Moment::new(known.set_at, now) })
}

pub async fn form(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Answer {
    admin(&viewer)?;
    let (known, now) = (app.store.read(notice::find).await?, app.clock.now());
    let text = known.as_ref().map(|known| known.text.clone()).unwrap_or_default();
    let page =
        NoticePage { tab: "notice", form: Form::blank().set("text", text), set: set_by(known.as_ref(), now) };
    Page::new(&web, &viewer).html("admin_notice.html", &page)
}

/// An empty text takes it away. Other frontends see it within seconds, this one at once.
pub async fn set(app: Data<App>, web: Data<Web>, posted: Posted) -> Answer {
    let by = admin(&posted.viewer)?.user.name.clone();
    let text = posted.fields.text("text").split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > MOST_CHARS {
        let told =
            format!("It has {} characters: {MOST_CHARS} at most fit above every page.", text.chars().count());
        let form = Form::from(&posted.fields).problem("text", told);
        let page = NoticePage { tab: "notice", form, set: None };
        return Page::new(&web, &posted.viewer).refused("admin_notice.html", &page);
    }
    let new = Some(text).filter(|text| !text.is_empty());
    let (stored, set_at) = (new.clone(), app.clock.now());
    let write = app.store.write(move |tx| match stored {
        Some(text) => notice::set(tx, &Notice { text, set_by: by, set_at }),
        None => notice::delete(tx),
    });
    write.await.map_err(PageError::Store)?;
    let said = if new.is_some() { "The notice is shown on every page." } else { "The notice is gone." };
    web.set_notice(new);
    Ok(see_other(&web, "/admin/notice/").say(said).answer())
}
