//! Who may build in a project and who may change it: asked for here, and decided here.

use actix_web::web::{ServiceConfig, get, post, resource};
use coppice_model::permission::{PermissionState, Role};
use coppice_store::{Conn, Roles, permissions};
use serde::Serialize;

use super::{
    Answer,
    asked::{Asked, Known, Sent, Settings},
};
use crate::{
    ops::{self, OpError, Problem},
    pages::{
        PageError,
        frame::{Fields, Form},
    },
};

const PAGE: &str = "settings/permissions.html";
const ROLES: [Role; 2] = [Role::Builder, Role::Admin];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/permissions").route(get().to(show)))
        .service(resource("/permissions_applier_change").route(post().to(ask)))
        .service(resource("/update_permissions").route(post().to(decide)));
}

#[derive(Debug, Serialize)]
struct PermissionsPage {
    form: Form,
    rows: Vec<Row>,
    /// How many wait for a decision.
    requests: usize,
    /// Of the viewer, unless the project is his own.
    own: Option<Own>,
    is_group: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    builder: &'static str,
    admin: &'static str,
    asks: bool,
}

#[derive(Debug, Serialize)]
struct Own {
    builder: &'static str,
    admin: &'static str,
}

fn word(state: PermissionState) -> &'static str {
    match state {
        PermissionState::Nothing => "nothing",
        PermissionState::Request => "request",
        PermissionState::Approved => "approved",
    }
}

fn asks(roles: Roles) -> bool {
    ROLES.iter().any(|role| roles.of(*role) == PermissionState::Request)
}

fn read(conn: &mut Conn, known: &Known) -> Result<Vec<(String, Roles)>, PageError> {
    let all = permissions::list(conn, known.project.id)?;
    Ok(all.into_iter().map(|(name, roles)| (name.to_string(), roles)).collect())
}

async fn page(asked: &Asked, form: Form) -> Result<Settings<PermissionsPage>, PageError> {
    let (Known { project, head }, all) = asked.known(read).await?;
    let own = |name: &str| {
        let roles = all.iter().find(|(user, _)| user == name).map_or(Roles::NONE, |(_, roles)| *roles);
        Own { builder: word(roles.builder), admin: word(roles.admin) }
    };
    let user = asked.viewer.user().filter(|user| user.name != project.owner);
    let is_nothing = |roles: &Roles| *roles == Roles::NONE;
    let rows = all.iter().filter(|(_, roles)| !is_nothing(roles)).map(|(name, roles)| Row {
        name: name.clone(),
        builder: word(roles.builder),
        admin: word(roles.admin),
        asks: asks(*roles),
    });
    let page = PermissionsPage {
        form,
        rows: rows.collect(),
        requests: all.iter().filter(|(_, roles)| asks(*roles)).count(),
        own: user.map(|user| own(user.name.as_str())),
        is_group: project.owner.group().is_some(),
    };
    Ok(Settings::new(head, "permissions", page))
}

async fn show(asked: Asked) -> Answer {
    let page = page(&asked, Form::blank()).await?;
    asked.page().html(PAGE, &page)
}

/// A check box for each role: checked is asked for or had, unchecked is given up.
async fn ask(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let wanted = ROLES.map(|role| (role, fields.flag(role.as_str())));
    let change = asked.change(move |tx, _, by, project| {
        let roles = permissions::of(tx, project.id, by.user.id)?;
        let differs =
            |(role, wanted): &(Role, bool)| (roles.of(*role) != PermissionState::Nothing) != *wanted;
        let wishes: Vec<(Role, bool)> = wanted.into_iter().filter(differs).collect();
        if wishes.is_empty() { Ok(false) } else { ops::request_permissions(tx, by, project, &wishes) }
    });
    let url = format!("{}permissions/", asked.url());
    match change.await {
        Ok(true) => Ok(asked.on_to(url, "Noted. An admin of the project decides what you asked for.")),
        Ok(false) => Ok(asked.on_to(url, "Nothing changed.")),
        Err(error) => refused(&asked, &fields, error).await,
    }
}

async fn refused(asked: &Asked, fields: &Fields, error: PageError) -> Answer {
    let form = Form::from(fields).fail(error)?;
    asked.page().refused(PAGE, &page(asked, form).await?)
}

type Wishes = Vec<(String, Vec<(Role, PermissionState)>)>;

/// The roles of all listed users, a decision on one of them, or one more user.
async fn decide(sent: Sent) -> Answer {
    let Sent { asked, fields, .. } = sent;
    let caller = asked.caller()?;
    let is_new = fields.some("user").is_some();
    let result = match wishes(&fields) {
        Ok(wishes) => {
            let change =
                asked.change(move |tx, _, by, project| ops::set_permissions(tx, by, project, &wishes));
            change.await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(changed) => {
            let said = match changed.as_slice() {
                [] => "Nothing changed.".to_owned(),
                names => format!("Changed: {}.", names.join(", ")),
            };
            // Who took his own role sees what he may still see.
            drop(caller);
            Ok(asked.on_to(format!("{}permissions/", asked.url()), said))
        }
        Err(PageError::Refused(text)) if is_new => {
            refused(&asked, &fields, PageError::Invalid(vec![Problem::new("user", at_user(&text, &fields))]))
                .await
        }
        Err(error) => refused(&asked, &fields, error).await,
    }
}

fn at_user(text: &str, fields: &Fields) -> String {
    let name = fields.text("user").trim();
    match text.contains("doesn't exist") {
        true => format!("There is no user ‘{name}’ here. Accounts are made at the first login."),
        false => format!("‘{name}’ owns this project and needs no role."),
    }
}

fn wishes(fields: &Fields) -> Result<Wishes, PageError> {
    if let Some(name) = fields.some("user") {
        let given: Vec<_> = ROLES
            .into_iter()
            .filter(|role| fields.flag(role.as_str()))
            .map(|role| (role, PermissionState::Approved))
            .collect();
        if given.is_empty() {
            return Err(PageError::Invalid(vec![Problem::new("user", "Choose a role for this user.")]));
        }
        return Ok(vec![(name.to_owned(), given)]);
    }
    let mut all = Wishes::new();
    for (field, value) in fields.as_api().iter() {
        let named = field.split_once('.').and_then(|(role, name)| Some((role.parse::<Role>().ok()?, name)));
        let Some((role, name)) = named else { continue };
        let state = value.as_str().and_then(|state| state.parse().ok());
        let state = state
            .ok_or_else(|| OpError::Refused(format!("{field}: nothing, request or approved is needed.")))?;
        let state = decided(fields, name, state);
        match all.iter_mut().find(|(known, _)| known == name) {
            Some((_, roles)) => roles.push((role, state)),
            None => all.push((name.to_owned(), vec![(role, state)])),
        }
    }
    Ok(all)
}

/// A button at the user's row decides on all that he asks for.
fn decided(fields: &Fields, name: &str, state: PermissionState) -> PermissionState {
    match state {
        PermissionState::Request if fields.text("approve") == name => PermissionState::Approved,
        PermissionState::Request if fields.text("decline") == name => PermissionState::Nothing,
        _ if fields.text("remove") == name => PermissionState::Nothing,
        state => state,
    }
}
