//! Times and durations for people.

use coppice_model::UnixTime;

const DAY_S: i64 = 86_400;

/// `2026-11-22 13:05 UTC`.
pub fn at(time: UnixTime) -> String {
    let (year, month, day) = date(time.0.div_euclid(DAY_S));
    let seconds = time.0.rem_euclid(DAY_S);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60)
}

/// `3 min 4 s`.
pub fn took(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.0.saturating_sub(from.0).max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// Days since 1970 to a date of the Gregorian calendar. Howard Hinnant: `civil_from_days`.
fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_795_356_294, "2026-11-22 14:04 UTC"),
            (4_102_444_800, "2100-01-01 00:00 UTC"),
        ] {
            assert_eq!(at(UnixTime(seconds)), text);
        }
        assert_eq!(took(UnixTime(10), UnixTime(75)), "1 min 5 s");
        assert_eq!(took(UnixTime(0), UnixTime(7_260)), "2 h 1 min");
    }
}
