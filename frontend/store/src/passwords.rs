//! Passwords of users who log in here. Only their hashes are stored.

use coppice_model::{UnixTime, UserId};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, User,
    conn::on_either,
    schema::{passwords, users},
    users::UserRow,
};

/// The user of that name with the hash of the password; one statement. `None`: no such user, or one who logs in
/// elsewhere.
pub fn find_by_name(conn: &mut Conn, name: &str) -> Result<Option<(User, String)>, StoreError> {
    let query = passwords::table
        .inner_join(users::table)
        .filter(users::name.eq(name))
        .select((users::all_columns, passwords::hash));
    let found = on_either!(conn, |c| query.first::<(UserRow, String)>(c).optional()?);
    let Some((user, hash)) = found else { return Ok(None) };
    Ok(Some((user.try_into()?, hash)))
}

/// The hash of a user's password, if there is one.
pub fn find(conn: &mut Conn, user: UserId) -> Result<Option<String>, StoreError> {
    Ok(passwords::table.find(user.0).select(passwords::hash).first(conn).optional()?)
}

/// From now on this one, whatever was before.
pub fn set(conn: &mut Conn, user: UserId, hash: &str, now: UnixTime) -> Result<(), StoreError> {
    delete(conn, user)?;
    let row = (passwords::user_id.eq(user.0), passwords::hash.eq(hash), passwords::changed_at.eq(now.0));
    diesel::insert_into(passwords::table).values(row).execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    diesel::delete(passwords::table.find(user.0)).execute(conn)?;
    Ok(())
}
