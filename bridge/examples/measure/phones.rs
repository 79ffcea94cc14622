//! Numbers of lists, as people and spreadsheets write them, read one after the other: how many a core reads in a second.

use std::hint::black_box;
use std::time::{Duration, Instant};

use vox_bridge::campaign::phone;

use crate::report::{Bound, Row};

/// Country and text, and what is not looked at here.
const FORMS: &str = include_str!("../../src/campaign/phone/forms.tsv");
/// An import is not to wait for it.
const LEAST_PER_SECOND: f64 = 300_000.0;

/// Every form of the set, again and again for so long.
pub fn read(time: Duration) -> Row {
    let forms: Vec<(&str, &str)> = FORMS.lines().filter_map(form).collect();
    // The plans of all countries are read once, with the first number.
    let good = good(&forms);
    let (began, mut rounds) = (Instant::now(), 0_u32);
    while rounds == 0 || began.elapsed() < time {
        black_box(self::good(&forms));
        rounds += 1;
    }
    let (count, seconds) = (forms.len() as f64, began.elapsed().as_secs_f64());
    let figures = vec![
        ("per_second", f64::from(rounds) * count / seconds),
        ("forms", count),
        ("can_be_rung_percent", 100.0 * good as f64 / count),
    ];
    Row { what: "numbers of lists, read on one core".into(), figures, target: None }
        .aims("per_second", Bound::AtLeast(LEAST_PER_SECOND))
}

fn form(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.split('\t').filter(|_| !line.starts_with('#'));
    Some((cells.next()?, cells.next()?))
}

/// How many of them can be rung.
fn good(forms: &[(&str, &str)]) -> usize {
    forms.iter().filter(|(region, text)| phone::read(black_box(*text), Some(*region)).is_ok()).count()
}
