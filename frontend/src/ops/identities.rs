//! People who log in elsewhere: their accounts here, and the ways in that one account has.

use coppice_model::{OwnerName, UnixTime};
use coppice_store::{
    Conn, Group, Identity, NewIdentity, Team, User, groups, identities, passwords, teams, users,
};
use serde::{Deserialize, Serialize};

use super::{AccountRules, Caller, OpError, Problem, sign_up::free_name};

/// Somebody whom a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    pub identity: NewIdentity,
    pub mail: Option<String>,
    /// `None`: the provider does not say.
    pub teams: Option<Vec<String>>,
    /// Accounts that nobody has logged in to yet are those of the persons whom the provider calls so.
    pub adopts_accounts: bool,
}

/// The account of somebody who logs in elsewhere, made when it is the first time. `None`: a name must be chosen first,
/// because the provider's is somebody else's here, or none.
pub fn arrive(
    tx: &mut Conn,
    rules: &AccountRules,
    who: &Arrival,
    now: UnixTime,
) -> Result<Option<User>, OpError> {
    let identity = &who.identity;
    if let Some((known, user)) = identities::find(tx, &identity.provider, &identity.subject)? {
        rules.ensure_admitted(&identity.label)?;
        identities::update_used(tx, known.id, &identity.label, now)?;
        tell_teams(tx, rules, &user, who)?;
        return Ok(Some(user));
    }
    if !identity.label.is_empty() {
        rules.ensure_admitted(&identity.label)?;
    }
    match free_name(tx, rules, &identity.label, Some(&identity.provider)) {
        Ok(name) => new_account(tx, rules, &name, who, now).map(Some),
        Err(OpError::Invalid(_)) => adopt(tx, rules, who, now),
        Err(other) => Err(other),
    }
}

/// The account was taken over from elsewhere, and this is the person's first login.
fn adopt(tx: &mut Conn, rules: &AccountRules, who: &Arrival, now: UnixTime) -> Result<Option<User>, OpError> {
    let Some(user) = users::find_by_name(tx, &who.identity.label)? else { return Ok(None) };
    let is_reserved = rules.is_reserved(&user.name, Some(&who.identity.provider));
    if !who.adopts_accounts || is_reserved || count_ways(tx, &user)? > 0 {
        return Ok(None);
    }
    identities::insert(tx, user.id, &who.identity, now)?;
    tell_teams(tx, rules, &user, who)?;
    Ok(Some(user))
}

/// The same with a name that the person typed.
pub fn arrive_as(
    tx: &mut Conn,
    rules: &AccountRules,
    who: &Arrival,
    name: &str,
    now: UnixTime,
) -> Result<User, OpError> {
    rules.ensure_admitted(&who.identity.label)?;
    if identities::find(tx, &who.identity.provider, &who.identity.subject)?.is_some() {
        return Err(OpError::Conflict("You have an account already: log in again.".into()));
    }
    let name = free_name(tx, rules, name, None)?;
    new_account(tx, rules, &name, who, now)
}

fn new_account(
    tx: &mut Conn,
    rules: &AccountRules,
    name: &OwnerName,
    who: &Arrival,
    now: UnixTime,
) -> Result<User, OpError> {
    let user = users::insert(tx, name, who.mail.as_deref(), false, now)?;
    identities::insert(tx, user.id, &who.identity, now)?;
    tell_teams(tx, rules, &user, who)?;
    Ok(user)
}

fn tell_teams(tx: &mut Conn, rules: &AccountRules, user: &User, who: &Arrival) -> Result<(), OpError> {
    let Some(told) = &who.teams else { return Ok(()) };
    let kept: Vec<String> = told.iter().filter(|team| !rules.is_ignored_team(team)).cloned().collect();
    Ok(teams::replace(tx, user.id, &who.identity.provider, &kept)?)
}

/// One more way to log in to the caller's account.
pub fn connect(
    tx: &mut Conn,
    rules: &AccountRules,
    by: &Caller,
    who: &Arrival,
    now: UnixTime,
) -> Result<(), OpError> {
    rules.ensure_admitted(&who.identity.label)?;
    match identities::find(tx, &who.identity.provider, &who.identity.subject)? {
        Some((_, owner)) if owner.id == by.user.id => {}
        Some((_, owner)) => {
            return Err(OpError::Conflict(format!(
                "'{}' logs in to the account '{}' already. Log in there and disconnect it first.",
                who.identity.label, owner.name
            )));
        }
        None => identities::insert(tx, by.user.id, &who.identity, now)?,
    }
    tell_teams(tx, rules, &by.user, who)
}

/// One way less, but never the last one.
pub fn disconnect(tx: &mut Conn, by: &Caller, id: i64) -> Result<(), OpError> {
    let known = identities::list(tx, by.user.id)?;
    let Some(gone) = known.iter().find(|identity| identity.id == id) else {
        return Err(OpError::NotFound("That way to log in is disconnected already.".into()));
    };
    if count_ways(tx, &by.user)? < 2 {
        return Err(OpError::Refused(
            "This is the only way to log in to your account. Connect another one first.".into(),
        ));
    }
    identities::delete(tx, by.user.id, id)?;
    if known.iter().filter(|identity| identity.provider == gone.provider).count() == 1 {
        teams::delete_of(tx, by.user.id, &gone.provider)?;
    }
    Ok(())
}

fn count_ways(conn: &mut Conn, user: &User) -> Result<usize, OpError> {
    let passwords = usize::from(passwords::find(conn, user.id)?.is_some());
    Ok(identities::list(conn, user.id)?.len() + passwords)
}

pub fn list_identities(conn: &mut Conn, by: &Caller) -> Result<Vec<Identity>, OpError> {
    Ok(identities::list(conn, by.user.id)?)
}

/// The caller's teams as providers told them, and the groups that stand for them.
pub fn list_teams(conn: &mut Conn, by: &Caller) -> Result<Vec<Team>, OpError> {
    Ok(teams::list(conn, by.user.id)?)
}

/// Makes a group that stands for one of the caller's teams.
pub fn activate_team(
    tx: &mut Conn,
    by: &Caller,
    (provider, team): (&str, &str),
    name: &str,
    now: UnixTime,
) -> Result<Group, OpError> {
    let known = teams::list(tx, by.user.id)?;
    let Some(own) = known.iter().find(|own| own.provider == provider && own.name == team) else {
        return Err(OpError::Forbidden(format!(
            "You are not in the team '{team}'. If you joined it lately, log out and in again."
        )));
    };
    if let Some(group) = &own.group {
        return Err(OpError::Conflict(format!("The team '{team}' is the group @{group} already.")));
    }
    let wrong = |message: String| OpError::Invalid(vec![Problem::new("name", message)]);
    let plain = name.trim().trim_start_matches('@');
    let owner: OwnerName = format!("@{plain}").parse().map_err(|_| {
        wrong(format!("'{plain}' cannot be a name: use letters, digits and the signs - _ . in it."))
    })?;
    if groups::find_by_name(tx, plain)?.is_some() {
        return Err(wrong(format!("There is a group @{plain} already: choose another name.")));
    }
    let group = groups::insert(tx, &owner, now)?;
    teams::activate(tx, provider, team, &group)?;
    Ok(group)
}

/// The operator's: an existing group stands for a team from now on.
pub fn map_team(tx: &mut Conn, group: &str, provider: &str, team: &str) -> Result<(), OpError> {
    let found = groups::find_by_name(tx, group.trim_start_matches('@'))?;
    let found = found.ok_or_else(|| OpError::NotFound(format!("There is no group @{group}.")))?;
    Ok(teams::activate(tx, provider, team, &found)?)
}
