//! No call outside the hours of the place, the campaign and the tenant, by the clock of every zone in which the number may be; and none on a
//! holiday.

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

use super::Finding;
use crate::campaign::journal::{Journal, Window};

use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

const DAILY: &[Weekday] = &[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];
const WORKING: &[Weekday] = &[Monday, Tuesday, Wednesday, Thursday, Friday];

/// Days, and hours from and until.
type Hours = (&'static [Weekday], u32, u32);

/// Numbers that begin alike.
pub(super) struct Place {
    first: &'static str,
    region: &'static str,
    zone: &'static str,
    hours: &'static [Hours],
    /// Rings of one number in 24 hours.
    pub number_day: Option<usize>,
}

const fn place(
    (first, region): (&'static str, &'static str),
    zone: &'static str,
    hours: &'static [Hours],
) -> Place {
    Place { first, region, zone, hours, number_day: None }
}

/// The places that are judged, from the table of `docs/campaigns.md`. A number of another one is a fault of the journal.
static PLACES: [Place; 10] = [
    place(("+91", "IN"), "Asia/Kolkata", &[(DAILY, 9, 21)]),
    place(("+1212", "US"), "America/New_York", &[(DAILY, 8, 21)]),
    place(("+1312", "US"), "America/Chicago", &[(DAILY, 8, 21)]),
    place(("+1415", "US"), "America/Los_Angeles", &[(DAILY, 8, 21)]),
    Place { number_day: Some(3), ..place(("+1305", "US"), "America/New_York", &[(DAILY, 8, 20)]) },
    place(("+4420", "GB"), "Europe/London", &[(WORKING, 9, 20)]),
    place(("+4915", "DE"), "Europe/Berlin", &[(WORKING, 9, 20), (&[Saturday], 10, 18)]),
    place(("+331", "FR"), "Europe/Paris", &[(WORKING, 10, 13), (WORKING, 14, 20)]),
    place(("+612", "AU"), "Australia/Sydney", &[(WORKING, 9, 20), (&[Saturday], 9, 17)]),
    place(("+614", "AU"), "Australia/Sydney", &[(WORKING, 9, 20), (&[Saturday], 9, 17)]),
];

pub(super) fn judge(journal: &Journal) -> [Finding; 2] {
    let mut hours = Finding::of("no call outside the hours of place, campaign and tenant");
    let mut holidays = Finding::of("no call on a holiday or a closed day");
    for dial in &journal.dials {
        let look = look(journal, dial.person, (&dial.number, dial.at));
        hours.see(look.is_some_and(|look| look.is_hour), || dial.told());
        holidays.see(look.is_some_and(|look| !look.is_holiday), || dial.told());
    }
    [hours, holidays]
}

#[derive(Clone, Copy)]
struct Look {
    is_hour: bool,
    is_holiday: bool,
}

/// Whether somebody may be called now, by clock and calendar.
pub(super) fn is_open(journal: &Journal, person: usize, (number, at): (&str, Timestamp)) -> bool {
    look(journal, person, (number, at)).is_some_and(|look| look.is_hour && !look.is_holiday)
}

pub(super) fn place_of(number: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| number.starts_with(place.first))
}

fn look(journal: &Journal, person: usize, (number, at): (&str, Timestamp)) -> Option<Look> {
    let (terms, person) = (&journal.terms, journal.terms.people.get(person)?);
    let (campaign, place) = (terms.campaigns.get(person.campaign)?, place_of(number)?);
    let mut all = Look { is_hour: true, is_holiday: false };
    for zone in [place.zone].into_iter().chain(person.zones.iter().map(String::as_str)) {
        let local = TimeZone::get(zone).ok()?.to_datetime(at);
        let (weekday, minute) = (local.weekday(), minute_of(local));
        let is_lawful = place
            .hours
            .iter()
            .any(|(days, from, until)| days.contains(&weekday) && (from * 60..until * 60).contains(&minute));
        let is_wanted = campaign
            .open
            .iter()
            .any(|open| open.days.contains(&weekday) && (open.start..open.end).contains(&minute));
        let is_quiet = terms.quiet.iter().any(|quiet| is_quiet(quiet, weekday, minute));
        all.is_hour &= is_lawful && is_wanted && !is_quiet;
        let day = (local.year(), local.month(), local.day());
        all.is_holiday |= campaign.closed.contains(&day)
            || terms.holidays.iter().filter(|holiday| holiday.day == day).any(|holiday| {
                let is_everybodys = holiday.regions.is_empty() && holiday.zones.is_empty();
                let is_of = |list: &[String], name: &str| list.iter().any(|one| one == name);
                is_everybodys || is_of(&holiday.regions, place.region) || is_of(&holiday.zones, zone)
            });
    }
    Some(all)
}

fn minute_of(local: DateTime) -> u32 {
    u32::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or_default()
}

fn is_quiet(quiet: &Window, weekday: Weekday, minute: u32) -> bool {
    let begins = |day: Weekday| quiet.days.contains(&day);
    if quiet.start < quiet.end {
        return begins(weekday) && (quiet.start..quiet.end).contains(&minute);
    }
    (begins(weekday) && minute >= quiet.start) || (begins(weekday.previous()) && minute < quiet.end)
}
