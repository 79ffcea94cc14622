//! Periods of plans and statements: calendar months in UTC, the same for every tenant. What a call uses belongs to the month and
//! the day in which it began, however late its result comes.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A calendar month in UTC, `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// Its first day.
    first: Date,
}

/// The text is no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a month, like 2026-11")]
pub struct NoPeriod;

/// A day in UTC, `2026-11-20`.
pub fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

impl Period {
    /// The month that an instant is in.
    pub fn of(at: Timestamp) -> Self {
        Self::of_day(day_of(at))
    }

    /// The month that a day is in.
    pub fn of_day(day: Date) -> Self {
        Self { first: day.first_of_month() }
    }

    /// Its first day, and that of the next one.
    pub fn bounds(self) -> (String, String) {
        let next = self.first.checked_add(1.month()).unwrap_or(self.first);
        (self.first.to_string(), next.to_string())
    }

    /// Its days.
    pub fn days(self) -> impl Iterator<Item = Date> {
        let first = self.first;
        (0..i64::from(first.days_in_month())).filter_map(move |n| first.checked_add(n.days()).ok())
    }

    /// The first instant of the next one, when the limits are whole again.
    pub fn ends(self) -> Timestamp {
        self.first.checked_add(1.month()).map_or(Timestamp::MAX, midnight)
    }

    /// The month before.
    pub fn before(self) -> Self {
        Self { first: self.first.checked_sub(1.month()).unwrap_or(self.first) }
    }
}

pub(super) fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let (year, month) = text.split_once('-').ok_or(NoPeriod)?;
        let digits = |text: &str, most: usize| text.len() == most && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(NoPeriod);
        }
        let first = Date::new(year.parse().map_err(|_| NoPeriod)?, month.parse().map_err(|_| NoPeriod)?, 1);
        Ok(Self { first: first.map_err(|_| NoPeriod)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_month_in_utc_and_ends_where_the_next_begins() {
        let check = |at: &str, period: &str, ends: &str| {
            let found = Period::of(at.parse().unwrap());
            assert_eq!((found.to_string(), found.ends().to_string()), (period.into(), ends.into()));
            assert_eq!(period.parse(), Ok(found));
        };
        check("2026-11-20T10:00:00Z", "2026-11", "2026-12-01T00:00:00Z");
        check("2026-12-31T23:59:59.999999Z", "2026-12", "2027-01-01T00:00:00Z");
        check("2027-01-01T00:00:00Z", "2027-01", "2027-02-01T00:00:00Z");
        check("2027-01-01T01:00:00+05:30", "2026-12", "2027-01-01T00:00:00Z");
        let bounds = Period::of("2028-02-29T00:00:00Z".parse().unwrap()).bounds();
        assert_eq!(bounds, ("2028-02-01".into(), "2028-03-01".into()));
        assert_eq!(Period::of("2027-01-01T00:00:00Z".parse().unwrap()).before().to_string(), "2026-12");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for bad in
            ["", "2026", "2026-13", "2026-00", "26-11", "2026-1", "+026-11", "2026-11-01", "２０２６-11"]
        {
            assert_eq!(bad.parse::<Period>(), Err(NoPeriod), "{bad}");
        }
    }
}
