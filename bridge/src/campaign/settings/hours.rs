//! When a campaign calls, by the clock of whoever is called.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Faults;
use crate::bot::hours::{minutes, weekday};
use crate::campaign::calendar::Day;

/// Most windows.
const MAX_WINDOWS: usize = 28;
/// Most closed days.
const MAX_CLOSED: usize = 400;

/// A window of some days of the week. It may not go over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayTimes {
    /// `mon` to `sun`.
    pub days: Vec<String>,
    /// `HH:MM`.
    #[schema(example = "09:00")]
    pub start: String,
    /// `HH:MM`, later than `start`; `24:00` is the end of the day.
    #[schema(example = "18:00")]
    pub end: String,
}

impl DayTimes {
    fn faults(&self, faults: &mut Faults<'_>) {
        if self.days.is_empty() || !self.days.iter().all(|day| weekday(day).is_some()) {
            faults.say("days", "one or more of mon, tue, wed, thu, fri, sat, sun");
        }
        match (minutes(&self.start), minutes(&self.end)) {
            (None, _) => faults.say("start", "must be a time of day, HH:MM"),
            (_, None) => faults.say("end", "must be a time of day, HH:MM"),
            (Some(start), Some(end)) if start >= end => faults.say("end", "must be later than `start`"),
            _ => {}
        }
    }
}

/// When it calls. The rules of the callee's place hold besides: a number is called when both allow it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hours {
    /// Local windows; 28 at most. Every day from 9 to 20 by default.
    pub open: Vec<DayTimes>,
    /// Local dates on which nobody is called, `2026-12-25`, or `12-25` for every year; 400 at most. Those of the tenant hold besides.
    pub closed: Vec<String>,
    /// Countries whose rules are not known are called too, on weekdays from 9 to 18: somebody looked at their law and says so.
    pub unknown_countries: bool,
}

impl Default for Hours {
    fn default() -> Self {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(str::to_owned).to_vec();
        let open = vec![DayTimes { days, start: "09:00".into(), end: "20:00".into() }];
        Self { open, closed: Vec::new(), unknown_countries: false }
    }
}

impl Hours {
    pub(super) fn faults(&self, faults: &mut Faults<'_>) {
        if self.open.is_empty() || self.open.len() > MAX_WINDOWS {
            faults.say("open", &format!("1 to {MAX_WINDOWS} windows"));
        }
        for (at, window) in self.open.iter().enumerate().take(MAX_WINDOWS) {
            window.faults(&mut faults.at(&format!("open.{at}")));
        }
        if self.closed.len() > MAX_CLOSED {
            faults.say("closed", &format!("at most {MAX_CLOSED}"));
        }
        for (at, date) in self.closed.iter().enumerate().take(MAX_CLOSED) {
            if Day::parse(date).is_none() {
                faults
                    .say(&format!("closed.{at}"), "must be a date, like 2026-12-25, or 12-25 for every year");
            }
        }
    }
}
