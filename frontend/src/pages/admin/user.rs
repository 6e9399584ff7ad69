//! One account: what is known of it, and whether it may do anything.

use actix_web::web::{Data, Path};
use coppice_model::UnixTime;
use coppice_store::{Conn, User, sessions, tokens, users};
use serde::Serialize;

use super::{Answer, admin};
use crate::{
    App,
    ops::{self, BlockWish, OpError},
    pages::{
        Page, PageError, Viewer,
        frame::{Moment, Posted, see_other},
    },
    web::Web,
};

#[derive(Debug, Serialize)]
struct UserPage {
    tab: &'static str,
    name: String,
    mail: Option<String>,
    is_admin: bool,
    is_viewer: bool,
    made: Moment,
    sessions: i64,
    tokens: usize,
    /// Not ended yet.
    builds: usize,
    block: Option<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    at: Moment,
    /// Empty: the operators.
    by: String,
    reason: String,
}

/// Four statements.
fn load(conn: &mut Conn, name: &str) -> Result<(User, i64, usize, usize), OpError> {
    let missing = || OpError::NotFound(format!("There is no user {name}."));
    let user = users::find_by_name(conn, name)?.ok_or_else(missing)?;
    let sessions = sessions::count(conn, &[user.id])?.get(&user.id).copied().unwrap_or(0);
    let (tokens, builds) = (tokens::list(conn, user.id)?.len(), ops::open_builds(conn, user.id)?);
    Ok((user, sessions, tokens, builds))
}

pub async fn page(app: Data<App>, web: Data<Web>, viewer: Viewer, name: Path<String>) -> Answer {
    let own = admin(&viewer)?.user.id;
    let name = name.into_inner();
    let (user, sessions, tokens, builds) = app.store.read(move |conn| load(conn, &name)).await?;
    let now: UnixTime = app.clock.now();
    let page = UserPage {
        tab: "users",
        name: user.name.to_string(),
        mail: user.mail,
        is_admin: user.is_admin,
        is_viewer: user.id == own,
        made: Moment::new(user.created_at, now),
        sessions,
        tokens,
        builds,
        block: user.block.map(|block| Shown {
            at: Moment::new(block.at, now),
            by: block.by,
            reason: block.reason,
        }),
    };
    Page::new(&web, &viewer).html("admin_user.html", &page)
}

pub async fn block(app: Data<App>, web: Data<Web>, name: Path<String>, posted: Posted) -> Answer {
    let by = admin(&posted.viewer)?.user.name.to_string();
    let wish = BlockWish {
        by: Some(by),
        reason: posted.fields.text("reason").to_owned(),
        cancels_builds: posted.fields.flag("cancels_builds"),
    };
    let (cx, blocked) = (app.context(), name.clone());
    let done = app.store.write(move |tx| ops::block_user(tx, &cx, &blocked, &wish)).await?;
    tracing::info!(user = %name, builds = done.builds, "an account is blocked");
    let said =
        format!("{name} is blocked. Sessions ended: {}; builds canceled: {}.", done.sessions, done.builds);
    Ok(see_other(&web, format!("/admin/users/{name}/")).say(said).answer())
}

pub async fn unblock(app: Data<App>, web: Data<Web>, name: Path<String>, posted: Posted) -> Answer {
    admin(&posted.viewer)?;
    let free = name.clone();
    app.store.write(move |tx| ops::unblock_user(tx, &free)).await.map_err(PageError::from)?;
    tracing::info!(user = %name, "an account is free again");
    let said = format!("{name} may log in again, and tokens work as before.");
    Ok(see_other(&web, format!("/admin/users/{name}/")).say(said).answer())
}
