//! In which time zones a number may be, by its first digits (`prefixes.tsv`, made by `scripts/phone-data.py`).

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use vox_shared::phone::Number;

/// Of more zones than these nothing is known: they are those of a whole continent.
pub const MAX_ZONES: usize = 6;
/// Longest prefix of the table, digits.
const MAX_PREFIX: usize = 9;

static ZONES: LazyLock<HashMap<&'static str, &'static [&'static str]>> = LazyLock::new(|| {
    let mut zones = HashMap::new();
    for line in include_str!("zones/prefixes.tsv").lines().filter(|line| !line.starts_with('#')) {
        let Some((names, prefixes)) = line.split_once('\t') else { continue };
        // Once for the life of the process.
        let names: &'static [&'static str] = names.split(',').collect::<Vec<_>>().leak();
        zones.extend(prefixes.split(' ').map(|prefix| (prefix, names)));
    }
    zones
});

/// The zones in which a number in E.164 may be; none where the table does not know it.
pub fn of_number(number: &Number) -> &'static [&'static str] {
    let digits = number.as_str().trim_start_matches('+');
    let longest = (1..=MAX_PREFIX.min(digits.len())).rev();
    longest.filter_map(|length| ZONES.get(digits.get(..length)?)).next().copied().unwrap_or_default()
}

/// Why it is not known which zones somebody is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// All zones in which somebody may be: those of the number and those that the list says. None, more than [`MAX_ZONES`], or one of
/// another name than the table of time zones has, are as good as unknown.
pub fn all(number: &Number, told: &[String]) -> Result<Vec<TimeZone>, Unknown> {
    let mut names: Vec<&str> =
        of_number(number).iter().copied().chain(told.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.len() > MAX_ZONES {
        return Err(Unknown);
    }
    names.into_iter().map(|name| TimeZone::get(name).map_err(|_| Unknown)).collect()
}

/// Zones that have another name in the table of prefixes, or in older lists, than they have now.
const RENAMED: &[(&str, &str)] = &[
    ("Africa/Asmera", "Africa/Asmara"),
    ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    ("America/Godthab", "America/Nuuk"),
    ("Asia/Calcutta", "Asia/Kolkata"),
    ("Asia/Choibalsan", "Asia/Ulaanbaatar"),
    ("Asia/Katmandu", "Asia/Kathmandu"),
    ("Asia/Rangoon", "Asia/Yangon"),
    ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
    ("Atlantic/Faeroe", "Atlantic/Faroe"),
    ("Europe/Kiev", "Europe/Kyiv"),
    ("Pacific/Enderbury", "Pacific/Kanton"),
    ("Pacific/Ponape", "Pacific/Pohnpei"),
    ("Pacific/Truk", "Pacific/Chuuk"),
];

/// The name that a zone has now.
pub fn present_name(name: &str) -> &str {
    RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, present)| present)
}

/// Whether there is a zone of that name.
pub fn is_zone(name: &str) -> bool {
    name.contains('/') && TimeZone::get(name).is_ok()
}

/// All zones of the table.
#[cfg(test)]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = ZONES.values().flat_map(|names| names.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, expected: &[&str]) {
        assert_eq!(of_number(&number.parse().unwrap()), expected, "{number}");
    }

    #[test]
    fn the_longest_prefix_counts() {
        check("+919876543210", &["Asia/Calcutta"]);
        check("+12125550100", &["America/New_York"]);
        check("+12085550100", &["America/Boise", "America/Los_Angeles"]);
        check("+999123", &[]);
    }

    #[test]
    fn every_zone_is_in_the_table_of_time_zones() {
        let names = names();
        assert!(names.len() > 250, "{}", names.len());
        let unknown: Vec<_> = names.into_iter().filter(|name| TimeZone::get(name).is_err()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn a_renamed_zone_is_the_same_one() {
        let at =
            |name: &str| TimeZone::get(name).unwrap().to_datetime("2026-07-15T12:00:00Z".parse().unwrap());
        for (old, present) in RENAMED {
            assert_eq!(at(old), at(present), "{old}");
            assert_eq!(present_name(old), *present);
        }
        assert_eq!(present_name("Europe/Berlin"), "Europe/Berlin");
    }

    #[test]
    fn what_may_be_anywhere_is_unknown() {
        let all = |number: &str, told: &[&str]| {
            let told: Vec<String> = told.iter().map(|zone| (*zone).to_owned()).collect();
            all(&number.parse().unwrap(), &told).map(|zones| zones.len())
        };
        assert_eq!(all("+18005550100", &[]), Err(Unknown), "800 is the whole of North America");
        assert_eq!(all("+999123", &[]), Err(Unknown));
        assert_eq!(all("+999123", &["Europe/Berlin"]), Ok(1));
        assert_eq!(all("+12125550100", &["Europe/Berlin"]), Ok(2), "the number and the list must both agree");
        assert_eq!(all("+12125550100", &["Mars/Base"]), Err(Unknown));
    }
}
