use proptest::prelude::*;

use super::*;
use crate::campaign::calendar::{Calendar, EMPTY, Holiday, QuietHours};
use crate::campaign::settings::{DayTimes, Hours};

fn window(days: &[&str], start: &str, end: &str) -> DayTimes {
    DayTimes {
        days: days.iter().map(|day| (*day).to_owned()).collect(),
        start: start.into(),
        end: end.into(),
    }
}

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn hours(open: Vec<DayTimes>) -> Hours {
    Hours { open, closed: Vec::new(), unknown_countries: true }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Of a tenant that set nothing.
fn of(hours: &Hours) -> Times<'_> {
    Times { hours, calendar: &EMPTY }
}

fn closed(next: &str, why: Shut) -> Opening {
    Opening::Closed { next: at(next), why }
}

fn check(hours: &Hours, (number, region): (&str, &str), zones: &[&str], now: &str, expected: Opening) {
    let zones: Vec<String> = zones.iter().map(|zone| (*zone).to_owned()).collect();
    let callee = Callee { number: &number.parse().unwrap(), region, zones: &zones };
    assert_eq!(look(of(hours), callee, at(now)), expected, "{number} {now}");
}

const MUMBAI: (&str, &str) = ("+919876543210", "IN");
const NEW_YORK: (&str, &str) = ("+12125550100", "US");
const IDAHO: (&str, &str) = ("+12085550100", "US");
const FLORIDA: (&str, &str) = ("+13055550100", "US");

#[test]
fn both_the_campaign_and_the_place_must_be_open() {
    let early = hours(vec![window(&WEEK, "06:00", "24:00")]);
    // India from 9 to 21, five and a half hours ahead of UTC. 2026-11-30 is a Monday.
    let closed = |next: &str| closed(next, Shut::Hours);
    let open = |until: &str| Opening::Open { until: at(until) };
    check(&early, MUMBAI, &[], "2026-11-30T03:29:59Z", closed("2026-11-30T03:30:00Z"));
    check(&early, MUMBAI, &[], "2026-11-30T03:30:00Z", open("2026-11-30T15:30:00Z"));
    check(&early, MUMBAI, &[], "2026-11-30T15:29:01Z", closed("2026-12-01T03:30:00Z"));
    check(&Hours::default(), MUMBAI, &[], "2026-11-30T14:00:00Z", open("2026-11-30T14:30:00Z"));
    check(&early, NEW_YORK, &[], "2026-12-01T01:30:00Z", open("2026-12-01T02:00:00Z"));
    check(&early, FLORIDA, &[], "2026-12-01T01:30:00Z", closed("2026-12-01T13:00:00Z"));
}

#[test]
fn every_zone_must_be_open() {
    // Boise is at 8 when Los Angeles is at 7; Boise closes at 21, Los Angeles an hour later.
    let always = hours(vec![window(&WEEK, "00:00", "24:00")]);
    check(&always, IDAHO, &[], "2026-11-30T15:30:00Z", closed("2026-11-30T16:00:00Z", Shut::Hours));
    check(&always, IDAHO, &[], "2026-11-30T16:00:00Z", Opening::Open { until: at("2026-12-01T04:00:00Z") });
    // The list says that somebody with a number of Mumbai is in New York: the evening there is the morning here.
    check(
        &always,
        MUMBAI,
        &["America/New_York"],
        "2026-11-30T12:00:00Z",
        closed("2026-11-30T14:00:00Z", Shut::Hours),
    );
}

#[test]
fn what_is_not_known_is_closed() {
    check(&Hours::default(), ("+18005550100", "US"), &[], "2026-11-30T15:00:00Z", Opening::ZoneUnknown);
    check(&Hours::default(), ("+81312345678", "JP"), &[], "2026-11-30T03:00:00Z", Opening::NeedsApproval);
    let approved = Hours { unknown_countries: true, ..Hours::default() };
    check(
        &approved,
        ("+81312345678", "JP"),
        &[],
        "2026-11-30T03:00:00Z",
        Opening::Open { until: at("2026-11-30T09:00:00Z") },
    );
    let sundays = hours(vec![window(&["sun"], "09:00", "18:00")]);
    check(&sundays, ("+442079460958", "GB"), &[], "2026-11-30T12:00:00Z", Opening::Never);
}

#[test]
fn closed_days_are_local() {
    let dated = Hours { closed: vec!["2026-12-01".into()], ..Hours::default() };
    check(&dated, MUMBAI, &[], "2026-11-30T15:00:00Z", closed("2026-12-02T03:30:00Z", Shut::Hours));
    check(&dated, MUMBAI, &[], "2026-12-01T07:00:00Z", closed("2026-12-02T03:30:00Z", Shut::Holiday));
    let yearly = Hours { closed: vec!["12-01".into()], ..Hours::default() };
    check(&yearly, MUMBAI, &[], "2029-12-01T07:00:00Z", closed("2029-12-02T03:30:00Z", Shut::Holiday));
}

fn quiet(days: &[&str], start: &str, end: &str) -> QuietHours {
    QuietHours {
        days: days.iter().map(|day| (*day).to_owned()).collect(),
        start: start.into(),
        end: end.into(),
    }
}

fn holiday(date: &str, countries: &[&str]) -> Holiday {
    let countries = countries.iter().map(|country| (*country).to_owned()).collect();
    Holiday { date: date.into(), name: None, countries, time_zones: Vec::new() }
}

#[test]
fn quiet_hours_and_holidays_of_the_tenant_hold_besides() {
    let hours = Hours::default();
    let calendar = Calendar::of(
        &[quiet(&[], "19:00", "10:00"), quiet(&["mon"], "13:00", "14:00")],
        &[holiday("12-01", &["IN"]), holiday("2026-12-02", &["US"])],
    );
    let check = |(number, region): (&str, &str), now: &str, expected: Opening| {
        let callee = Callee { number: &number.parse().unwrap(), region, zones: &[] };
        assert_eq!(look(Times { hours: &hours, calendar: &calendar }, callee, at(now)), expected, "{now}");
    };
    // A Monday; India is five and a half hours ahead. From 9 to 10 it is quiet, from 13 to 14, and from 19 on.
    check(MUMBAI, "2026-11-30T03:00:00Z", closed("2026-11-30T04:30:00Z", Shut::Hours));
    check(MUMBAI, "2026-11-30T04:00:00Z", closed("2026-11-30T04:30:00Z", Shut::QuietHours));
    check(MUMBAI, "2026-11-30T04:30:00Z", Opening::Open { until: at("2026-11-30T07:30:00Z") });
    check(MUMBAI, "2026-11-30T08:00:00Z", closed("2026-11-30T08:30:00Z", Shut::QuietHours));
    // The first of December is a holiday in India, the second is none there.
    check(MUMBAI, "2026-11-30T13:45:00Z", closed("2026-12-02T04:30:00Z", Shut::QuietHours));
    check(MUMBAI, "2026-12-01T06:00:00Z", closed("2026-12-02T04:30:00Z", Shut::Holiday));
    check(NEW_YORK, "2026-12-01T16:00:00Z", Opening::Open { until: at("2026-12-02T00:00:00Z") });
    check(NEW_YORK, "2026-12-02T16:00:00Z", closed("2026-12-03T15:00:00Z", Shut::Holiday));
}

#[test]
fn whoever_is_closed_for_three_weeks_opens_again() {
    let days: Vec<Holiday> = (1..=21).map(|day| holiday(&format!("12-{day:02}"), &[])).collect();
    let calendar = Calendar::of(&[], &days);
    let (hours, callee) =
        (Hours::default(), Callee { number: &"+919876543210".parse().unwrap(), region: "IN", zones: &[] });
    let looked = look(Times { hours: &hours, calendar: &calendar }, callee, at("2026-12-01T06:00:00Z"));
    assert_eq!(looked, closed("2026-12-22T03:30:00Z", Shut::Holiday));
}

#[test]
fn a_clock_that_jumps_is_taken_the_stricter_way() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let day = |text: &str| text.parse::<Date>().unwrap();
    // 8 March 2026 has no 02:30; 1 November has 01:30 twice.
    let (spring, autumn) = (day("2026-03-08"), day("2026-11-01"));
    assert_eq!(opening(&zone, spring, 150), Some(at("2026-03-08T07:00:00Z")));
    assert_eq!(closing(&zone, spring, 150), Some(at("2026-03-08T07:00:00Z")));
    assert_eq!(opening(&zone, autumn, 90), Some(at("2026-11-01T06:30:00Z")));
    assert_eq!(closing(&zone, autumn, 90), Some(at("2026-11-01T05:30:00Z")));
    assert_eq!(closing(&zone, autumn, 24 * 60), Some(at("2026-11-02T05:00:00Z")));
}

/// The slow way: every five minutes around a day the wall clock is read. An opening is just after the last time that shows less, a closing
/// is the first time that does not.
fn walls(zone: &TimeZone, around: Timestamp) -> Vec<(Timestamp, DateTime)> {
    let start = around.as_second() / 300 * 300 - 50 * 3_600;
    let steps = (0..1_200).map(|step| Timestamp::from_second(start + step * 300).unwrap());
    steps.map(|instant| (instant, zone.to_datetime(instant))).collect()
}

/// What the tenant set, as it is, for the slow way.
struct Tenant {
    quiet: QuietHours,
    /// A day of every year.
    holiday: Date,
}

/// Quiet from the first time that the clock does not show less than the start, until the last time that it shows less than the end.
fn is_quiet_the_slow_way(
    walls: &[(Timestamp, DateTime)],
    (quiet, day): (&QuietHours, Date),
    now: Timestamp,
) -> bool {
    let (start, end) = (minutes(&quiet.start).unwrap(), minutes(&quiet.end).unwrap());
    let ends_on = if end > start { day } else { day.tomorrow().unwrap() };
    let (start, end) = (wall(day, start).unwrap(), wall(ends_on, end).unwrap());
    let has_day = quiet.days.iter().any(|name| weekday(name) == Some(day.weekday()));
    let began = walls.iter().find(|(_, wall)| *wall >= start);
    let ends = walls.iter().rev().find(|(_, wall)| *wall < end);
    has_day && began.is_some_and(|(at, _)| *at <= now) && ends.is_some_and(|(at, _)| now <= *at)
}

fn is_open_the_slow_way(
    zone: &TimeZone,
    (hours, tenant): (&Hours, &Tenant),
    callee: Callee<'_>,
    now: Timestamp,
) -> bool {
    let walls = walls(zone, now);
    let today = zone.to_datetime(now).date();
    let days = [today.yesterday().unwrap(), today, today.tomorrow().unwrap()];
    if days.iter().any(|day| is_quiet_the_slow_way(&walls, (&tenant.quiet, *day), now)) {
        return false;
    }
    let is_holiday = |day: &Date| (day.month(), day.day()) == (tenant.holiday.month(), tenant.holiday.day());
    days.into_iter().filter(|day| !is_holiday(day)).any(|day| {
        let place = places::of(callee.number, callee.region, day);
        let law = place.open.iter().filter(|span| span.days.contains(&day.weekday()));
        law.flat_map(|law| hours.open.iter().map(move |window| (law, window))).any(|(law, window)| {
            let has_day = window.days.iter().any(|name| weekday(name) == Some(day.weekday()));
            let start = wall(day, minutes(&window.start).unwrap().max(law.start)).unwrap();
            let end = wall(day, minutes(&window.end).unwrap().min(law.end)).unwrap();
            let opened = walls.iter().rev().find(|(_, wall)| *wall < start).unwrap().0;
            let closed = walls.iter().find(|(_, wall)| *wall >= end).unwrap().0;
            has_day && start < end && opened < now && now < closed
        })
    })
}

/// Instants around the changes of a zone's clock in three years, and some others.
fn interesting(zone: &TimeZone) -> Vec<Timestamp> {
    let (from, until) = (at("2025-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z"));
    let changes = zone.following(from).map(|change| change.timestamp()).take_while(|change| *change < until);
    let mut found: Vec<Timestamp> = changes.take(6).collect();
    found.push(at("2026-07-15T12:00:00Z"));
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 88, failure_persistence: None, ..ProptestConfig::default() })]

    /// No call is begun where the slow way finds the clock closed, in any zone, around every change of its clock.
    #[test]
    fn nobody_is_called_at_the_wrong_hour(zone in 0usize..1_000, start in 0u32..250, long in 1u32..200, near in -500i64..500, day in 0usize..7, quiet_from in 0u32..288, quiet_for in 1u32..200, holiday_in in 0i64..12) {
        let names = zones::names();
        let name = names[zone % names.len()];
        let zone = TimeZone::get(name).unwrap();
        let text = |at: u32| format!("{:02}:{:02}", at * 5 / 60, at * 5 % 60);
        let hours = hours(vec![
            window(&WEEK, &text(start), &text((start + long).min(288))),
            window(&[WEEK[day]], "00:00", "24:00"),
        ]);
        // Over midnight or not. The holiday is near the change of the clock, most often.
        let quiet = quiet(&["sun", WEEK[day], "thu"], &text(quiet_from), &text((quiet_from + quiet_for) % 288));
        // A number that the table does not know, in this one zone.
        let told = [name.to_owned()];
        let callee = Callee { number: &"+999123456".parse().unwrap(), region: "US", zones: &told };
        for change in &interesting(&zone) {
            let now = Timestamp::from_second(change.as_second() / 300 * 300 + near * 300).unwrap();
            let holiday_on = zone.to_datetime(*change).date().checked_add((holiday_in - 2).days()).unwrap();
            let calendar = Calendar::of(
                std::slice::from_ref(&quiet),
                &[holiday(&format!("{:02}-{:02}", holiday_on.month(), holiday_on.day()), &[])],
            );
            let tenant = Tenant { quiet: quiet.clone(), holiday: holiday_on };
            let of_both = (&hours, &tenant);
            let times = Times { hours: &hours, calendar: &calendar };
            let slow = is_open_the_slow_way(&zone, of_both, callee, now);
            let fast = look(times, callee, now);
            prop_assert_eq!(matches!(fast, Opening::Open { .. }), slow, "{} {} {:?}", name, now, fast);
            if let Opening::Closed { next, .. } = fast {
                prop_assert!(next > now && is_open_the_slow_way(&zone, of_both, callee, next), "{} {} {}", name, now, next);
            }
            if let Opening::Open { until } = fast {
                prop_assert!(until > now && !is_open_the_slow_way(&zone, of_both, callee, until), "{} {} {}", name, now, until);
            }
        }
    }
}
