//! Teams that login providers tell of, and the groups that stand for them.

use coppice_model::UserId;
use diesel::prelude::*;

use crate::{
    Conn, Group, StoreError,
    conn::on_either,
    schema::{active_teams, groups, memberships, user_teams},
};

/// A team of a user, and the group that it owns projects as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    pub provider: String,
    pub name: String,
    /// Without the `@`; `None`: not activated.
    pub group: Option<String>,
}

/// The teams of a user at all providers, by name; one statement.
pub fn list(conn: &mut Conn, user: UserId) -> Result<Vec<Team>, StoreError> {
    let same = active_teams::provider.eq(user_teams::provider).and(active_teams::team.eq(user_teams::team));
    let rows: Vec<(String, String, Option<String>)> = user_teams::table
        .left_join(active_teams::table.on(same))
        .left_join(groups::table.on(groups::id.nullable().eq(active_teams::group_id.nullable())))
        .filter(user_teams::user_id.eq(user.0))
        .order((user_teams::team, user_teams::provider))
        .select((user_teams::provider, user_teams::team, groups::name.nullable()))
        .load(conn)?;
    Ok(rows.into_iter().map(|(provider, name, group)| Team { provider, name, group }).collect())
}

/// What a provider told at a login; other providers' teams stay. Three statements, and three more for the memberships.
pub fn replace(conn: &mut Conn, user: UserId, provider: &str, teams: &[String]) -> Result<(), StoreError> {
    let known =
        user_teams::table.filter(user_teams::user_id.eq(user.0)).filter(user_teams::provider.eq(provider));
    diesel::delete(known).execute(conn)?;
    let rows: Vec<_> = teams
        .iter()
        .map(|team| {
            (user_teams::user_id.eq(user.0), user_teams::provider.eq(provider), user_teams::team.eq(team))
        })
        .collect();
    on_either!(conn, |c| {
        diesel::insert_into(user_teams::table).values(&rows).on_conflict_do_nothing().execute(c)?
    });
    follow(conn, user, provider, teams)
}

/// A user is in the groups of the provider's teams exactly as far as he is in the teams.
fn follow(conn: &mut Conn, user: UserId, provider: &str, teams: &[String]) -> Result<(), StoreError> {
    let active: Vec<(String, i64)> = active_teams::table
        .filter(active_teams::provider.eq(provider))
        .select((active_teams::team, active_teams::group_id))
        .load(conn)?;
    let ids: Vec<i64> = active.iter().map(|(_, id)| *id).collect();
    let of_teams = memberships::table.filter(memberships::user_id.eq(user.0));
    diesel::delete(of_teams.filter(memberships::group_id.eq_any(ids))).execute(conn)?;
    let rows: Vec<_> = active
        .iter()
        .filter(|(team, _)| teams.contains(team))
        .map(|(_, group)| (memberships::group_id.eq(*group), memberships::user_id.eq(user.0)))
        .collect();
    on_either!(conn, |c| {
        diesel::insert_into(memberships::table).values(&rows).on_conflict_do_nothing().execute(c)?
    });
    Ok(())
}

/// From now on the group stands for the team; everybody whose last login told of the team is in it. Two statements and
/// one to read.
pub fn activate(conn: &mut Conn, provider: &str, team: &str, group: &Group) -> Result<(), StoreError> {
    let row = (
        active_teams::provider.eq(provider),
        active_teams::team.eq(team),
        active_teams::group_id.eq(group.id),
    );
    diesel::insert_into(active_teams::table).values(row).execute(conn)?;
    let members: Vec<i64> = user_teams::table
        .filter(user_teams::provider.eq(provider))
        .filter(user_teams::team.eq(team))
        .select(user_teams::user_id)
        .load(conn)?;
    let rows: Vec<_> = members
        .iter()
        .map(|user| (memberships::group_id.eq(group.id), memberships::user_id.eq(*user)))
        .collect();
    on_either!(conn, |c| {
        diesel::insert_into(memberships::table).values(&rows).on_conflict_do_nothing().execute(c)?
    });
    Ok(())
}

/// Forgets what providers told, and ends every membership.
pub fn delete_all(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    diesel::delete(user_teams::table.filter(user_teams::user_id.eq(user.0))).execute(conn)?;
    diesel::delete(memberships::table.filter(memberships::user_id.eq(user.0))).execute(conn)?;
    Ok(())
}

/// The same for one provider: nobody vouches for these teams any more.
pub fn delete_of(conn: &mut Conn, user: UserId, provider: &str) -> Result<(), StoreError> {
    replace(conn, user, provider, &[])
}
