//! Numbers in what was said, in digits and in words: English, Hindi in its own letters and in Latin ones, by hundred, thousand, lakh
//! and crore. A number is read as far as it goes: "five hundred" in "one thousand five hundred" is none of its own.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::Words;
use vox_shared::numerals::{ENGLISH, HINDI, TENS};

/// Hundredths, so that paise and cents are exact.
pub type Hundredths = i64;

const ONE: i64 = 100;
/// Beyond this nobody means money.
const MOST: i64 = 1_000_000_000_000_000;

/// What a word is in a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// Below a hundred.
    Small(i64),
    Digits(i64),
    Hundred,
    /// Thousand, lakh, crore.
    Unit(i64),
    /// Half more, a quarter more, a quarter less than what follows.
    Shift(i64),
    And,
}

static PARTS: LazyLock<HashMap<String, Part>> = LazyLock::new(|| {
    let mut parts = HashMap::new();
    let mut put = |word: &str, part: Part| {
        // What is two words is no word.
        if let [word] = Words::of(word).list() {
            parts.insert(word.clone(), part);
        }
    };
    for (n, word) in (0..).zip(ENGLISH) {
        put(word, Part::Small(n));
    }
    for (n, word) in (0..).zip(TENS).skip(2) {
        put(word, Part::Small(n * 10));
    }
    for (n, word) in (0..).zip(HINDI) {
        put(word, Part::Small(n));
    }
    for (word, n) in OTHER_SMALL {
        put(word, Part::Small(*n));
    }
    for (word, part) in LARGE {
        put(word, *part);
    }
    parts
});

/// Other ways in which recognisers write small numbers. Words that mean something else as well ("do", "so") are left out.
const OTHER_SMALL: &[(&str, i64)] = &[
    ("forty", 40),
    ("fourty", 40),
    ("छः", 6),
    ("छे", 6),
    ("पन्द्रह", 15),
    ("अट्ठारह", 18),
    ("ek", 1),
    ("teen", 3),
    ("char", 4),
    ("chaar", 4),
    ("panch", 5),
    ("paanch", 5),
    ("chhe", 6),
    ("chhah", 6),
    ("saat", 7),
    ("aath", 8),
    ("nau", 9),
    ("das", 10),
    ("gyarah", 11),
    ("barah", 12),
    ("terah", 13),
    ("chaudah", 14),
    ("pandrah", 15),
    ("solah", 16),
    ("satrah", 17),
    ("atharah", 18),
    ("bees", 20),
    ("pachees", 25),
    ("pachis", 25),
    ("tees", 30),
    ("chalis", 40),
    ("chaalis", 40),
    ("pachas", 50),
    ("pachaas", 50),
    ("sattar", 70),
    ("assi", 80),
    ("nabbe", 90),
];
const LARGE: &[(&str, Part)] = &[
    ("hundred", Part::Hundred),
    ("सौ", Part::Hundred),
    ("sau", Part::Hundred),
    ("thousand", Part::Unit(1_000)),
    ("हज़ार", Part::Unit(1_000)),
    ("hazar", Part::Unit(1_000)),
    ("hazaar", Part::Unit(1_000)),
    ("hajar", Part::Unit(1_000)),
    ("hajaar", Part::Unit(1_000)),
    ("lakh", Part::Unit(100_000)),
    ("lakhs", Part::Unit(100_000)),
    ("lac", Part::Unit(100_000)),
    ("लाख", Part::Unit(100_000)),
    ("million", Part::Unit(1_000_000)),
    ("crore", Part::Unit(10_000_000)),
    ("crores", Part::Unit(10_000_000)),
    ("करोड़", Part::Unit(10_000_000)),
    ("साढ़े", Part::Shift(50)),
    ("sadhe", Part::Shift(50)),
    ("saadhe", Part::Shift(50)),
    ("सवा", Part::Shift(25)),
    ("sava", Part::Shift(25)),
    ("sawa", Part::Shift(25)),
    ("पौने", Part::Shift(-25)),
    ("paune", Part::Shift(-25)),
    ("and", Part::And),
];
/// One and a half, two and a half.
const HALVES: &[(&str, i64)] = &[("डेढ़", 150), ("dedh", 150), ("ढाई", 250), ("dhai", 250), ("adhai", 250)];

/// A number that is being said.
#[derive(Debug, Default)]
struct Saying {
    total: i64,
    group: Option<i64>,
    /// What comes next decides whether the group goes on: after "twenty" a unit, after "hundred" anything below.
    room: i64,
    shift: Option<i64>,
    /// Single digits, one by one: "nine eight seven".
    digits: Vec<i64>,
}

/// The numbers in a text, whole ones.
pub fn numbers(words: &Words) -> Vec<Hundredths> {
    let (mut found, mut saying) = (Vec::new(), Saying::default());
    for (place, word) in words.list().iter().enumerate() {
        let next = words.list().get(place + 1);
        match part(word, next) {
            Some(Part::And) if saying.is_open() => {}
            Some(part) => saying.take(part, &mut found),
            None => saying.end(&mut found),
        }
    }
    saying.end(&mut found);
    found
}

/// A text that is a number and nothing else: `1500`, `₹1,500.50`, `1500/-`.
pub fn read(text: &str) -> Option<Hundredths> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '₹' | '$' | '€' | '£')).collect();
    let plain = plain
        .trim_end_matches("/-")
        .trim_start_matches("Rs.")
        .trim_start_matches("Rs")
        .trim_start_matches("INR");
    decimal(plain)
}

fn part(word: &str, next: Option<&String>) -> Option<Part> {
    if let Some(hundredths) = decimal(word) {
        return Some(Part::Digits(hundredths));
    }
    if let Some((_, half)) = HALVES.iter().find(|(half, _)| Words::of(half).list() == [word]) {
        return Some(Part::Digits(*half));
    }
    // In Latin letters "do" is two only before what it counts.
    let counts = |next: &String| matches!(PARTS.get(next), Some(Part::Hundred | Part::Unit(_)));
    if word == "do" && next.is_some_and(counts) {
        return Some(Part::Small(2));
    }
    PARTS.get(word).copied()
}

/// Digits with two places behind the dot at most.
fn decimal(text: &str) -> Option<Hundredths> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 13 || behind.len() > 2 || !digits(whole) || !digits(behind) {
        return None;
    }
    let behind: i64 = format!("{behind:0<2}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * ONE + behind)
}

impl Saying {
    fn is_open(&self) -> bool {
        self.group.is_some() || self.total > 0
    }

    fn take(&mut self, part: Part, found: &mut Vec<Hundredths>) {
        match part {
            Part::Small(n) => self.small(n * ONE, found),
            Part::Digits(hundredths) => {
                if self.group.is_some() && hundredths >= self.room {
                    self.end(found);
                }
                self.group = Some(self.group.unwrap_or(0) + hundredths);
                self.room = 0;
            }
            Part::Hundred => self.times(100, found),
            Part::Unit(worth) => {
                self.times(worth, found);
                self.total = (self.total + self.group.take().unwrap_or(0)).min(MOST);
                self.room = worth * ONE;
            }
            Part::Shift(quarter) => {
                self.end(found);
                self.shift = Some(quarter);
            }
            Part::And => self.end(found),
        }
    }

    fn small(&mut self, value: i64, found: &mut Vec<Hundredths>) {
        let fits = self.group.is_none() || value < self.room;
        let digit_by_digit = !fits
            && value < 10 * ONE
            && self.total == 0
            && (!self.digits.is_empty() || self.group < Some(10 * ONE));
        if !fits && !digit_by_digit {
            self.end(found);
        }
        if digit_by_digit {
            if self.digits.is_empty() {
                self.digits.extend(self.group);
            }
            self.digits.push(value);
            self.group = Some(value);
            return;
        }
        // Twenty leaves room for one to nine, and a number below ten for nothing.
        self.room = if value >= 20 * ONE && value % (10 * ONE) == 0 { 10 * ONE } else { 0 };
        self.group = Some(self.group.unwrap_or(0) + value + self.shift.take().unwrap_or(0));
    }

    fn times(&mut self, worth: i64, found: &mut Vec<Hundredths>) {
        if !self.digits.is_empty() {
            self.end(found);
        }
        let counted = self.group.unwrap_or(ONE + self.shift.take().unwrap_or(0));
        self.group = Some(counted.saturating_mul(worth).min(MOST));
        self.room = worth * ONE;
    }

    fn end(&mut self, found: &mut Vec<Hundredths>) {
        let saying = std::mem::take(self);
        if !saying.digits.is_empty() {
            let together =
                saying.digits.iter().fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(*digit));
            found.push(together.min(MOST));
        } else if saying.is_open() {
            found.push(saying.total.saturating_add(saying.group.unwrap_or(0)).min(MOST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[f64]) {
        let found: Vec<f64> = numbers(&Words::of(text)).into_iter().map(|n| n as f64 / 100.0).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        check("I will pay 1,500.50 rupees", &[1500.5]);
        check("one thousand five hundred", &[1500.0]);
        check("fifteen hundred and twenty five rupees", &[1525.0]);
        check("five hundred tomorrow and two hundred on friday", &[500.0, 200.0]);
        check("twenty five", &[25.0]);
        check("twenty fifteen", &[20.0, 15.0]);
        check("2 lakh 50 thousand", &[250_000.0]);
        check("1.5 lakh", &[150_000.0]);
        check("two crore three lakh", &[20_300_000.0]);
        check("nine eight seven six", &[9876.0]);
        check("500 1000", &[500.0, 1000.0]);
        check("a hundred", &[100.0]);
        check("no number and none", &[]);
    }

    #[test]
    fn hindi_is_read_in_both_scripts() {
        check("मैं कल पाँच सौ रुपये दूँगा", &[500.0]);
        check("एक हज़ार पांच सौ पच्चीस", &[1525.0]);
        check("साढ़े पाँच हज़ार", &[5500.0]);
        check("डेढ़ लाख", &[150_000.0]);
        check("सवा लाख", &[125_000.0]);
        check("main paanch sau dunga", &[500.0]);
        check("do hazar rupaye", &[2000.0]);
        check("I do owe", &[]);
        check("पौने दो सौ", &[175.0]);
    }

    #[test]
    fn what_a_model_writes_is_read() {
        for (text, expected) in [
            ("500", Some(50_000)),
            ("₹ 1,500.50", Some(150_050)),
            ("Rs.500/-", Some(50_000)),
            ("500.5", Some(50_050)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["", "five", "-5", "5e3", "1.234", "99999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
