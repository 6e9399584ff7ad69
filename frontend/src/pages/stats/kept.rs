//! A value that is costly to make and may be a little old.

use std::sync::{Arc, PoisonError, RwLock};

use coppice_model::UnixTime;

/// The last one that was made, and when.
#[derive(Debug)]
pub struct Kept<T>(RwLock<Option<(UnixTime, Arc<T>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Kept<T> {
    /// Unless it is older than so many seconds.
    pub fn get(&self, now: UnixTime, most_s: i64) -> Option<Arc<T>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref()
            .filter(|(made, _)| now.0.abs_diff(made.0) < most_s.unsigned_abs())
            .map(|(_, value)| Arc::clone(value))
    }

    /// Does not make what is kept already any younger.
    pub fn keep(&self, now: UnixTime, value: &Arc<T>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|(_, own)| !Arc::ptr_eq(own, value)) {
            *kept = Some((now, Arc::clone(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_grows_old_however_often_it_is_asked_for() {
        let kept = Kept::default();
        assert_eq!(kept.get(UnixTime(100), 60), None);
        kept.keep(UnixTime(100), &Arc::new(7));
        for at in [100, 130, 159] {
            let value = kept.get(UnixTime(at), 60).unwrap();
            kept.keep(UnixTime(at), &value);
        }
        assert_eq!(kept.get(UnixTime(160), 60), None);
    }
}
