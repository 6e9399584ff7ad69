//! What the operators tell on every page of every frontend.

use coppice_model::{OwnerName, UnixTime};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, schema::notice};

/// There is one at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub set_by: OwnerName,
    pub set_at: UnixTime,
}

const THE_ONE: i64 = 1;

pub fn find(conn: &mut Conn) -> Result<Option<Notice>, StoreError> {
    let row: Option<(i64, String, String, i64)> = notice::table.find(THE_ONE).first(conn).optional()?;
    let domain = |(_, text, set_by, set_at): (i64, String, String, i64)| {
        Ok(Notice { text, set_by: column::word("who set the notice", &set_by)?, set_at: UnixTime(set_at) })
    };
    row.map(domain).transpose()
}

/// Instead of the one that is there.
pub fn set(conn: &mut Conn, new: &Notice) -> Result<(), StoreError> {
    delete(conn)?;
    diesel::insert_into(notice::table)
        .values((
            notice::id.eq(THE_ONE),
            notice::text.eq(&new.text),
            notice::set_by.eq(new.set_by.as_str()),
            notice::set_at.eq(new.set_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn) -> Result<(), StoreError> {
    diesel::delete(notice::table).execute(conn)?;
    Ok(())
}
