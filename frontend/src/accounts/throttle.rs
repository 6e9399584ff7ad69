//! How often somebody may guess a password. Counted in Redis, for all frontends together and across restarts, and in
//! memory beside it, for as long as Redis is away.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use coppice_model::UnixTime;
use coppice_runtime::{
    Bus, BusError,
    bus::{Counted, Limit},
    logging::with_causes,
    secret::hash_token,
};
use tokio::time::timeout;

use super::AccountsConfig;

/// More entries than this are looked through for those that are over.
const TIDY_ABOVE: usize = 20_000;
/// Longer nobody who logs in waits for Redis.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A hash: names that do not exist count like others, and may be long.
    Account(String),
    Address(IpAddr),
}

impl Key {
    /// Redis is told neither names nor addresses.
    fn shared(&self) -> String {
        match self {
            Self::Account(hash) => format!("coppice:tries:account:{hash}"),
            Self::Address(address) => format!("coppice:tries:address:{}", hash_token(&address.to_string())),
        }
    }
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
    bus: OnceLock<Bus>,
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
            bus: OnceLock::new(),
            per_account: config.tries.max(1),
            per_address: config.address_tries.max(1),
            pause_s: i64::from(config.pause_min.max(1)) * 60,
        }
    }

    /// From now on all who share this Redis count together.
    pub fn share(&self, bus: Bus) {
        // The first one stays; there is one in a process.
        drop(self.bus.set(bus));
    }

    pub fn pause_min(&self) -> i64 {
        self.pause_s / 60
    }

    pub fn tries(&self) -> u32 {
        self.per_account
    }

    /// Counts before the password is looked at, so that many at once gain nothing.
    pub async fn count(&self, name: &str, address: Option<IpAddr>, now: UnixTime) -> Result<Try, Paused> {
        let account = Key::Account(hash_token(&name.to_lowercase()));
        let address = address.map(|address| Key::Address(network(address)));
        let own = self.count_here(&account, address.as_ref(), now);
        let count = match self.count_together(&account, address.as_ref(), now).await {
            Some(Counted::Paused { wait_s }) => return Err(Paused { wait_s }),
            Some(Counted::Tries(count)) => count,
            None => own?,
        };
        Ok(Try { account, address, left: self.per_account.saturating_sub(count) })
    }

    /// `None`: Redis is away.
    async fn count_together(&self, account: &Key, address: Option<&Key>, now: UnixTime) -> Option<Counted> {
        let bus = self.bus.get()?;
        let (account, address) = (account.shared(), address.map(Key::shared));
        let mut limits = Vec::with_capacity(2);
        limits.extend(address.as_ref().map(|key| Limit { key, most: self.per_address }));
        limits.push(Limit { key: &account, most: self.per_account });
        in_time(bus.count_try(&limits, now.0, self.pause_s)).await
    }

    fn count_here(&self, account: &Key, address: Option<&Key>, now: UnixTime) -> Result<u32, Paused> {
        let mut known = self.lock();
        if known.len() > TIDY_ABOVE {
            known.retain(|_, tries| tries.until > now);
        }
        if let Some(key) = address {
            self.one_more(&mut known, key, self.per_address, now)?;
        }
        self.one_more(&mut known, account, self.per_account, now)
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
    pub async fn forgive(&self, right: &Try) {
        self.forgive_here(right);
        if let Some(bus) = self.bus.get() {
            let address: Vec<String> = right.address.iter().map(Key::shared).collect();
            let address: Vec<&str> = address.iter().map(String::as_str).collect();
            in_time(bus.forgive_try(&right.account.shared(), &address)).await;
        }
    }

    fn forgive_here(&self, right: &Try) {
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

/// What Redis told, if it told it soon.
async fn in_time<T>(asked: impl Future<Output = Result<T, BusError>>) -> Option<T> {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(told)) => Some(told),
        Ok(Err(error)) => {
            tracing::warn!(error = with_causes(&error), "wrong passwords are counted by this process alone");
            None
        }
        Err(_) => {
            tracing::warn!("Redis is slow: wrong passwords are counted by this process alone");
            None
        }
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
    use coppice_kit::redis::Redis;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn throttle() -> Throttle {
        Throttle::new(&AccountsConfig { tries: 3, address_tries: 5, ..AccountsConfig::default() })
    }

    #[tokio::test]
    async fn an_account_pauses_and_comes_back() {
        let throttle = throttle();
        for left in [2, 1, 0] {
            assert_eq!(throttle.count("alice", None, NOW).await.unwrap().left, left);
        }
        assert_eq!(throttle.count("ALICE", None, NOW.plus_seconds(60)).await.unwrap_err().wait_s, 540);
        assert_eq!(throttle.count("bob", None, NOW).await.unwrap().left, 2);
        assert_eq!(throttle.count("alice", None, NOW.plus_seconds(600)).await.unwrap().left, 2);
    }

    #[tokio::test]
    async fn a_right_password_forgives_and_an_address_pauses_whatever_names_it_tries() {
        a_right_one_forgives(&throttle(), &throttle()).await;
    }

    async fn a_right_one_forgives(throttle: &Throttle, other: &Throttle) {
        let one = Some("2001:db8::1".parse().unwrap());
        for _ in 0..9 {
            let tried = throttle.count("alice", one, NOW).await.unwrap();
            throttle.forgive(&tried).await;
        }
        for name in ["a", "b", "c", "d", "e"] {
            throttle.count(name, one, NOW).await.unwrap();
        }
        let neighbour = Some("2001:db8::2".parse().unwrap());
        assert!(throttle.count("f", neighbour, NOW).await.is_err(), "the same network");
        assert!(throttle.count("f", Some("192.0.2.1".parse().unwrap()), NOW).await.is_ok());
        // Who counts together pauses together.
        assert_eq!(other.count("g", one, NOW).await.is_err(), other.bus.get().is_some());
    }

    /// Two processes, or one before and after a restart.
    async fn two(redis: &Redis) -> [Throttle; 2] {
        let both = [throttle(), throttle()];
        for one in &both {
            one.share(Bus::connect(&redis.url()).await.unwrap());
        }
        both
    }

    #[tokio::test]
    async fn processes_count_together_as_one_counts_alone() {
        let redis = Redis::start().unwrap();
        let [here, there] = two(&redis).await;
        a_right_one_forgives(&here, &there).await;
        let [here, there] = two(&redis).await;
        assert_eq!(here.count("alice", None, NOW).await.unwrap().left, 2);
        assert_eq!(there.count("alice", None, NOW).await.unwrap().left, 1);
        assert_eq!(there.count("Alice", None, NOW).await.unwrap().left, 0);
        assert_eq!(here.count("alice", None, NOW.plus_seconds(60)).await.unwrap_err().wait_s, 540);
        assert_eq!(here.count("alice", None, NOW.plus_seconds(600)).await.unwrap().left, 2);
        let right = there.count("alice", None, NOW.plus_seconds(600)).await.unwrap();
        there.forgive(&right).await;
        assert_eq!(here.count("alice", None, NOW.plus_seconds(601)).await.unwrap().left, 2);
    }

    #[tokio::test]
    async fn while_redis_is_away_each_process_goes_on_with_what_it_saw() {
        let redis = Redis::start().unwrap();
        let [here, there] = two(&redis).await;
        here.count("alice", None, NOW).await.unwrap();
        there.count("alice", None, NOW).await.unwrap();
        drop(redis);
        assert_eq!(here.count("alice", None, NOW).await.unwrap().left, 1, "one of these it saw itself");
        assert_eq!(here.count("alice", None, NOW).await.unwrap().left, 0);
        assert!(here.count("alice", None, NOW).await.is_err());
        assert!(there.count("alice", None, NOW).await.is_ok());
    }
}
