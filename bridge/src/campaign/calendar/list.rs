//! Holidays as people keep them: a line for each.

use super::{Day, Holiday, MAX_HOLIDAYS};
use crate::campaign::settings::is_region;
use crate::campaign::zones;

/// Faults after which the rest is not read.
const MOST_FAULTS: usize = 100;

/// A line that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// From 1.
    pub line: usize,
    /// What to do.
    pub told: String,
}

/// Read a list: in each line a date, and behind it in any order countries of two letters, time zones and a name, with commas, semicolons or
/// tabs between them. Empty lines and those that begin with `#` are passed over, and so is a first line whose first cell is `date`. Of a list
/// that is too long, or wrong throughout, the end is not read.
pub fn read_list(text: &str) -> Result<Vec<Holiday>, Vec<LineFault>> {
    let (mut holidays, mut faults) = (Vec::new(), Vec::new());
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if faults.len() == MOST_FAULTS || holidays.len() > MAX_HOLIDAYS {
            break;
        }
        let line = line.trim();
        let mut cells = line.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"').trim());
        let first = cells.next().unwrap_or_default();
        if line.is_empty() || line.starts_with('#') || (at == 0 && first.eq_ignore_ascii_case("date")) {
            continue;
        }
        if Day::parse(first).is_none() {
            let told = "must begin with a date, like 2026-12-25, or 12-25 for every year".to_owned();
            faults.push(LineFault { line: at + 1, told });
            continue;
        }
        let mut holiday =
            Holiday { date: first.to_owned(), name: None, countries: Vec::new(), time_zones: Vec::new() };
        let mut name: Vec<&str> = Vec::new();
        for cell in cells.filter(|cell| !cell.is_empty()) {
            if is_region(cell) {
                holiday.countries.push(cell.to_owned());
            } else if zones::is_zone(cell) {
                holiday.time_zones.push(cell.to_owned());
            } else {
                name.push(cell);
            }
        }
        holiday.name = (!name.is_empty()).then(|| name.join(", "));
        match holiday.faults("").into_iter().next() {
            Some(fault) => {
                let told = format!("{}: {}", fault.path.trim_start_matches('.'), fault.message);
                faults.push(LineFault { line: at + 1, told });
            }
            None => holidays.push(holiday),
        }
    }
    if faults.is_empty() { Ok(holidays) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_people_keep_it() {
        let text = "\u{feff}date;country;name\r\n# movable\n2026-04-06;DE;AT;Easter Monday\n\n12-25\t\"Christmas\"\n10-02, Asia/Kolkata, Gandhi, Birthday\n";
        let read = read_list(text).unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|one| {
                (one.date.as_str(), one.countries.join(" "), one.time_zones.join(" "), one.name.as_deref())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("2026-04-06", "DE AT".to_owned(), String::new(), Some("Easter Monday")),
                ("12-25", String::new(), String::new(), Some("Christmas")),
                ("10-02", String::new(), "Asia/Kolkata".to_owned(), Some("Gandhi, Birthday")),
            ]
        );
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let faults = read_list("12-25\n25.12.2026\n\n2026-02-30;DE").unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 4]);
    }
}
