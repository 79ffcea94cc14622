//! Which hours, days and months make up a time: as few as there are.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::fact::{HOUR, hour_of};
use crate::store::Stamp;
use crate::store::rollups::Grain;

/// Sums of one grain, from a start to another that is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub grain: Grain,
    pub from: String,
    pub below: String,
}

/// A time in whole hours by the clocks of a zone.
#[derive(Clone, Debug)]
pub struct Time {
    pub from: Timestamp,
    pub to: Timestamp,
    pub zone: TimeZone,
}

impl Time {
    /// From the begin of the hour that holds `from` to the end of the one that holds the last instant before `to`.
    pub fn around(from: Timestamp, to: Timestamp, zone: TimeZone) -> Self {
        let begun = hour_of(to, &zone);
        let to = if begun < to { begun.saturating_add(HOUR).unwrap_or(Timestamp::MAX) } else { begun };
        Self { from: hour_of(from, &zone), to, zone }
    }

    /// The spans, of grains up to this one.
    pub fn spans(&self, largest: Grain) -> Vec<Span> {
        let (first, end) = (self.first_midnight(), self.date(self.to));
        if largest == Grain::Hour || first >= end {
            return self.hours(self.from, self.to).into_iter().collect();
        }
        let (begins, ends) = (self.midnight(first), self.midnight(end));
        let days = days(first, end, largest);
        self.hours(self.from, begins).into_iter().chain(days).chain(self.hours(ends, self.to)).collect()
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    fn midnight(&self, of: Date) -> Timestamp {
        of.to_zoned_datetime(self.zone.clone()).map_or(Timestamp::MAX, |at| at.timestamp())
    }

    /// The first day that begins within the time.
    fn first_midnight(&self) -> Date {
        let day = self.date(self.from);
        if self.midnight(day) >= self.from { day } else { day.tomorrow().unwrap_or(Date::MAX) }
    }

    fn hours(&self, from: Timestamp, to: Timestamp) -> Option<Span> {
        let text = |at| Stamp(at).to_string();
        (from < to).then(|| Span { grain: Grain::Hour, from: text(from), below: text(to) })
    }
}

fn days(from: Date, to: Date, largest: Grain) -> Vec<Span> {
    let span = |grain, from: String, below: String| (from < below).then_some(Span { grain, from, below });
    let day = |from: Date, to: Date| span(Grain::Day, from.to_string(), to.to_string());
    let after = if from.day() == 1 { from } else { from.last_of_month().tomorrow().unwrap_or(Date::MAX) };
    let before = to.first_of_month();
    if largest != Grain::Month || after >= before {
        return day(from, to).into_iter().collect();
    }
    let month = |date: Date| format!("{:04}-{:02}", date.year(), date.month());
    let months = span(Grain::Month, month(after), month(before));
    [day(from, after), months, day(before, to)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, (from, to): (&str, &str), largest: Grain, expected: &[(&str, &str)]) {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let time = Time::around(at(from), at(to), TimeZone::get(zone).unwrap());
        let short = |text: String| text.replace(":00.000000Z", "");
        let found: Vec<_> =
            time.spans(largest).into_iter().map(|s| (short(s.from), short(s.below))).collect();
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found, expected, "{zone} {from} {to} {largest:?}");
    }

    #[test]
    fn a_time_is_made_up_of_as_few_sums_as_there_are() {
        let long = ("2026-10-30T22:10:00Z", "2027-01-03T01:00:00Z");
        check(
            "UTC",
            long,
            Grain::Month,
            &[
                ("2026-10-30T22:00", "2026-10-31T00:00"),
                ("2026-10-31", "2026-11-01"),
                ("2026-11", "2027-01"),
                ("2027-01-01", "2027-01-03"),
                ("2027-01-03T00:00", "2027-01-03T01:00"),
            ],
        );
        check(
            "UTC",
            long,
            Grain::Day,
            &[
                ("2026-10-30T22:00", "2026-10-31T00:00"),
                ("2026-10-31", "2027-01-03"),
                ("2027-01-03T00:00", "2027-01-03T01:00"),
            ],
        );
        check("UTC", long, Grain::Hour, &[("2026-10-30T22:00", "2027-01-03T01:00")]);
        check(
            "UTC",
            ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            Grain::Month,
            &[("2026-11", "2026-12")],
        );
        check(
            "UTC",
            ("2026-11-01T05:00:00Z", "2026-11-01T05:00:01Z"),
            Grain::Month,
            &[("2026-11-01T05:00", "2026-11-01T06:00")],
        );
    }

    #[test]
    fn days_begin_at_the_zones_midnight() {
        check(
            "Asia/Kolkata",
            ("2026-11-19T18:30:00Z", "2026-11-20T18:30:00Z"),
            Grain::Month,
            &[("2026-11-20", "2026-11-21")],
        );
        // A day of 23 hours.
        check(
            "Europe/Berlin",
            ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            Grain::Day,
            &[("2026-03-29", "2026-03-30")],
        );
    }
}
