//! When somebody may be called: in the campaign's hours, by the rules of the place, and not on holidays nor in quiet hours of the tenant, all
//! by the clock of every zone in which the number may be. What is not known is closed.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use vox_shared::phone::Number;

use super::calendar::{Day, Times};
use super::places::{self, Place};
use super::zones;
use crate::bot::hours::{DAY_MINUTES, minutes, weekday};

/// Days that are looked ahead. Whoever is closed for longer has no next time.
const AHEAD_DAYS: i64 = 14;
/// Where there are holidays: a shop that is shut for weeks opens again.
const AHEAD_OF_HOLIDAYS: i64 = 62;
/// A call is begun only if so much is left, seconds.
const LEAST_SECS: i64 = 60;

/// Whom it is about.
#[derive(Clone, Copy, Debug)]
pub struct Callee<'a> {
    pub number: &'a Number,
    /// The number's country, two letters.
    pub region: &'a str,
    /// Zones that the list says, beside those of the number.
    pub zones: &'a [String],
}

/// Whether somebody may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    Open {
        until: Timestamp,
    },
    Closed {
        next: Timestamp,
        why: Shut,
    },
    /// Not in the next two weeks, or two months where there are holidays.
    Never,
    /// Nobody knows in which zone the number is.
    ZoneUnknown,
    /// Nobody has looked at the law of that country; `hours.unknown_countries` says that somebody has.
    NeedsApproval,
}

/// Why it is not the time to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// The campaign's hours, or those of the place.
    Hours,
    /// The tenant's quiet hours.
    QuietHours,
    /// A holiday of the tenant's, or a closed day of the campaign's.
    Holiday,
}

impl Shut {
    pub const ALL: [Self; 3] = [Self::Hours, Self::QuietHours, Self::Holiday];

    /// As contacts and operators are told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "outside_window",
            Self::QuietHours => "quiet_hours",
            Self::Holiday => "holiday",
        }
    }
}

/// Whether a call may begin now, and else when.
pub fn look(times: Times<'_>, callee: Callee<'_>, now: Timestamp) -> Opening {
    let Ok(zones) = zones::all(callee.number, callee.zones) else { return Opening::ZoneUnknown };
    let rules = Rules::new(times, callee);
    let today = |zone: &TimeZone| zone.to_datetime(now).date();
    if !times.hours.unknown_countries && zones.iter().any(|zone| rules.place(today(zone)).needs_approval) {
        return Opening::NeedsApproval;
    }
    // Whether it is open now is told by the days around it.
    let farthest = rules.has_holidays().then_some(AHEAD_OF_HOLIDAYS);
    for ahead in [1, AHEAD_DAYS].into_iter().chain(farthest) {
        let open = in_all(&zones, |zone| rules.spans(zone, today(zone), ahead));
        if let Some(span) = open_at(&open, now) {
            return Opening::Open { until: span.until };
        }
        if let Some(next) = open.iter().find(|span| now < span.from && span.is_long()) {
            return Opening::Closed { next: next.from, why: rules.why(&zones, now) };
        }
    }
    Opening::Never
}

/// When all of some zones are open.
fn in_all(zones: &[TimeZone], of: impl Fn(&TimeZone) -> Vec<Span>) -> Vec<Span> {
    zones.iter().map(of).reduce(|one, other| both(&one, &other)).unwrap_or_default()
}

/// The span in which a call may begin now.
fn open_at(open: &[Span], now: Timestamp) -> Option<Span> {
    let here = open.iter().find(|span| span.from <= now && now < span.until)?;
    Span { from: now, ..*here }.is_long().then_some(*here)
}

/// The first instant at or after `from` at which a call may begin; `None` when there is none ([`Opening::Never`]), or it is not known.
pub fn first_open(times: Times<'_>, callee: Callee<'_>, from: Timestamp) -> Option<Timestamp> {
    match look(times, callee, from) {
        Opening::Open { .. } => Some(from),
        Opening::Closed { next, .. } => Some(next),
        Opening::Never | Opening::ZoneUnknown | Opening::NeedsApproval => None,
    }
}

struct Rules<'a> {
    times: Times<'a>,
    callee: Callee<'a>,
    /// The campaign's own closed days.
    closed: Vec<Day>,
}

/// From one instant until another, the second not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Span {
    fn is_long(self) -> bool {
        self.until.duration_since(self.from) >= SignedDuration::from_secs(LEAST_SECS)
    }
}

impl<'a> Rules<'a> {
    fn new(times: Times<'a>, callee: Callee<'a>) -> Self {
        let closed = times
            .hours
            .closed
            .iter()
            .filter_map(|day| Day::parse(day).or_else(|| day.parse().ok().map(Day::Once)));
        let closed = closed.collect();
        Self { times, callee, closed }
    }

    fn has_holidays(&self) -> bool {
        !self.closed.is_empty() || self.times.calendar.has_holidays()
    }

    fn is_holiday(&self, zone: &TimeZone, day: Date) -> bool {
        self.closed.iter().any(|closed| closed.is(day))
            || self.times.calendar.is_holiday(day, (self.callee.region, zone))
    }

    /// Why it is closed now.
    fn why(&self, zones: &[TimeZone], now: Timestamp) -> Shut {
        let today = |zone: &TimeZone| zone.to_datetime(now).date();
        if zones.iter().any(|zone| self.is_holiday(zone, today(zone))) {
            return Shut::Holiday;
        }
        let loud = in_all(zones, |zone| self.loud(zone, today(zone), 1));
        if open_at(&loud, now).is_some() { Shut::QuietHours } else { Shut::Hours }
    }

    fn place(&self, on: Date) -> &'static Place {
        places::of(self.callee.number, self.callee.region, on)
    }

    /// When it is open in a zone, from the day before `today` on, in order; spans that touch are one.
    fn spans(&self, zone: &TimeZone, today: Date, ahead: i64) -> Vec<Span> {
        // Quiet hours of the day before may go over midnight.
        let days = (-2..=ahead).filter_map(|day| today.checked_add(day.days()).ok());
        let quiet = in_order(days.flat_map(|day| self.quiet_of(zone, day)).collect());
        without(self.loud(zone, today, ahead), &quiet)
    }

    /// The same without a look at quiet hours.
    fn loud(&self, zone: &TimeZone, today: Date, ahead: i64) -> Vec<Span> {
        let days = (-1..=ahead).filter_map(|day| today.checked_add(day.days()).ok());
        in_order(days.flat_map(|day| self.of_day(zone, day)).collect())
    }

    /// Quiet hours that begin on a day: from the first time that the clock shows their start until the last time that it shows their end.
    fn quiet_of(&self, zone: &TimeZone, day: Date) -> Vec<Span> {
        let spans = self.times.calendar.quiet_of(day);
        let instants = spans.filter_map(|(start, (ends_on, end))| {
            Some(Span { from: closing(zone, day, start)?, until: opening(zone, ends_on, end)? })
        });
        instants.filter(|span| span.from < span.until).collect()
    }

    fn of_day(&self, zone: &TimeZone, day: Date) -> Vec<Span> {
        if self.is_holiday(zone, day) {
            return Vec::new();
        }
        let place = self.place(day);
        let lawful = place.open.iter().filter(|span| span.days.contains(&day.weekday()));
        let wanted = self.times.hours.open.iter().filter_map(|window| {
            let is_today = window.days.iter().any(|name| weekday(name) == Some(day.weekday()));
            is_today.then_some((minutes(&window.start)?, minutes(&window.end)?))
        });
        let wanted: Vec<(u32, u32)> = wanted.collect();
        let both = lawful
            .flat_map(|law| wanted.iter().map(|(start, end)| ((*start).max(law.start), (*end).min(law.end))));
        both.filter(|(start, end)| start < end)
            .filter_map(|(start, end)| {
                Some(Span { from: opening(zone, day, start)?, until: closing(zone, day, end)? })
            })
            .filter(|span| span.from < span.until)
            .collect()
    }
}

/// When a wall clock shows a minute of the day for the last time: a time that comes twice opens the second time, one that is left out
/// opens when the clock has gone past it.
fn opening(zone: &TimeZone, day: Date, minute: u32) -> Option<Timestamp> {
    instant(zone, day, minute, |twice| twice.later().ok())
}

/// When it shows that minute for the first time.
fn closing(zone: &TimeZone, day: Date, minute: u32) -> Option<Timestamp> {
    instant(zone, day, minute, |twice| twice.earlier().ok())
}

fn instant(
    zone: &TimeZone,
    day: Date,
    minute: u32,
    of_two: fn(jiff::tz::AmbiguousTimestamp) -> Option<Timestamp>,
) -> Option<Timestamp> {
    let wall = wall(day, minute)?;
    let found = zone.to_ambiguous_timestamp(wall);
    match found.offset() {
        AmbiguousOffset::Unambiguous { .. } => found.compatible().ok(),
        AmbiguousOffset::Fold { .. } => of_two(found),
        AmbiguousOffset::Gap { .. } => {
            let after = found.later().ok()?;
            let change = zone.preceding(after.checked_add(SignedDuration::from_secs(1)).ok()?).next()?;
            Some(change.timestamp())
        }
    }
}

fn wall(day: Date, minute: u32) -> Option<DateTime> {
    let (day, minute) = match minute {
        DAY_MINUTES.. => (day.tomorrow().ok()?, 0),
        minute => (day, minute),
    };
    Some(day.at(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0))
}

/// Sorted, and those that touch as one.
fn in_order(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.from);
    spans.dedup_by(|later, earlier| {
        let touches = later.from <= earlier.until;
        if touches {
            earlier.until = earlier.until.max(later.until);
        }
        touches
    });
    spans
}

/// What of some spans is in none of the others; both in order.
fn without(open: Vec<Span>, shut: &[Span]) -> Vec<Span> {
    if shut.is_empty() {
        return open;
    }
    let mut left = Vec::new();
    for span in open {
        let mut from = span.from;
        for shut in shut.iter().filter(|shut| span.from < shut.until && shut.from < span.until) {
            if from < shut.from {
                left.push(Span { from, until: shut.from });
            }
            from = from.max(shut.until);
        }
        if from < span.until {
            left.push(Span { from, until: span.until });
        }
    }
    left
}

/// What is in both of two lists in order.
fn both(one: &[Span], other: &[Span]) -> Vec<Span> {
    let (mut found, mut at, mut beside) = (Vec::new(), 0, 0);
    while let (Some(a), Some(b)) = (one.get(at), other.get(beside)) {
        let common = Span { from: a.from.max(b.from), until: a.until.min(b.until) };
        if common.from < common.until {
            found.push(common);
        }
        if a.until <= b.until { at += 1 } else { beside += 1 }
    }
    found
}

#[cfg(test)]
mod tests;
