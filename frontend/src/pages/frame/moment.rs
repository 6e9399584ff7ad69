//! Times as people read them.

use std::cell::RefCell;

use coppice_model::UnixTime;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::calendar::{self, Zone};

/// One time in three forms: for scripts (`iso`), exact (`text`), and from now (`ago`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    at: UnixTime,
    /// `4 min ago`, `in 2 h`.
    pub ago: String,
}

thread_local! {
    /// Of whom the page is for that this thread fills right now.
    static ZONE: RefCell<Option<Zone>> = const { RefCell::new(None) };
}

/// Takes the zone away again, whatever happens.
struct Told;

impl Drop for Told {
    fn drop(&mut self) {
        ZONE.take();
    }
}

/// Moments that `work` writes into a page are told in this zone. Pages are made of values long before anybody asks who
/// reads them, and are written in one go: so the zone is a matter of the writing.
pub(super) fn told_in<T>(zone: Option<Zone>, work: impl FnOnce() -> T) -> T {
    ZONE.set(zone);
    let _told = Told;
    work()
}

impl Moment {
    pub fn new(at: UnixTime, now: UnixTime) -> Self {
        let ahead = at.0.saturating_sub(now.0);
        let far = distance(ahead.saturating_abs());
        let ago = match ahead {
            -9..=9 => "now".to_owned(),
            10.. => format!("in {far}"),
            _ => format!("{far} ago"),
        };
        Self { at, ago }
    }

    /// Where nobody asks how long ago it is.
    pub fn exact(at: UnixTime) -> Self {
        Self { at, ago: String::new() }
    }

    pub fn of(at: Option<UnixTime>, now: UnixTime) -> Option<Self> {
        at.map(|at| Self::new(at, now))
    }

    /// RFC 3339; the browser shows it in the reader's zone.
    fn iso(&self) -> String {
        calendar::rfc3339(self.at)
    }

    fn text(&self) -> String {
        ZONE.with_borrow(|zone| match zone {
            Some(zone) => zone.moment(self.at),
            None => calendar::moment(self.at),
        })
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Moment", 3)?;
        fields.serialize_field("iso", &self.iso())?;
        fields.serialize_field("text", &self.text())?;
        fields.serialize_field("ago", &self.ago)?;
        fields.end()
    }
}

fn distance(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        172_800..5_184_000 => format!("{} days", seconds / 86_400),
        5_184_000..63_072_000 => format!("{} months", seconds / 2_592_000),
        _ => format!("{} years", seconds / 31_536_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_read_as_people_say_them() {
        let now = UnixTime(1_795_356_294);
        for (seconds, text) in [
            (0, "now"),
            (-45, "45 s ago"),
            (-240, "4 min ago"),
            (-7_300, "2 h ago"),
            (-200_000, "2 days ago"),
            (-6_000_000, "2 months ago"),
            (-70_000_000, "2 years ago"),
            (600, "in 10 min"),
        ] {
            assert_eq!(Moment::new(now.plus_seconds(seconds), now).ago, text);
        }
        let moment = Moment::new(now, now);
        assert_eq!(
            (moment.iso(), moment.text()),
            ("2026-11-22T14:04:54Z".into(), "2026-11-22 14:04 UTC".into())
        );
    }

    #[test]
    fn a_moment_is_told_in_the_zone_of_the_page_and_of_no_other() {
        let moment = Moment::new(UnixTime(1_795_356_294), UnixTime(1_795_356_294));
        let shown = || serde_json::to_value(&moment).unwrap();
        let told = told_in(Zone::find("Asia/Tokyo"), shown);
        assert_eq!(told["text"], "2026-11-22 23:04 JST");
        assert_eq!(told["iso"], "2026-11-22T14:04:54Z");
        assert_eq!(told_in(None, shown)["text"], "2026-11-22 14:04 UTC");
        let broken = std::panic::catch_unwind(|| told_in(Zone::find("Asia/Tokyo"), || panic!("on purpose")));
        assert!(broken.is_err());
        assert_eq!(shown()["text"], "2026-11-22 14:04 UTC", "no zone is left behind");
    }
}
