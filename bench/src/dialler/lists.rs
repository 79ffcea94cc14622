//! A list of people as a CRM exports it: names, numbers of several countries in several ways to write them, and a few rows that cannot
//! be taken. Nobody is called.

use vox_testkit::vendor::Dice;

/// What numbers begin with, the country's code first, and the digits that follow. Mobile numbers, but for America's.
const PLACES: [(&str, &str, u32); 10] = [
    ("91", "981", 7),
    ("91", "987", 7),
    ("91", "998", 7),
    ("1", "2125", 6),
    ("44", "71", 8),
    ("49", "1511", 7),
    ("33", "61", 7),
    ("34", "61", 7),
    ("55", "119", 8),
    ("61", "41", 7),
];
/// The code of the country of the campaign's `region`, whose numbers come without it too.
const HOME: &str = "91";
/// Of so many rows one is somebody who stood above, one has a number that a spreadsheet rounded, and one has none.
const ODD_EVERY: u32 = 1_000;
const AGAIN_AT: u32 = 999;
const ROUNDED_AT: u32 = 499;
const NONE_AT: u32 = 249;

const FIRST_NAMES: [&str; 8] = ["Asha", "Ravi", "Jürgen", "Chloé", "José", "Mary", "आशा", "Olu"];
const LAST_NAMES: [&str; 6] = ["Patel", "O'Neil", "Müller", "\"Smith, Jr.\"", "García", "Singh"];
const CITIES: [&str; 6] = ["Pune", "New York", "Köln", "São Paulo", "Lyon", "Leeds"];

/// A file, and what must come of it.
#[derive(Debug)]
pub(super) struct List {
    pub csv: String,
    pub created: u64,
    pub duplicate: u64,
    pub rounded: u64,
    pub no_phone: u64,
}

/// So many rows of this seed.
pub(super) fn list(seed: u64, rows: u32) -> List {
    let mut dice = Dice::new(seed);
    let start = dice.roll();
    let mut csv = String::from("Phone,Name,City,Amount,Order,Due on,Language\r\n");
    let mut list = List { csv: String::new(), created: 0, duplicate: 0, rounded: 0, no_phone: 0 };
    for row in 0..rows {
        let phone = match row % ODD_EVERY {
            AGAIN_AT => {
                list.duplicate += 1;
                // In another form than above, most of the time.
                phone(start, row - 1, row)
            }
            ROUNDED_AT => {
                list.rounded += 1;
                "9.1981E+11".to_owned()
            }
            NONE_AT => {
                list.no_phone += 1;
                String::new()
            }
            _ => {
                list.created += 1;
                phone(start, row, dice.roll() as u32)
            }
        };
        let mut pick = |of: &[&'static str]| of[dice.roll() as usize % of.len()];
        let (first, last, city) = (pick(&FIRST_NAMES), pick(&LAST_NAMES), pick(&CITIES));
        let name = match last.strip_prefix('"') {
            Some(rest) => format!("\"{first} {rest}"),
            None => format!("{first} {last}"),
        };
        let (amount, cents, day) = (dice.up_to(9_999), dice.up_to(99), 1 + dice.up_to(27));
        let language = if row % 3 == 0 { "hi" } else { "en" };
        csv.push_str(&format!(
            "{phone},{name},{city},{amount}.{cents:02},A-{row:06},2026-12-{day:02},{language}\r\n"
        ));
    }
    List { csv, ..list }
}

/// Everybody's number, once each, written in one of a few ways.
fn phone(start: u64, person: u32, way: u32) -> String {
    let (code, prefix, digits) = PLACES[person as usize % PLACES.len()];
    let room = 10_u64.pow(digits);
    // Odd and no multiple of five: of a place, no two people have the same digits.
    let rest = (start % room + u64::from(person / PLACES.len() as u32) * 7_919) % room;
    let rest = format!("{rest:0width$}", width = digits as usize);
    let (head, tail) = rest.split_at(rest.len() / 2);
    match way % 5 {
        0 => format!("+{code} {prefix} {head} {tail}"),
        1 => format!("00{code}{prefix}{rest}"),
        2 if code == HOME => format!("0{prefix}{rest}"),
        3 if code == HOME => format!("{prefix}-{head}-{tail}"),
        _ => format!("+{code}{prefix}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_stands_there_once_but_for_those_who_are_meant_to_again() {
        let list = list(7, 20_000);
        assert_eq!(list.csv, super::list(7, 20_000).csv, "a run can be repeated");
        assert_ne!(list.csv, super::list(8, 20_000).csv);
        assert_eq!((list.created, list.duplicate, list.rounded, list.no_phone), (19_940, 20, 20, 20));
        // Without their codes, as one that is written at home has none.
        let bare = |line: &str| {
            let cell = line.split(',').next().unwrap();
            let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
            digits.trim_start_matches('0').trim_start_matches(HOME).to_owned()
        };
        let numbers: BTreeSet<String> = list.csv.lines().skip(1).map(bare).collect();
        // And the one that is rounded, and the one that is not there.
        assert_eq!(numbers.len(), 19_940 + 2);
    }
}
