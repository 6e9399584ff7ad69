//! Where users read times.

use coppice_store::{Conn, users};

use super::{Caller, OpError, rights::ensure_whole};
use crate::calendar::Zone;

/// `None`: as the browser says.
pub fn choose_zone(tx: &mut Conn, by: &Caller, name: Option<&str>) -> Result<(), OpError> {
    ensure_whole(by)?;
    let unknown = |name| OpError::Refused(format!("There is no time zone '{name}'. Choose one of the list."));
    let zone = name.map(|name| Zone::find(name).ok_or_else(|| unknown(name))).transpose()?;
    Ok(users::update_zone(tx, by.user.id, zone.as_ref().map(Zone::name))?)
}
