//! Dates for people.

use coppice_model::UnixTime;

const DAY_S: i64 = 86_400;

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

    #[test]
    fn moments_and_durations_read_well() {
        assert_eq!(moment(UnixTime(1_795_356_294)), "2026-11-22 14:04 UTC");
        assert_eq!(duration(UnixTime(10), UnixTime(75)), "1 min 5 s");
        assert_eq!(duration(UnixTime(0), UnixTime(7_260)), "2 h 1 min");
        assert_eq!(duration(UnixTime(5), UnixTime(0)), "0 s");
    }
}
