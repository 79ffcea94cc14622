//! The tool `schedule_callback`: when the caller wishes to be called back, as a model writes it, becomes a time of day and a number that a
//! dialler can go by.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use vox_shared::phone::Number;
use vox_shared::wire::result::Callback;

/// Nobody is called back sooner: this call is not over.
const SOONEST: Duration = Duration::from_secs(60);
/// Nor later: a wish that is older is nobody's any more.
const LATEST: Duration = Duration::from_secs(90 * 86_400);
/// Longest note, characters.
const MAX_NOTE: usize = 500;
const FORMS: &str = "write it as \"2026-12-01 10:30\", \"today 18:00\", \"tomorrow 10:30\", \"monday 9:00\", or \"in 30 minutes\"";

/// Why nothing was noted, in words for the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWish {
    #[error("'when' is no time that can be noted: {FORMS}")]
    Unreadable,
    #[error("'when' has no time of day: ask the caller at what time they wish to be called")]
    NoTime,
    #[error("'when' does not exist there: the clock is put forward over it. Ask the caller for another time")]
    Skipped,
    #[error("'when' is not at least a minute away: it is {0} now")]
    TooSoon(String),
    #[error("'when' is more than 90 days away")]
    TooLate,
    #[error("'number' is no telephone number: ask the caller for it with the country code")]
    BadNumber,
    #[error("this call has no number to call back: ask the caller for one, and give it as 'number'")]
    NoNumber,
}

/// Where and when a call is.
#[derive(Clone, Debug)]
pub struct Desk {
    pub now: Timestamp,
    /// The bot's.
    pub zone: TimeZone,
    /// As its settings name it.
    pub zone_name: String,
    /// Who called, or was called, as the line tells it.
    pub caller: Option<String>,
}

impl Desk {
    /// What the model's arguments ask for: what the record keeps, and with it what the model tells the caller.
    ///
    /// # Errors
    ///
    /// With what is wrong with them.
    pub fn schedule(&self, arguments: &Value) -> Result<Value, BadWish> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        let at = self.time(&text("when").to_lowercase())?;
        let wait = at.duration_since(self.now);
        if wait < SignedDuration::try_from(SOONEST).unwrap_or_default() {
            return Err(BadWish::TooSoon(self.in_words(self.now)));
        }
        if wait > SignedDuration::try_from(LATEST).unwrap_or_default() {
            return Err(BadWish::TooLate);
        }
        let number = self.number(text("number"))?;
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let note: String = text("note").chars().map(plain).take(MAX_NOTE).collect();
        let callback = Callback { at: at.to_string(), number: number.to_string(), note };
        let mut noted = match serde_json::to_value(callback) {
            Ok(Value::Object(noted)) => noted,
            _ => Map::new(),
        };
        noted.insert("in_words".into(), json!(format!("{} ({})", self.in_words(at), self.zone_name)));
        Ok(noted.into())
    }

    fn number(&self, given: &str) -> Result<Number, BadWish> {
        match (given, &self.caller) {
            ("", Some(caller)) => caller.parse().map_err(|_| BadWish::NoNumber),
            ("", None) => Err(BadWish::NoNumber),
            (given, _) => given.parse().map_err(|_| BadWish::BadNumber),
        }
    }

    fn in_words(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%A, %-d %B %Y, %H:%M").to_string()
    }

    fn time(&self, when: &str) -> Result<Timestamp, BadWish> {
        if let Some(wait) = when.strip_prefix("in ") {
            let wait = length(wait).ok_or(BadWish::Unreadable)?;
            return self.now.checked_add(wait).map_err(|_| BadWish::TooLate);
        }
        // With an offset of its own.
        if let Ok(at) = when.to_uppercase().parse::<Timestamp>() {
            return Ok(at);
        }
        let (day, time) = match when.rsplit_once([' ', 't']) {
            Some((day, time)) if time.contains(':') => (day, time),
            _ if self.day(when).is_some() => return Err(BadWish::NoTime),
            _ => return Err(BadWish::Unreadable),
        };
        let (day, time) =
            (self.day(day).ok_or(BadWish::Unreadable)?, clock(time).ok_or(BadWish::Unreadable)?);
        let there = self.zone.to_ambiguous_timestamp(DateTime::from_parts(day, time));
        match there.offset() {
            AmbiguousOffset::Gap { .. } => Err(BadWish::Skipped),
            // An hour that comes twice: the first time.
            _ => there.earlier().map_err(|_| BadWish::TooLate),
        }
    }

    /// A day by its date or its name; of a weekday the next one that is not today.
    fn day(&self, text: &str) -> Option<Date> {
        let today = self.zone.to_datetime(self.now).date();
        let text =
            text.trim().trim_end_matches([',', ' ']).trim_end_matches(" at").trim_start_matches("next ");
        match text {
            "today" => Some(today),
            "tomorrow" => today.tomorrow().ok(),
            _ => match weekday(text) {
                Some(weekday) => today.nth_weekday(1, weekday).ok(),
                None => text.parse().ok(),
            },
        }
    }
}

/// `9:00`, `09:00:00`.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.trim().split(':').map(|part| {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i8>().ok().filter(|_| is_number)
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    match (parts.next(), parts.next()) {
        (None | Some(Some(0..=59)), None) => Time::new(hour, minute, 0, 0).ok(),
        _ => None,
    }
}

/// `30 minutes`, `an hour`, `2 days`.
fn length(text: &str) -> Option<SignedDuration> {
    let (count, unit) = text.trim().split_once(' ')?;
    let count: i64 = match count {
        "a" | "an" | "one" => 1,
        count if count.bytes().all(|b| b.is_ascii_digit()) => count.parse().ok()?,
        _ => return None,
    };
    let secs = match unit.trim().trim_end_matches('s') {
        "minute" | "min" => 60,
        "hour" | "hr" | "h" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(count.checked_mul(secs)?))
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Monday, 17:35 in Kolkata.
    fn desk(zone: &str) -> Desk {
        Desk {
            now: "2026-11-30T12:05:00Z".parse().unwrap(),
            zone: TimeZone::get(zone).unwrap(),
            zone_name: zone.into(),
            caller: Some("09876543210".into()),
        }
    }

    fn at(zone: &str, when: &str) -> Result<String, BadWish> {
        let noted = desk(zone).schedule(&json!({"when": when}))?;
        Ok(noted["at"].as_str().unwrap().to_owned())
    }

    #[test]
    fn times_are_read_in_the_bots_zone() {
        let check =
            |when: &str, expected: &str| assert_eq!(at("Asia/Kolkata", when).unwrap(), expected, "{when}");
        check("2026-12-01 10:30", "2026-12-01T05:00:00Z");
        check("2026-12-01T10:30", "2026-12-01T05:00:00Z");
        check("2026-12-01T10:30:00", "2026-12-01T05:00:00Z");
        check("2026-12-01T10:30:00+01:00", "2026-12-01T09:30:00Z");
        check("today 18:00", "2026-11-30T12:30:00Z");
        check("Tomorrow at 9:05", "2026-12-01T03:35:00Z");
        check("next Tuesday 10:30", "2026-12-01T05:00:00Z");
        check("monday 09:00", "2026-12-07T03:30:00Z");
        check("in 30 minutes", "2026-11-30T12:35:00Z");
        check("in an hour", "2026-11-30T13:05:00Z");
        check("in 2 days", "2026-12-02T12:05:00Z");
    }

    #[test]
    fn what_cannot_be_meant_is_told_in_words_that_help() {
        let check =
            |when: &str, expected: BadWish| assert_eq!(at("Asia/Kolkata", when), Err(expected), "{when}");
        check("soon", BadWish::Unreadable);
        check("", BadWish::Unreadable);
        check("in some minutes", BadWish::Unreadable);
        check("tomorrow 25:00", BadWish::Unreadable);
        check("tomorrow 10:3x", BadWish::Unreadable);
        check("tomorrow", BadWish::NoTime);
        check("2026-12-01", BadWish::NoTime);
        check("today 17:00", BadWish::TooSoon("Monday, 30 November 2026, 17:35".into()));
        check("in 0 minutes", BadWish::TooSoon("Monday, 30 November 2026, 17:35".into()));
        check("2027-12-01 10:30", BadWish::TooLate);
        check("in 99999999999999999 weeks", BadWish::Unreadable);
        // In the night in which the clocks are put forward there is an hour that does not exist.
        let spring = Desk { now: "2027-03-01T00:00:00Z".parse().unwrap(), ..desk("America/New_York") };
        let gap = spring.schedule(&json!({"when": "2027-03-14 02:30"}));
        assert_eq!(gap, Err(BadWish::Skipped));
    }

    #[test]
    fn the_number_is_the_calls_own_unless_another_is_given() {
        let noted = |caller: Option<&str>, number: &str| {
            let desk = Desk { caller: caller.map(str::to_owned), ..desk("UTC") };
            desk.schedule(&json!({"when": "in 1 hour", "number": number, "note": "  the\norder "}))
        };
        let told = noted(Some("+49 30 123456"), "").unwrap();
        assert_eq!((&told["number"], &told["note"]), (&json!("+4930123456"), &json!("the order")));
        assert_eq!(told["in_words"], "Monday, 30 November 2026, 13:05 (UTC)");
        assert_eq!(noted(Some("+4930123456"), "+44 20 7946 0123").unwrap()["number"], "+442079460123");
        assert_eq!(noted(Some("+4930123456"), "[phone]"), Err(BadWish::BadNumber));
        assert_eq!(noted(Some("widget-user-1"), ""), Err(BadWish::NoNumber));
        assert_eq!(noted(None, ""), Err(BadWish::NoNumber));
    }
}
