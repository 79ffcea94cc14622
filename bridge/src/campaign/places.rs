//! What the law of a place says about when and how often a machine may ring. Data with dates, not code: engineering defaults that an
//! operator's counsel confirms, see `docs/campaigns.md`. A row ends when its law does, and its follower begins on that day.

use jiff::civil::{Date, Weekday, date};
use vox_shared::phone::Number;

/// Minutes after midnight on some days of the week, local.
pub struct Span {
    pub days: &'static [Weekday],
    pub start: u32,
    pub end: u32,
}

/// The rules of one place.
pub struct Place {
    /// In proofs and reports, with `version`.
    pub id: &'static str,
    /// One more with each change of the row.
    pub version: u32,
    /// Countries, two letters.
    regions: &'static [&'static str],
    /// First digits, with `+`; a place that names some goes before its country.
    prefixes: &'static [&'static str],
    /// The first day of the law, and the first day after it.
    from: Date,
    until: Option<Date>,
    pub open: &'static [Span],
    /// Rings of one number in 24 hours, at most.
    pub number_day: Option<u32>,
    /// Nobody here has looked at the law: somebody must say that calls may go there.
    pub needs_approval: bool,
}

use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

const ALL_DAYS: &[Weekday] = &[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];
const WEEK_DAYS: &[Weekday] = &[Monday, Tuesday, Wednesday, Thursday, Friday];
const ALWAYS: Date = date(2000, 1, 1);

const fn span(days: &'static [Weekday], start_hour: u32, end_hour: u32) -> Span {
    Span { days, start: start_hour * 60, end: end_hour * 60 }
}

const fn place(id: &'static str, regions: &'static [&'static str], open: &'static [Span]) -> Place {
    Place {
        id,
        version: 1,
        regions,
        prefixes: &[],
        from: ALWAYS,
        until: None,
        open,
        number_day: None,
        needs_approval: false,
    }
}

/// Area codes of states that close an hour earlier.
const FLORIDA: &[&str] = &[
    "+1239", "+1305", "+1321", "+1324", "+1352", "+1386", "+1407", "+1448", "+1561", "+1645", "+1656",
    "+1689", "+1727", "+1728", "+1754", "+1772", "+1786", "+1813", "+1850", "+1863", "+1904", "+1941",
    "+1954",
];
const OKLAHOMA: &[&str] = &["+1405", "+1539", "+1572", "+1580", "+1918"];
const WASHINGTON: &[&str] = &["+1206", "+1253", "+1360", "+1425", "+1509", "+1564"];
const EUROPEAN_UNION: &[&str] = &[
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "AX", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Every place. Those with prefixes come first.
pub static PLACES: &[Place] = &[
    Place { prefixes: FLORIDA, number_day: Some(3), ..place("us-fl", &["US"], &[span(ALL_DAYS, 8, 20)]) },
    Place { prefixes: OKLAHOMA, number_day: Some(3), ..place("us-ok", &["US"], &[span(ALL_DAYS, 8, 20)]) },
    Place { prefixes: WASHINGTON, ..place("us-wa", &["US"], &[span(ALL_DAYS, 8, 20)]) },
    place("us", &["US", "PR", "VI", "GU", "MP", "AS"], &[span(ALL_DAYS, 8, 21)]),
    place(
        "ca",
        &["CA"],
        &[Span { days: WEEK_DAYS, start: 9 * 60, end: 21 * 60 + 30 }, span(&[Saturday, Sunday], 10, 18)],
    ),
    place("gb", &["GB", "GG", "JE", "IM"], &[span(WEEK_DAYS, 9, 20)]),
    place("fr", &["FR"], &[span(WEEK_DAYS, 10, 13), span(WEEK_DAYS, 14, 20)]),
    place("eu", EUROPEAN_UNION, &[span(WEEK_DAYS, 9, 20), span(&[Saturday], 10, 18)]),
    place("in", &["IN"], &[span(ALL_DAYS, 9, 21)]),
    place("au", &["AU"], &[span(WEEK_DAYS, 9, 20), span(&[Saturday], 9, 17)]),
];

/// A country that no row knows.
static ELSEWHERE: Place =
    Place { number_day: Some(1), needs_approval: true, ..place("unknown", &[], &[span(WEEK_DAYS, 9, 18)]) };

/// The rules for a number on a day: those of its prefix before those of its country.
pub fn of(number: &Number, region: &str, on: Date) -> &'static Place {
    let holds = |place: &&Place| place.from <= on && place.until.is_none_or(|until| on < until);
    let here = |place: &&Place| {
        place.regions.contains(&region)
            && (place.prefixes.is_empty()
                || place.prefixes.iter().any(|prefix| number.as_str().starts_with(prefix)))
    };
    PLACES.iter().filter(holds).find(here).unwrap_or(&ELSEWHERE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, region: &str, expected: &str) {
        assert_eq!(of(&number.parse().unwrap(), region, date(2026, 11, 30)).id, expected, "{number}");
    }

    #[test]
    fn a_state_goes_before_its_country() {
        check("+13055550100", "US", "us-fl");
        check("+12125550100", "US", "us");
        check("+919876543210", "IN", "in");
        check("+4930902270", "DE", "eu");
        check("+31201234567", "NL", "eu");
        check("+81312345678", "JP", "unknown");
    }

    #[test]
    fn rows_say_something() {
        for place in PLACES.iter().chain([&ELSEWHERE]) {
            assert!(
                place.open.iter().all(|span| span.start < span.end && span.end <= 24 * 60),
                "{}",
                place.id
            );
            assert!(place.until.is_none_or(|until| place.from < until), "{}", place.id);
            assert!(!place.open.is_empty() && place.version > 0, "{}", place.id);
        }
    }
}
