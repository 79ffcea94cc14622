//! What the values of a column look like.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::super::phone;
use super::super::zones::is_zone;

/// Of this share of a column's values it is said what they are, in hundredths.
const MOST: usize = 80;

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Phone,
    Zone,
    Date,
    Email,
    Other,
}

/// What most values of a column are. Empty ones are not looked at.
pub fn of<'a>(values: impl Iterator<Item = &'a str> + Clone, region: Option<&str>) -> Shape {
    let values = values.map(str::trim).filter(|value| !value.is_empty());
    let total = values.clone().count();
    let most = |is: &dyn Fn(&str) -> bool| {
        total > 0 && values.clone().filter(|value| is(value)).count() * 100 >= total * MOST
    };
    if most(&|value| is_phone(value, region)) {
        Shape::Phone
    } else if most(&is_zone) {
        Shape::Zone
    } else if most(&|value| instant(value).is_some()) {
        Shape::Date
    } else if most(&is_email) {
        Shape::Email
    } else {
        Shape::Other
    }
}

/// Whether a value is a phone, be it one that may not be rung. One that a spreadsheet damaged is one: its rows are refused with a reason,
/// instead of its column not being found.
pub fn is_phone(value: &str, region: Option<&str>) -> bool {
    match phone::read(value, region) {
        Ok(_) | Err(phone::PhoneFault::NotCallable | phone::PhoneFault::DamagedBySpreadsheet) => true,
        Err(phone::PhoneFault::NoCountry) => {
            (8..=15).contains(&value.bytes().filter(u8::is_ascii_digit).count())
        }
        Err(_) => false,
    }
}

fn is_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// An instant of a cell: RFC 3339, or a date, which is meant to its end in UTC.
pub fn instant(value: &str) -> Option<Timestamp> {
    let value = value.trim();
    if let Ok(instant) = value.parse() {
        return Some(instant);
    }
    let day: Date = if value.len() == 10 { value.parse().ok()? } else { return None };
    TimeZone::UTC.to_ambiguous_timestamp(day.tomorrow().ok()?.at(0, 0, 0, 0)).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_what_most_of_its_values_are() {
        let of = |values: &[&str]| of(values.iter().copied(), Some("IN"));
        assert_eq!(of(&["9876543210", "09812345678", "", "+14155552671", "9.18E+11", "n/a"]), Shape::Phone);
        assert_eq!(of(&["9876543210", "x", "y"]), Shape::Other);
        assert_eq!(of(&["Asia/Kolkata", "Europe/Berlin"]), Shape::Zone);
        assert_eq!(of(&["2026-12-01", "2026-12-01T10:00:00Z"]), Shape::Date);
        assert_eq!(of(&["a@b.example"]), Shape::Email);
        assert_eq!(of(&["", " "]), Shape::Other);
        assert_eq!(of(&[]), Shape::Other);
    }

    #[test]
    fn a_date_is_meant_to_its_end() {
        assert_eq!(instant("2026-12-01"), Some("2026-12-02T00:00:00Z".parse().unwrap()));
        assert_eq!(instant(" 2026-12-01T10:00:00+05:30 "), Some("2026-12-01T04:30:00Z".parse().unwrap()));
        assert_eq!((instant("soon"), instant("01.12.2026")), (None, None));
    }
}
