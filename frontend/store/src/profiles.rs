//! What users and groups tell of themselves, and which projects they show first.

use coppice_model::{OwnerName, ProjectId};
use diesel::prelude::*;

use crate::{Conn, StoreError, column, conn::on_either, schema::profiles};

/// Empty for who never said anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Markdown.
    pub text: String,
    /// In their order.
    pub pinned: Vec<ProjectId>,
}

pub fn find(conn: &mut Conn, owner: &OwnerName) -> Result<Profile, StoreError> {
    let query = profiles::table.find(owner.as_str()).select((profiles::text, profiles::pinned));
    let Some((text, pinned)) = query.first::<(String, String)>(conn).optional()? else {
        return Ok(Profile::default());
    };
    let pinned: Vec<i64> = column::from_json("pinned projects", &pinned)?;
    Ok(Profile { text, pinned: pinned.into_iter().map(ProjectId).collect() })
}

pub fn put(conn: &mut Conn, owner: &OwnerName, profile: &Profile) -> Result<(), StoreError> {
    let ids: Vec<i64> = profile.pinned.iter().map(|id| id.0).collect();
    let pinned = column::to_json("pinned projects", &ids)?;
    let all = (profiles::text.eq(&profile.text), profiles::pinned.eq(&pinned));
    let insert = diesel::insert_into(profiles::table)
        .values((profiles::owner.eq(owner.as_str()), all))
        .on_conflict(profiles::owner)
        .do_update()
        .set(all);
    on_either!(conn, |c| insert.execute(c))?;
    Ok(())
}
