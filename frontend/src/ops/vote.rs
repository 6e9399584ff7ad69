//! Users vote projects up or down.

use coppice_store::{Conn, Project, Vote, votes};

use super::{Caller, OpError, rights::ensure_whole};

/// The same vote again takes it back; the other one changes it.
pub fn vote(tx: &mut Conn, by: &Caller, project: &Project, vote: Vote) -> Result<(), OpError> {
    ensure_whole(by)?;
    let before = votes::find(tx, project.id, by.user.id)?;
    let after = Some(vote).filter(|vote| before != Some(*vote));
    Ok(votes::set(tx, project.id, by.user.id, after)?)
}
