//! The catalogue of chroots that the operator offers.

use coppice_model::{ChrootName, chroot::ChrootDefinition};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, schema::mock_chroots};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockChroot {
    pub id: i64,
    pub name: ChrootName,
    pub is_active: bool,
    /// Plain text or Markdown for users.
    pub comment: String,
    /// The DistGit branch of its family.
    pub branch: String,
    pub definition: ChrootDefinition,
}

#[derive(Queryable)]
pub(crate) struct MockChrootRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) is_active: bool,
    pub(crate) comment: String,
    pub(crate) branch: String,
    pub(crate) definition: String,
}

impl TryFrom<MockChrootRow> for MockChroot {
    type Error = StoreError;
    fn try_from(row: MockChrootRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            name: column::word("a chroot's name", &row.name)?,
            is_active: row.is_active,
            comment: row.comment,
            branch: row.branch,
            definition: column::from_json("a chroot's definition", &row.definition)?,
        })
    }
}

/// What the operator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMockChroot {
    pub comment: String,
    pub branch: String,
    pub definition: ChrootDefinition,
}

pub fn find(conn: &mut Conn, name: &str) -> Result<Option<MockChroot>, StoreError> {
    let query = mock_chroots::table.filter(mock_chroots::name.eq(name));
    query.first::<MockChrootRow>(conn).optional()?.map(MockChroot::try_from).transpose()
}

/// In the order they were added; one statement.
pub fn list(conn: &mut Conn) -> Result<Vec<MockChroot>, StoreError> {
    column::all(mock_chroots::table.order(mock_chroots::id).load::<MockChrootRow>(conn)?)
}

/// Those that may be built for; one statement.
pub fn list_active(conn: &mut Conn) -> Result<Vec<MockChroot>, StoreError> {
    let query = mock_chroots::table.filter(mock_chroots::is_active.eq(true)).order(mock_chroots::id);
    column::all(query.load::<MockChrootRow>(conn)?)
}

pub fn insert(conn: &mut Conn, new: &NewMockChroot) -> Result<(), StoreError> {
    diesel::insert_into(mock_chroots::table)
        .values((
            mock_chroots::name.eq(new.definition.name.as_str()),
            mock_chroots::is_active.eq(true),
            mock_chroots::comment.eq(&new.comment),
            mock_chroots::branch.eq(&new.branch),
            mock_chroots::definition.eq(column::to_json("a chroot's definition", &new.definition)?),
        ))
        .execute(conn)?;
    Ok(())
}

/// Overwrites what is there and makes it active.
pub fn update(conn: &mut Conn, id: i64, new: &NewMockChroot) -> Result<(), StoreError> {
    let definition = column::to_json("a chroot's definition", &new.definition)?;
    diesel::update(mock_chroots::table.find(id))
        .set((
            mock_chroots::is_active.eq(true),
            mock_chroots::comment.eq(&new.comment),
            mock_chroots::branch.eq(&new.branch),
            mock_chroots::definition.eq(definition),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn update_active(conn: &mut Conn, id: i64, is_active: bool) -> Result<(), StoreError> {
    diesel::update(mock_chroots::table.find(id)).set(mock_chroots::is_active.eq(is_active)).execute(conn)?;
    Ok(())
}

pub fn update_comment(conn: &mut Conn, id: i64, comment: &str) -> Result<(), StoreError> {
    diesel::update(mock_chroots::table.find(id)).set(mock_chroots::comment.eq(comment)).execute(conn)?;
    Ok(())
}
