//! Dates for people.

use std::sync::LazyLock;

use coppice_model::UnixTime;
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

const DAY_S: i64 = 86_400;
/// What people call where they are; the others are of machines, or older names of the same.
const AREAS: [&str; 10] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
];

/// The one that is compiled in, so that every host knows the same zones.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Where somebody reads times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// By its IANA name.
    pub fn find(name: &str) -> Option<Self> {
        ZONES.get(name).ok().filter(|zone| zone.iana_name().is_some()).map(Self)
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// `2026-11-22 14:05 CET`.
    pub fn moment(&self, time: UnixTime) -> String {
        match Timestamp::from_second(time.0) {
            Ok(at) => at.to_zoned_datetime(self.0.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
            // Beyond the year 9999.
            Err(_) => moment(time),
        }
    }
}

/// The names that people choose from, by area; UTC comes first.
pub fn zone_names() -> Vec<String> {
    let is_place = |name: &String| name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area));
    let mut names: Vec<String> = ZONES.available().map(|name| name.to_string()).filter(is_place).collect();
    names.sort_unstable();
    names.insert(0, "UTC".to_owned());
    names
}

/// `2026-11-22`, in UTC. Howard Hinnant: `civil_from_days`.
pub fn date(time: UnixTime) -> String {
    let days = time.0.div_euclid(DAY_S) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-22 13:05 UTC`.
pub fn moment(time: UnixTime) -> String {
    let seconds = time.0.rem_euclid(DAY_S);
    format!("{} {:02}:{:02} UTC", date(time), seconds / 3600, seconds / 60 % 60)
}

/// `2026-11-22T13:05:09Z`, as RFC 3339 has it.
pub fn rfc3339(time: UnixTime) -> String {
    let seconds = time.0.rem_euclid(DAY_S);
    format!("{}T{:02}:{:02}:{:02}Z", date(time), seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `3 min 4 s`.
pub fn duration(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.0.saturating_sub(from.0).max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_735_689_599, "2024-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date(UnixTime(seconds)), text);
        }
    }

    /// Seconds, and what a clock in the zone shows.
    fn shown(zone: &str, cases: &[(i64, &str)]) {
        let zone = Zone::find(zone).unwrap();
        for (seconds, text) in cases {
            assert_eq!(zone.moment(UnixTime(*seconds)), *text, "{zone:?}");
        }
    }

    #[test]
    fn clocks_change_at_both_borders_of_daylight_saving() {
        shown(
            "Europe/Berlin",
            &[
                (1_774_745_999, "2026-03-29 01:59 CET"),
                (1_774_746_000, "2026-03-29 03:00 CEST"),
                (1_792_889_999, "2026-10-25 02:59 CEST"),
                (1_792_890_000, "2026-10-25 02:00 CET"),
            ],
        );
        shown(
            "America/New_York",
            &[
                (1_772_953_199, "2026-03-08 01:59 EST"),
                (1_772_953_200, "2026-03-08 03:00 EDT"),
                (1_793_512_799, "2026-11-01 01:59 EDT"),
                (1_793_512_800, "2026-11-01 01:00 EST"),
            ],
        );
        shown("Asia/Kolkata", &[(1_795_356_294, "2026-11-22 19:34 IST")]);
        shown("UTC", &[(1_795_356_294, "2026-11-22 14:04 UTC")]);
    }

    #[test]
    fn zones_are_known_by_their_names_alone() {
        assert_eq!(Zone::find("europe/berlin").unwrap().name(), "Europe/Berlin");
        for other in ["", "Berlin", "Europe/", "../etc/passwd", "+01:00", "CET-1CEST"] {
            assert_eq!(Zone::find(other), None, "{other}");
        }
        let names = zone_names();
        assert!(names.len() > 300 && names.len() < 600, "{}", names.len());
        for name in &names {
            assert_eq!(Zone::find(name).unwrap().name(), name);
        }
        assert!(!names.iter().any(|name| name.starts_with("Etc/") || name.starts_with("US/")));
    }

    #[test]
    fn moments_and_durations_read_well() {
        assert_eq!(moment(UnixTime(1_795_356_294)), "2026-11-22 14:04 UTC");
        assert_eq!(duration(UnixTime(10), UnixTime(75)), "1 min 5 s");
        assert_eq!(duration(UnixTime(0), UnixTime(7_260)), "2 h 1 min");
        assert_eq!(duration(UnixTime(5), UnixTime(0)), "0 s");
    }
}
