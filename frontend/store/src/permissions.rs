//! What users asked for and were granted in projects of others.

use coppice_model::{
    OwnerName, ProjectId, UserId,
    permission::{PermissionState, Role},
};
use diesel::prelude::*;

use crate::{
    Conn, StoreError, column,
    conn::on_either,
    schema::{permissions, users},
};

/// The roles of one user in one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    pub admin: PermissionState,
    pub builder: PermissionState,
}

impl Roles {
    pub const NONE: Self = Self { admin: PermissionState::Nothing, builder: PermissionState::Nothing };

    pub fn of(self, role: Role) -> PermissionState {
        match role {
            Role::Admin => self.admin,
            Role::Builder => self.builder,
        }
    }

    pub fn with(self, role: Role, state: PermissionState) -> Self {
        match role {
            Role::Admin => Self { admin: state, ..self },
            Role::Builder => Self { builder: state, ..self },
        }
    }

    fn read(admin: &str, builder: &str) -> Result<Self, StoreError> {
        Ok(Self {
            admin: column::word("a permission", admin)?,
            builder: column::word("a permission", builder)?,
        })
    }
}

/// By the users' names, also those who have nothing any more; one statement.
pub fn list(conn: &mut Conn, project: ProjectId) -> Result<Vec<(OwnerName, Roles)>, StoreError> {
    let query = permissions::table.inner_join(users::table).filter(permissions::project_id.eq(project.0));
    let rows: Vec<(String, String, String)> = query
        .order(users::name)
        .select((users::name, permissions::admin, permissions::builder))
        .load(conn)?;
    let read = |(name, admin, builder): (String, String, String)| {
        Ok((column::word("a user's name", &name)?, Roles::read(&admin, &builder)?))
    };
    rows.into_iter().map(read).collect()
}

/// One statement.
pub fn of(conn: &mut Conn, project: ProjectId, user: UserId) -> Result<Roles, StoreError> {
    let query = permissions::table.find((project.0, user.0));
    let row: Option<(String, String)> =
        query.select((permissions::admin, permissions::builder)).first(conn).optional()?;
    row.map_or(Ok(Roles::NONE), |(admin, builder)| Roles::read(&admin, &builder))
}

pub fn put(conn: &mut Conn, project: ProjectId, user: UserId, roles: Roles) -> Result<(), StoreError> {
    let columns =
        (permissions::admin.eq(roles.admin.as_str()), permissions::builder.eq(roles.builder.as_str()));
    let key = (permissions::project_id.eq(project.0), permissions::user_id.eq(user.0));
    on_either!(conn, |c| {
        diesel::insert_into(permissions::table)
            .values((key, columns))
            .on_conflict((permissions::project_id, permissions::user_id))
            .do_update()
            .set(columns)
            .execute(c)
    })?;
    Ok(())
}

/// Who asks for a role in one of these projects; one statement.
pub fn list_requests(conn: &mut Conn, of: &[ProjectId]) -> Result<Vec<(ProjectId, OwnerName)>, StoreError> {
    let ids: Vec<i64> = of.iter().map(|id| id.0).collect();
    let asked = PermissionState::Request.as_str();
    let query = permissions::table
        .inner_join(users::table)
        .filter(permissions::project_id.eq_any(ids))
        .filter(permissions::admin.eq(asked).or(permissions::builder.eq(asked)))
        .order((permissions::project_id, users::name))
        .select((permissions::project_id, users::name));
    let rows: Vec<(i64, String)> = on_either!(conn, |c| query.load(c)?);
    let request =
        |(project, name): (i64, String)| Ok((ProjectId(project), column::word("a user's name", &name)?));
    rows.into_iter().map(request).collect()
}
