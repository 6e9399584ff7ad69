//! Counts that all processes share: how often somebody tried, and until when nobody may.

use std::sync::LazyLock;

use redis::Script;

use super::{Bus, BusError};

/// One try more for each key, in their order, unless one of them has its most already: then it pauses, and those behind
/// it are not counted. All clocks are the callers', so that a pause is as long as they say; Redis only cleans up.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local now, pause = tonumber(ARGV[1]), tonumber(ARGV[2])
        local count = 0
        for i, key in ipairs(KEYS) do
            local known = redis.call('HMGET', key, 'count', 'ends')
            local ends = tonumber(known[2] or 0)
            count = ends > now and tonumber(known[1] or 0) or 0
            if count >= tonumber(ARGV[i + 2]) then
                return {-1, ends - now}
            end
            count = count + 1
            redis.call('HSET', key, 'count', count, 'ends', now + pause)
            redis.call('EXPIRE', key, pause)
        end
        return {count, 0}
        ",
    )
});

/// The first key is forgotten; the others get one try back.
static FORGIVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        for i, key in ipairs(KEYS) do
            if i == 1 then
                redis.call('DEL', key)
            elseif tonumber(redis.call('HGET', key, 'count') or 0) > 0 then
                redis.call('HINCRBY', key, 'count', -1)
            end
        end
        ",
    )
});

/// What is counted, and how often it may be.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    pub key: &'a str,
    pub most: u32,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// So many of the last key, this one included.
    Tries(u32),
    /// One of the keys has its most.
    Paused { wait_s: i64 },
}

impl Bus {
    /// Counts a try; it is forgotten `pause_s` after the last one.
    pub async fn count_try(
        &self,
        limits: &[Limit<'_>],
        now_s: i64,
        pause_s: i64,
    ) -> Result<Counted, BusError> {
        let mut call = COUNT.prepare_invoke();
        call.arg(now_s).arg(pause_s);
        for limit in limits {
            call.key(limit.key).arg(limit.most);
        }
        let (count, wait_s): (i64, i64) = call.invoke_async(&mut self.connection()).await?;
        Ok(u32::try_from(count).map_or(Counted::Paused { wait_s }, Counted::Tries))
    }

    /// The try was a good one: `account` starts anew, the others have it back.
    pub async fn forgive_try(&self, account: &str, others: &[&str]) -> Result<(), BusError> {
        let mut call = FORGIVE.prepare_invoke();
        call.key(account);
        for key in others {
            call.key(*key);
        }
        Ok(call.invoke_async(&mut self.connection()).await?)
    }
}
