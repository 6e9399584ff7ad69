//! How often somebody may guess a password. Counted in memory: a restart forgives.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use coppice_model::UnixTime;
use coppice_runtime::secret::hash_token;

use super::AccountsConfig;

/// More entries than this are looked through for those that are over.
const TIDY_ABOVE: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A hash: names that do not exist count like others, and may be long.
    Account(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    /// Then all is forgotten.
    until: UnixTime,
}

#[derive(Debug)]
pub struct Throttle {
    known: Mutex<HashMap<Key, Tries>>,
    per_account: u32,
    per_address: u32,
    pause_s: i64,
}

/// Too many wrong passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    pub wait_s: i64,
}

/// A try that was counted; it counts as wrong until [`Throttle::forgive`].
#[derive(Debug, Clone)]
pub struct Try {
    account: Key,
    address: Option<Key>,
    /// Wrong ones that are left before the account pauses.
    pub left: u32,
}

impl Throttle {
    pub fn new(config: &AccountsConfig) -> Self {
        Self {
            known: Mutex::default(),
            per_account: config.tries.max(1),
            per_address: config.address_tries.max(1),
            pause_s: i64::from(config.pause_min.max(1)) * 60,
        }
    }

    pub fn pause_min(&self) -> i64 {
        self.pause_s / 60
    }

    pub fn tries(&self) -> u32 {
        self.per_account
    }

    /// Counts before the password is looked at, so that many at once gain nothing.
    pub fn count(&self, name: &str, address: Option<IpAddr>, now: UnixTime) -> Result<Try, Paused> {
        let account = Key::Account(hash_token(&name.to_lowercase()));
        let address = address.map(|address| Key::Address(network(address)));
        let mut known = self.lock();
        if known.len() > TIDY_ABOVE {
            known.retain(|_, tries| tries.until > now);
        }
        if let Some(key) = &address {
            self.one_more(&mut known, key, self.per_address, now)?;
        }
        let count = self.one_more(&mut known, &account, self.per_account, now)?;
        Ok(Try { account, address, left: self.per_account - count })
    }

    fn one_more(
        &self,
        known: &mut HashMap<Key, Tries>,
        key: &Key,
        most: u32,
        now: UnixTime,
    ) -> Result<u32, Paused> {
        let until = now.plus_seconds(self.pause_s);
        let tries = known.entry(key.clone()).or_insert(Tries { count: 0, until });
        if tries.until <= now {
            tries.count = 0;
        }
        if tries.count >= most {
            return Err(Paused { wait_s: tries.until.0 - now.0 });
        }
        *tries = Tries { count: tries.count + 1, until };
        Ok(tries.count)
    }

    /// The password was right: the account starts anew, and the address has this one try back.
    pub fn forgive(&self, right: &Try) {
        let mut known = self.lock();
        known.remove(&right.account);
        if let Some(tries) = right.address.as_ref().and_then(|key| known.get_mut(key)) {
            tries.count = tries.count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Tries>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everybody has a whole network of IPv6 addresses: it counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => IpAddr::V4(four),
            None => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn throttle() -> Throttle {
        Throttle::new(&AccountsConfig { tries: 3, address_tries: 5, ..AccountsConfig::default() })
    }

    #[test]
    fn an_account_pauses_and_comes_back() {
        let throttle = throttle();
        let left: Vec<u32> = (0..3).map(|_| throttle.count("alice", None, NOW).unwrap().left).collect();
        assert_eq!(left, [2, 1, 0]);
        assert_eq!(throttle.count("ALICE", None, NOW.plus_seconds(60)).unwrap_err().wait_s, 540);
        assert_eq!(throttle.count("bob", None, NOW).unwrap().left, 2);
        assert_eq!(throttle.count("alice", None, NOW.plus_seconds(600)).unwrap().left, 2);
    }

    #[test]
    fn a_right_password_forgives_and_an_address_pauses_whatever_names_it_tries() {
        let throttle = throttle();
        let one = Some("2001:db8::1".parse().unwrap());
        for _ in 0..9 {
            let tried = throttle.count("alice", one, NOW).unwrap();
            throttle.forgive(&tried);
        }
        for name in ["a", "b", "c", "d", "e"] {
            throttle.count(name, one, NOW).unwrap();
        }
        let neighbour = Some("2001:db8::2".parse().unwrap());
        assert!(throttle.count("f", neighbour, NOW).is_err(), "the same network");
        assert!(throttle.count("f", Some("192.0.2.1".parse().unwrap()), NOW).is_ok());
    }
}
