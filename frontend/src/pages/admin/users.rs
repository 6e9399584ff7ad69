//! Accounts: who is an admin, who is logged in.

use actix_web::web::{Data, Path};
use coppice_model::{UnixTime, UserId};
use coppice_store::{Conn, Page as Part, StoreError, User, sessions, users};
use serde::Serialize;

use super::{Answer, admin};
use crate::{
    App,
    api::Query,
    pages::{
        Page, PageError, Viewer,
        frame::{Moment, Posted, see_other},
    },
    web::Web,
};

const SHOWN: i64 = 100;

#[derive(Debug, Serialize)]
struct UsersPage {
    tab: &'static str,
    /// What is looked for.
    q: String,
    users: Vec<Row>,
    is_cut: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    mail: Option<String>,
    is_admin: bool,
    is_viewer: bool,
    is_blocked: bool,
    sessions: i64,
    made: Moment,
}

/// Two statements.
fn load(conn: &mut Conn, q: &str) -> Result<Vec<(User, i64)>, StoreError> {
    let found = users::search(conn, q, Part::first(SHOWN))?;
    let ids: Vec<UserId> = found.iter().map(|user| user.id).collect();
    let counts = sessions::count(conn, &ids)?;
    let with = |user: User| (counts.get(&user.id).copied().unwrap_or(0), user);
    Ok(found.into_iter().map(with).map(|(count, user)| (user, count)).collect())
}

pub async fn list(app: Data<App>, web: Data<Web>, viewer: Viewer, query: Query) -> Answer {
    let own = admin(&viewer)?.user.id;
    let q = query.get("q").unwrap_or_default().trim().to_owned();
    let asked = q.clone();
    let found = app.store.read(move |conn| load(conn, &asked)).await?;
    let now: UnixTime = app.clock.now();
    let row = |(user, sessions): (User, i64)| Row {
        name: user.name.to_string(),
        mail: user.mail,
        is_admin: user.is_admin,
        is_viewer: user.id == own,
        is_blocked: user.block.is_some(),
        sessions,
        made: Moment::new(user.created_at, now),
    };
    let is_cut = i64::try_from(found.len()) == Ok(SHOWN);
    let page = UsersPage { tab: "users", q, is_cut, users: found.into_iter().map(row).collect() };
    Page::new(&web, &viewer).html("admin_users.html", &page)
}

/// The button says what: `admin`, `no_admin` or `log_out`.
pub async fn change(app: Data<App>, web: Data<Web>, name: Path<String>, posted: Posted) -> Answer {
    let own = admin(&posted.viewer)?.user.id;
    let (name, verb) = (name.into_inner(), posted.fields.text("action").to_owned());
    let said = app.store.write(move |tx| act(tx, own, &name, &verb)).await?;
    Ok(see_other(&web, "/admin/users/").say(said).answer())
}

fn act(tx: &mut Conn, own: UserId, name: &str, verb: &str) -> Result<String, PageError> {
    let missing = || PageError::NotFound(format!("There is no user {name}."));
    let user = users::find_by_name(tx, name)?.ok_or_else(missing)?;
    match verb {
        "admin" => {
            users::update(tx, user.id, user.mail.as_deref(), true)?;
            Ok(format!("{name} is an admin now."))
        }
        // Somebody must be left who can undo it.
        "no_admin" if user.id == own => Err(PageError::Refused(
            "You are the one who would be an admin no more. Another admin can do that.".into(),
        )),
        "no_admin" => {
            users::update(tx, user.id, user.mail.as_deref(), false)?;
            Ok(format!("{name} is an admin no more."))
        }
        "log_out" => {
            let ended = sessions::delete_others(tx, user.id, None)?;
            Ok(format!("{ended} sessions of {name} were ended."))
        }
        other => Err(PageError::Refused(format!("{other:?} is nothing that can be done to a user."))),
    }
}
