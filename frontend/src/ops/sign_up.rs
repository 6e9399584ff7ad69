//! Accounts with a password: invitations, sign-up, and the change of a password.

use coppice_model::{OwnerName, UnixTime, UserId};
use coppice_runtime::secret::{hash_token, random_token};
use coppice_store::{Conn, Invitation, NewInvitation, Page, User, invitations, passwords, sessions, users};

use super::{AccountRules, Caller, OpError, Problem, SignUp, authenticate::DAY_S, problem::ensure_none};

const FEWEST_CHARS: usize = 10;
/// Nobody types more, and hashing takes time.
const MOST_BYTES: usize = 1_024;
/// What stands where owners do in addresses below `/coprs`; `group_NAME` is a group in names of repositories.
const NOT_NAMES: [&str; 6] = ["g", "build", "fulltext", "user", "add", "update_search_index"];
const LONGEST_NOTE: usize = 200;
const LONGEST_MAIL: usize = 254;

/// What somebody fills in who wants an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignUpWish {
    pub name: String,
    pub mail: Option<String>,
    /// Already hashed.
    pub password_hash: String,
    /// The secret of the link.
    pub invitation: Option<String>,
}

/// Said before the password is hashed.
pub fn check_password(name: &str, password: &str, again: &str) -> Result<(), OpError> {
    let mut problems = Vec::new();
    if password.chars().count() < FEWEST_CHARS {
        problems.push(Problem::new(
            "password",
            format!("At least {FEWEST_CHARS} characters; a few words do well."),
        ));
    } else if password.len() > MOST_BYTES {
        problems.push(Problem::new("password", format!("At most {MOST_BYTES} bytes.")));
    } else if !name.is_empty() && password.to_lowercase().contains(&name.to_lowercase()) {
        problems
            .push(Problem::new("password", "It holds your user name, which is tried first by who guesses."));
    } else if password != again {
        problems.push(Problem::new("password_again", "This is another one than above."));
    }
    ensure_none(problems)
}

/// A link that makes one account; its secret is told only here.
pub fn invite(
    tx: &mut Conn,
    by: Option<&Caller>,
    note: &str,
    days: u32,
    now: UnixTime,
) -> Result<String, OpError> {
    if by.is_some_and(|by| !by.user.is_admin) {
        return Err(OpError::Forbidden("Only administrators invite.".into()));
    }
    let secret = random_token();
    let new = NewInvitation {
        token_hash: hash_token(&secret),
        note: note.trim().chars().take(LONGEST_NOTE).collect(),
        made_by: by.map(|by| by.user.id),
        expires_at: now.plus_seconds(i64::from(days.max(1)) * DAY_S),
    };
    invitations::insert(tx, &new, now)?;
    Ok(secret)
}

/// The newest first.
pub fn list_invitations(conn: &mut Conn, page: Page) -> Result<Vec<Invitation>, OpError> {
    Ok(invitations::list(conn, page)?)
}

pub fn withdraw_invitation(tx: &mut Conn, id: i64) -> Result<(), OpError> {
    match invitations::delete_unused(tx, id)? {
        true => Ok(()),
        false => Err(OpError::NotFound("That invitation was used or withdrawn already.".into())),
    }
}

/// Whether somebody with this link, or without one, may sign up now; the invitation when it needs one.
pub fn ensure_can_sign_up(
    conn: &mut Conn,
    rules: &AccountRules,
    invitation: Option<&str>,
    now: UnixTime,
) -> Result<Option<Invitation>, OpError> {
    let invited = match invitation {
        Some(secret) => invitations::find(conn, &hash_token(secret))?,
        None => None,
    };
    let invited = invited.filter(|found| found.used_at.is_none() && found.expires_at > now);
    match (rules.sign_up, &invited) {
        (SignUp::Open, _) | (SignUp::Invitation, Some(_)) => Ok(invited),
        (SignUp::Invitation, None) if invitation.is_some() => Err(OpError::Forbidden(
            "This invitation was used or is over. Ask an administrator for a new link.".into(),
        )),
        (SignUp::Invitation, None) => {
            Err(OpError::Forbidden("An account needs an invitation. Ask an administrator for a link.".into()))
        }
        (SignUp::Closed, _) => {
            Err(OpError::Forbidden("Accounts are made by the operators of this service. Ask them.".into()))
        }
    }
}

/// Makes the account; logging in is another step.
pub fn sign_up(
    tx: &mut Conn,
    rules: &AccountRules,
    wish: &SignUpWish,
    now: UnixTime,
) -> Result<User, OpError> {
    let invited = ensure_can_sign_up(tx, rules, wish.invitation.as_deref(), now)?;
    let name = free_name(tx, rules, &wish.name, None)?;
    let mail = wish.mail.as_deref().map(check_mail).transpose()?;
    let user = users::insert(tx, &name, mail, false, now)?;
    passwords::set(tx, user.id, &wish.password_hash, now)?;
    if let Some(invited) = invited
        && !invitations::use_up(tx, invited.id, user.id, now)?
    {
        return Err(OpError::Conflict("Somebody else used this invitation in the same moment.".into()));
    }
    Ok(user)
}

fn check_mail(mail: &str) -> Result<&str, OpError> {
    let is_mail = mail.len() <= LONGEST_MAIL
        && mail.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
        && !mail.contains(char::is_whitespace);
    let wrong =
        || Problem::new("mail", format!("'{mail}' is no mail address: one looks like name@example.com."));
    if is_mail { Ok(mail) } else { Err(OpError::Invalid(vec![wrong()])) }
}

/// A name that a new account may have. `provider`: where it comes from, if it was not typed.
pub(super) fn free_name(
    conn: &mut Conn,
    rules: &AccountRules,
    typed: &str,
    provider: Option<&str>,
) -> Result<OwnerName, OpError> {
    let wrong = |message: String| OpError::Invalid(vec![Problem::new("name", message)]);
    let name: OwnerName = typed.trim().parse().map_err(|_| {
        wrong(format!("'{}' cannot be a name: use letters, digits and the signs - _ . in it.", typed.trim()))
    })?;
    if name.group().is_some() {
        return Err(wrong(format!("'{name}' is a group's name: leave out the '@'.")));
    }
    if NOT_NAMES.contains(&name.as_str()) || name.as_str().starts_with("group_") {
        return Err(wrong(format!("'{name}' means something else in our addresses: choose another name.")));
    }
    rules.ensure_admitted(name.as_str()).map_err(|refused| wrong(refused.to_string()))?;
    if rules.is_reserved(&name, provider) || users::is_taken(conn, &name)? {
        return Err(wrong(format!("There is an account '{name}' already: choose another name.")));
    }
    Ok(name)
}

/// The new password holds at once, and every other browser is logged out: who knew the old one is out too.
pub fn change_password(
    tx: &mut Conn,
    by: &Caller,
    hash: &str,
    stays: Option<i64>,
    now: UnixTime,
) -> Result<(), OpError> {
    passwords::set(tx, by.user.id, hash, now)?;
    sessions::delete_others(tx, by.user.id, stays)?;
    Ok(())
}

/// The operator's: also for users who had no password. All their browsers are logged out.
pub fn set_password(tx: &mut Conn, user: UserId, hash: &str, now: UnixTime) -> Result<(), OpError> {
    passwords::set(tx, user, hash, now)?;
    sessions::delete_others(tx, user, None)?;
    Ok(())
}
