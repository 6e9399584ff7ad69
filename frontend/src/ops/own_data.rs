//! What is held about a person: shown whole, and removed when they say so.

use coppice_store::{
    ApiToken, Conn, Identity, Publisher, Session, Team, identities, own_data, passwords, profiles,
    publishers, sessions, teams, tokens, votes,
};
use serde_json::{Value, json};

use super::{Caller, OpError, Problem, rights::ensure_whole};
use crate::calendar::rfc3339;

/// Everything, without secrets: those are stored as hashes, which tell nothing. A fixed number of statements.
pub fn own_data(conn: &mut Conn, by: &Caller) -> Result<Value, OpError> {
    ensure_whole(by)?;
    let (user, id) = (&by.user, by.user.id);
    let builds = own_data::builds(conn, id)?;
    let roles = own_data::roles(conn, id)?;
    let profile = profiles::find(conn, &user.name)?;
    let reports = own_data::reports(conn, id)?;
    let votes = votes::list_of(conn, id)?;
    Ok(json!({
        "name": user.name.as_str(),
        "mail": user.mail,
        "is_admin": user.is_admin,
        "zone": user.zone,
        "created": rfc3339(user.created_at),
        "has_password": passwords::find(conn, id)?.is_some(),
        "identities": identities::list(conn, id)?.iter().map(identity).collect::<Vec<_>>(),
        "sessions": sessions::list(conn, id)?.iter().map(session).collect::<Vec<_>>(),
        "tokens": tokens::list(conn, id)?.iter().map(token).collect::<Vec<_>>(),
        "teams": teams::list(conn, id)?.iter().map(team).collect::<Vec<_>>(),
        "groups": own_data::groups(conn, id)?,
        "projects": own_data::projects(conn, &user.name)?.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "roles": roles.iter().map(|role| json!({
            "project": role.project.to_string(), "admin": role.admin, "builder": role.builder,
        })).collect::<Vec<_>>(),
        "trusted_publishers": publishers::list_of_user(conn, id)?.iter().map(publisher).collect::<Vec<_>>(),
        "votes": votes.iter().map(|(project, vote)| json!({
            "project": project.to_string(), "value": vote.value(),
        })).collect::<Vec<_>>(),
        "profile": { "text": profile.text, "pinned": profile.pinned.iter().map(|id| id.0).collect::<Vec<_>>() },
        "reports": reports.iter().map(|report| json!({
            "project": report.project, "message": report.message, "created": rfc3339(report.created_at),
        })).collect::<Vec<_>>(),
        "builds": builds.iter().map(|build| json!({
            "id": build.id.0, "project": build.project.to_string(), "package": build.package,
            "submitted": rfc3339(build.submitted_on),
        })).collect::<Vec<_>>(),
    }))
}

fn identity(identity: &Identity) -> Value {
    json!({
        "provider": identity.provider, "subject": identity.subject, "label": identity.label,
        "created": rfc3339(identity.created_at), "used": rfc3339(identity.used_at),
    })
}

fn session(session: &Session) -> Value {
    json!({
        "method": session.method, "address": session.address, "agent": session.agent,
        "created": rfc3339(session.created_at), "seen": rfc3339(session.seen_at),
        "expires": rfc3339(session.expires_at),
    })
}

fn token(token: &ApiToken) -> Value {
    json!({
        "login": token.login, "name": token.name, "scope": token.scope.access.as_str(),
        "created": rfc3339(token.created_at), "expires": rfc3339(token.expires_at),
        "used": token.used_at.map(rfc3339),
    })
}

fn team(team: &Team) -> Value {
    json!({ "provider": team.provider, "team": team.name, "group": team.group })
}

fn publisher(publisher: &Publisher) -> Value {
    json!({
        "issuer": publisher.trusts.issuer, "repository": publisher.trusts.repository,
        "created": rfc3339(publisher.created_at),
    })
}

/// Closes the account: there is no way in any more. `typed`: the name, so that nobody does it by mistake.
pub fn close_account(tx: &mut Conn, by: &Caller, typed: &str) -> Result<(), OpError> {
    ensure_whole(by)?;
    if typed.trim() != by.user.name.as_str() {
        let text = format!("Type your user name, '{}', to confirm.", by.user.name);
        return Err(OpError::Invalid(vec![Problem::new("confirm", text)]));
    }
    Ok(own_data::delete(tx, &by.user)?)
}
