//! Times as people read them.

use coppice_model::UnixTime;
use serde::Serialize;

use crate::calendar;

/// One time in three forms: for scripts, exact, and from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// RFC 3339; the browser shows it in the reader's zone.
    pub iso: String,
    pub text: String,
    /// `4 min ago`, `in 2 h`.
    pub ago: String,
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
        Self { iso: calendar::rfc3339(at), text: calendar::moment(at), ago }
    }

    pub fn of(at: Option<UnixTime>, now: UnixTime) -> Option<Self> {
        at.map(|at| Self::new(at, now))
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
            (moment.iso.as_str(), moment.text.as_str()),
            ("2026-11-22T14:04:54Z", "2026-11-22 14:04 UTC")
        );
    }
}
