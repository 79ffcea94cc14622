//! Active hours: whether a bot answers now, by the clock on its own wall.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use vox_shared::model::bot::ActiveHours;

/// Minutes of a day.
pub const DAY_MINUTES: u32 = 24 * 60;

/// The time zone of that name; an unknown one counts as UTC, with a warning.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| {
        tracing::warn!(
            timezone = name.chars().take(64).collect::<String>(),
            "unknown time zone, UTC is used"
        );
        TimeZone::UTC
    })
}

/// Whether the bot answers at this instant. A window over midnight belongs to the day it begins on.
pub fn open_at(hours: &ActiveHours, zone: &TimeZone, now: Timestamp) -> bool {
    if !hours.enabled {
        return true;
    }
    let (Some(start), Some(end)) = (minutes(&hours.start), minutes(&hours.end)) else { return true };
    let local = zone.to_datetime(now);
    let at = minute_of_day(local.time());
    let today = local.date().weekday();
    let on = |day: Weekday| hours.days.iter().any(|d| weekday(d) == Some(day));
    if start < end {
        on(today) && (start..end).contains(&at)
    } else {
        (on(today) && at >= start) || (on(today.previous()) && at < end)
    }
}

/// `HH:MM` as minutes after midnight; `24:00` is the end of the day.
pub fn minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY_MINUTES).then_some(total)
}

/// `mon` to `sun`.
pub fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

fn minute_of_day(time: Time) -> u32 {
    u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(days: &[&str], window: (&str, &str), at: &str, expected: bool) {
        let hours = ActiveHours {
            enabled: true,
            days: days.iter().map(|d| (*d).to_owned()).collect(),
            start: window.0.into(),
            end: window.1.into(),
        };
        let now: Timestamp = at.parse().unwrap();
        assert_eq!(open_at(&hours, &zone("Asia/Kolkata"), now), expected, "{days:?} {window:?} {at}");
    }

    const WEEK: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

    #[test]
    fn the_window_is_local_and_half_open() {
        // 2026-11-20 is a Friday; Kolkata is five and a half hours ahead of UTC.
        check(&WEEK, ("09:00", "18:00"), "2026-11-20T03:29:59Z", false);
        check(&WEEK, ("09:00", "18:00"), "2026-11-20T03:30:00Z", true);
        check(&WEEK, ("09:00", "18:00"), "2026-11-20T12:29:59Z", true);
        check(&WEEK, ("09:00", "18:00"), "2026-11-20T12:30:00Z", false);
        check(&WEEK, ("09:00", "18:00"), "2026-11-21T06:00:00Z", false);
    }

    #[test]
    fn a_window_over_midnight_belongs_to_its_first_day() {
        check(&WEEK, ("22:00", "06:00"), "2026-11-20T17:00:00Z", true);
        // Saturday 02:00 local is still Friday's window; Sunday 02:00 is nobody's, Monday 02:00 neither.
        check(&WEEK, ("22:00", "06:00"), "2026-11-20T20:30:00Z", true);
        check(&WEEK, ("22:00", "06:00"), "2026-11-21T20:30:00Z", false);
        check(&WEEK, ("22:00", "06:00"), "2026-11-22T20:30:00Z", false);
    }

    #[test]
    fn the_week_wraps_and_the_zones_own_clock_is_followed() {
        // Monday 02:00 in Kolkata belongs to Sunday's window.
        check(&["sun"], ("22:00", "06:00"), "2026-11-22T20:30:00Z", true);
        check(&["mon"], ("22:00", "06:00"), "2026-11-22T20:30:00Z", false);
        check(&["fri"], ("22:00", "24:00"), "2026-11-20T18:29:59Z", true);
        check(&["fri"], ("22:00", "24:00"), "2026-11-20T18:30:00Z", false);
        check(&["fri"], ("22:00", "00:00"), "2026-11-20T18:29:59Z", true);
        // On 1 November 2026 New York has 01:30 twice, on 8 March it has no 02:30.
        let hours = |start: &str, end: &str| ActiveHours {
            enabled: true,
            start: start.into(),
            end: end.into(),
            ..ActiveHours::default()
        };
        let open =
            |hours: &ActiveHours, at: &str| open_at(hours, &zone("America/New_York"), at.parse().unwrap());
        for at in ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"] {
            assert!(open(&hours("01:00", "02:00"), at), "{at}");
        }
        assert!(!open(&hours("02:00", "03:00"), "2026-03-08T06:59:59Z"));
        assert!(!open(&hours("02:00", "03:00"), "2026-03-08T07:00:00Z"), "it is three o'clock already");
    }

    #[test]
    fn the_default_window_is_the_whole_day() {
        check(&WEEK, ("00:00", "24:00"), "2026-11-20T18:29:59Z", true);
        let closed = ActiveHours { enabled: false, days: Vec::new(), ..ActiveHours::default() };
        assert!(open_at(&closed, &TimeZone::UTC, Timestamp::UNIX_EPOCH), "not enabled: always open");
    }

    #[test]
    fn only_well_formed_times_count() {
        for (text, expected) in [("00:00", Some(0)), ("24:00", Some(1440)), ("09:30", Some(570))] {
            assert_eq!(minutes(text), expected);
        }
        for bad in ["", "9:30", "24:01", "12:60", "aa:bb", "12:3", "12", "+1:00"] {
            assert_eq!(minutes(bad), None, "{bad}");
        }
    }
}
