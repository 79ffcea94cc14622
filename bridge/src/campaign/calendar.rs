//! Days and hours at which a tenant's campaigns call nobody, whatever their own hours are: by the clock of whoever is called.

mod list;

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use list::{LineFault, read_list};

use super::settings::{Hours, Settings, is_region};
use super::zones;
use crate::bot::hours::{DAY_MINUTES, minutes, weekday};
use crate::fields::FieldError;

/// Most spans of quiet hours of a tenant.
pub const MAX_QUIET: usize = 28;
/// Most holidays of a tenant.
pub const MAX_HOLIDAYS: usize = 2_000;
/// Most countries and most zones of one holiday.
const MAX_PLACES: usize = 60;
/// Longest name of a holiday, characters.
const MAX_NAME: usize = 100;
/// A leap year, so that the 29th of February is a day of the year.
const LEAP_YEAR: i16 = 2000;

/// From one time of day to another in which nobody is called. It may go over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// `mon` to `sun`: the days on which it begins; empty: every day.
    #[serde(default)]
    pub days: Vec<String>,
    /// `HH:MM`.
    #[schema(example = "21:00")]
    pub start: String,
    /// `HH:MM`; not later than `start`: that of the next day. `24:00` is the end of the day.
    #[schema(example = "08:00")]
    pub end: String,
}

impl QuietHours {
    /// What is not acceptable, with paths below `path`.
    pub fn faults(&self, path: &str) -> Vec<FieldError> {
        let mut faults = Vec::new();
        if !self.days.iter().all(|day| weekday(day).is_some()) {
            let told = "mon, tue, wed, thu, fri, sat, sun; empty for every day";
            faults.push(FieldError::new(format!("{path}.days"), told));
        }
        let (start, end) = (minutes(&self.start), minutes(&self.end));
        if start.is_none_or(|start| start >= DAY_MINUTES) {
            faults.push(FieldError::new(format!("{path}.start"), "must be a time of day, 00:00 to 23:59"));
        }
        if end.is_none() {
            faults.push(FieldError::new(format!("{path}.end"), "must be a time of day, HH:MM"));
        }
        if start.is_some() && start == end {
            faults.push(FieldError::new(format!("{path}.end"), "must not be the same as `start`"));
        }
        faults
    }
}

/// A day on which nobody is called, or nobody of some places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// `2026-12-25`, or without a year `12-25`: every year.
    #[schema(example = "12-25")]
    pub date: String,
    /// What people call it; 100 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Two letters each: whose number is of one of them. Without countries and zones it is everybody's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// IANA: whoever may be in one of them, beside those of `countries`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_zones: Vec<String>,
}

impl Holiday {
    /// What is not acceptable, with paths below `path`.
    pub fn faults(&self, path: &str) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut say = |name: &str, told: &str| faults.push(FieldError::new(format!("{path}.{name}"), told));
        if Day::parse(&self.date).is_none() {
            say("date", "must be a date, like 2026-12-25, or 12-25 for every year");
        }
        let name = self.name.as_deref().unwrap_or_default();
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            say("name", &format!("at most {MAX_NAME} characters, none of them a control character"));
        }
        if self.countries.len() > MAX_PLACES || !self.countries.iter().all(|country| is_region(country)) {
            say("countries", &format!("at most {MAX_PLACES} of two capital letters each, like DE"));
        }
        if self.time_zones.len() > MAX_PLACES || !self.time_zones.iter().all(|zone| zones::is_zone(zone)) {
            say("time_zones", &format!("at most {MAX_PLACES} IANA time zones, like Europe/Berlin"));
        }
        faults
    }
}

/// A date that is written with or without its year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Once(Date),
    /// Month and day.
    Yearly(i8, i8),
}

impl Day {
    /// `2026-12-25` or `12-25`.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = |part: &str, digits: usize| {
            let is_one = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            if is_one { part.parse::<i16>().ok() } else { None }
        };
        let day = |year: i16, month: &str, day: &str| {
            let (month, day) = (number(month, 2)?, number(day, 2)?);
            Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
        };
        match parts[..] {
            [year, month, of_month] => Some(Self::Once(day(number(year, 4)?, month, of_month)?)),
            [month, of_month] => {
                let date = day(LEAP_YEAR, month, of_month)?;
                Some(Self::Yearly(date.month(), date.day()))
            }
            _ => None,
        }
    }

    pub fn is(self, date: Date) -> bool {
        match self {
            Self::Once(day) => day == date,
            Self::Yearly(month, day) => (date.month(), date.day()) == (month, day),
        }
    }
}

/// Whose a holiday is; everybody's where both are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whose {
    countries: Vec<String>,
    /// By their present names.
    zones: Vec<String>,
}

impl Whose {
    fn is_of(&self, region: &str, zone: &TimeZone) -> bool {
        let is_everybodys = self.countries.is_empty() && self.zones.is_empty();
        let named = zone.iana_name().map(zones::present_name);
        is_everybodys
            || self.countries.iter().any(|country| country == region)
            || named.is_some_and(|named| self.zones.iter().any(|zone| zone == named))
    }
}

/// A span of quiet hours, minutes after midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Quiet {
    /// Empty: every day.
    days: Vec<Weekday>,
    start: u32,
    /// Not after `start`: of the next day.
    end: u32,
}

/// What a tenant set, to be looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    quiet: Vec<Quiet>,
    once: BTreeMap<Date, Vec<Whose>>,
    yearly: BTreeMap<(i8, i8), Vec<Whose>>,
}

/// That of a tenant that set nothing.
pub static EMPTY: Calendar = Calendar { quiet: Vec::new(), once: BTreeMap::new(), yearly: BTreeMap::new() };

impl Calendar {
    /// Of what was found acceptable; what is not is left out.
    pub fn of(quiet: &[QuietHours], holidays: &[Holiday]) -> Self {
        let span = |quiet: &QuietHours| {
            let days = quiet.days.iter().filter_map(|day| weekday(day)).collect();
            Some(Quiet { days, start: minutes(&quiet.start)?, end: minutes(&quiet.end)? })
        };
        let mut calendar = Self { quiet: quiet.iter().filter_map(span).collect(), ..Self::default() };
        for holiday in holidays {
            let whose = Whose {
                countries: holiday.countries.clone(),
                zones: holiday.time_zones.iter().map(|zone| zones::present_name(zone).to_owned()).collect(),
            };
            match Day::parse(&holiday.date) {
                Some(Day::Once(date)) => calendar.once.entry(date).or_default().push(whose),
                Some(Day::Yearly(month, day)) => calendar.yearly.entry((month, day)).or_default().push(whose),
                None => {}
            }
        }
        calendar
    }

    /// Whether nobody with a number of that country, in that zone, is called on a day of that zone.
    pub fn is_holiday(&self, day: Date, (region, zone): (&str, &TimeZone)) -> bool {
        let once = self.once.get(&day).into_iter().flatten();
        let yearly = self.yearly.get(&(day.month(), day.day())).into_iter().flatten();
        once.chain(yearly).any(|whose| whose.is_of(region, zone))
    }

    /// Whether any day is one.
    pub fn has_holidays(&self) -> bool {
        !self.once.is_empty() || !self.yearly.is_empty()
    }

    /// The spans that begin on a day, each as its first minute, and the day and minute of its end.
    pub fn quiet_of(&self, day: Date) -> impl Iterator<Item = (u32, (Date, u32))> {
        let todays = move |quiet: &&Quiet| quiet.days.is_empty() || quiet.days.contains(&day.weekday());
        self.quiet.iter().filter(todays).filter_map(move |quiet| {
            let ends_on = if quiet.end > quiet.start { day } else { day.tomorrow().ok()? };
            Some((quiet.start, (ends_on, quiet.end)))
        })
    }
}

/// When a campaign calls, and when its tenant's campaigns do not.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    pub hours: &'a Hours,
    pub calendar: &'a Calendar,
}

/// What a campaign goes by: its own settings, and its tenant's calendar.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub settings: &'a Settings,
    pub calendar: &'a Calendar,
}

impl<'a> Rules<'a> {
    pub fn times(self) -> Times<'a> {
        Times { hours: &self.settings.hours, calendar: self.calendar }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn holiday(date: &str, countries: &[&str], zones: &[&str]) -> Holiday {
        let owned = |of: &[&str]| of.iter().map(|one| (*one).to_owned()).collect();
        Holiday { date: date.into(), name: None, countries: owned(countries), time_zones: owned(zones) }
    }

    fn check(of: &Holiday, (day, region, zone): (Date, &str, &str), expected: bool) {
        let calendar = Calendar::of(&[], std::slice::from_ref(of));
        let zone = TimeZone::get(zone).unwrap();
        assert_eq!(calendar.is_holiday(day, (region, &zone)), expected, "{of:?} {day} {region} {zone:?}");
    }

    #[test]
    fn a_day_without_a_year_is_one_of_every_year() {
        let (berlin, utc) = ("Europe/Berlin", "UTC");
        check(&holiday("2026-12-25", &[], &[]), (date(2026, 12, 25), "DE", berlin), true);
        check(&holiday("2026-12-25", &[], &[]), (date(2027, 12, 25), "DE", berlin), false);
        check(&holiday("12-25", &[], &[]), (date(2027, 12, 25), "DE", utc), true);
        check(&holiday("02-29", &[], &[]), (date(2028, 2, 29), "DE", berlin), true);
    }

    #[test]
    fn a_holiday_is_that_of_its_countries_and_of_its_zones() {
        let of_both = holiday("10-03", &["DE"], &["Asia/Kolkata"]);
        let day = date(2026, 10, 3);
        check(&of_both, (day, "DE", "Europe/Berlin"), true);
        check(&of_both, (day, "FR", "Europe/Paris"), false);
        // By whichever of its names the table of prefixes has the zone.
        check(&of_both, (day, "IN", "Asia/Calcutta"), true);
        check(&holiday("10-03", &[], &["Asia/Calcutta"]), (day, "IN", "Asia/Kolkata"), true);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for bad in ["", "2026-13-01", "2026-02-29", "02-30", "1-1", "26-12-25", "25.12.2026", "+2026-12-25"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
            assert_eq!(holiday(bad, &[], &[]).faults("items.0")[0].path, "items.0.date");
        }
        let faults = holiday("12-25", &["de"], &["Mars/Base"]).faults("items.3");
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["items.3.countries", "items.3.time_zones"]);
    }

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let quiet = |days: &[&str], start: &str, end: &str| QuietHours {
            days: days.iter().map(|day| (*day).to_owned()).collect(),
            start: start.into(),
            end: end.into(),
        };
        // The 30th of November 2026 is a Monday.
        let calendar = Calendar::of(&[quiet(&[], "21:00", "08:00"), quiet(&["mon"], "13:00", "14:00")], &[]);
        let of = |day: Date| calendar.quiet_of(day).collect::<Vec<_>>();
        let (monday, tuesday, wednesday) = (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2));
        assert_eq!(of(monday), [(1_260, (tuesday, 480)), (780, (monday, 840))]);
        assert_eq!(of(tuesday), [(1_260, (wednesday, 480))]);
        let paths = |quiet: QuietHours| -> Vec<String> {
            quiet.faults("items.0").into_iter().map(|fault| fault.path).collect()
        };
        assert_eq!(paths(quiet(&["moon"], "24:00", "x")), ["items.0.days", "items.0.start", "items.0.end"]);
        assert_eq!(paths(quiet(&[], "09:00", "09:00")), ["items.0.end"]);
        assert!(paths(quiet(&["sun"], "21:00", "24:00")).is_empty());
    }
}
