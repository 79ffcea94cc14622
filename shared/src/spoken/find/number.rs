//! Numbers as they are written: `1,25,000.50`.

use super::Reader;
use crate::spoken::number::{digit_by_digit, in_words};
use crate::spoken::tongue::{Counting, Magnitude};

/// More digits are no number that anybody can follow: they are said one by one.
const MOST_DIGITS: usize = 15;

/// A number in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// Digits without commas.
    pub whole: String,
    /// Digits behind the point, or empty.
    pub fraction: String,
    /// How its commas count.
    pub counting: Option<Counting>,
    /// It has commas.
    pub is_grouped: bool,
    /// Behind its last character.
    pub to: usize,
}

impl Number {
    /// Of the whole part; `None` where it is too large.
    pub(super) fn value(&self) -> Option<u64> {
        (self.whole.len() <= MOST_DIGITS).then(|| self.whole.parse().ok()).flatten()
    }

    pub(super) fn is_one(&self) -> bool {
        self.fraction.is_empty() && self.value() == Some(1)
    }

    /// Whether a range may go from this one to the other.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        let of = |number: &Self| {
            let text = format!("{}.{}", number.whole, number.fraction);
            text.parse::<f64>().unwrap_or_default()
        };
        of(self) < of(other)
    }
}

impl Reader<'_> {
    /// The number that begins here.
    pub(super) fn number(&self, at: usize) -> Option<Number> {
        let (first, end) = self.digits(at)?;
        let (mut groups, mut to) = (vec![first], end);
        while self.get(to) == Some(',')
            && let Some((more, end)) = self.digits(to + 1)
        {
            groups.push(more);
            to = end;
        }
        let counting = counting(&groups);
        let is_grouped = groups.len() > 1 && counting.is_some();
        if !is_grouped {
            groups.truncate(1);
            to = end;
        }
        let mut fraction = String::new();
        if self.get(to) == Some('.')
            && let Some((digits, end)) = self.digits(to + 1)
        {
            let is_dotted = self.get(end) == Some('.') && self.digit(end + 1).is_some();
            if !is_dotted {
                (fraction, to) = (digits, end);
            }
        }
        let counting = counting.flatten();
        Some(Number { whole: groups.concat(), fraction, counting, is_grouped, to })
    }

    /// In words, with its decimals.
    pub(super) fn say(&self, number: &Number) -> String {
        self.say_by(number, number.counting.unwrap_or(self.manner.counting))
    }

    pub(super) fn say_by(&self, number: &Number, counting: Counting) -> String {
        let tongue = self.manner.tongue;
        let is_row = number.whole.len() > 1 && number.whole.starts_with('0') && number.fraction.is_empty();
        let whole = match number.value().filter(|_| !is_row) {
            Some(value) => in_words(value, tongue, counting),
            None => digit_by_digit(&number.whole, tongue),
        };
        match number.fraction.as_str() {
            "" => whole,
            fraction => format!("{whole} {} {}", tongue.point, digit_by_digit(fraction, tongue)),
        }
    }

    /// So many of a scale: `two point five crore`, `ढाई करोड़`.
    pub(super) fn say_of(&self, number: &Number, magnitude: &Magnitude) -> String {
        let [one_and_half, two_and_half, and_half] = self.manner.tongue.halves;
        let is_half = number.fraction == "5" && !and_half.is_empty();
        let count = match number.value().filter(|_| is_half) {
            Some(1) => one_and_half.to_owned(),
            Some(2) => two_and_half.to_owned(),
            Some(whole @ 3..) => {
                format!("{and_half} {}", in_words(whole, self.manner.tongue, self.manner.counting))
            }
            _ => self.say(number),
        };
        format!("{count} {}", magnitude.said)
    }

    /// The scale behind a number, and where it ends.
    pub(super) fn magnitude(&self, at: usize) -> Option<(&'static Magnitude, usize)> {
        let begin = self.past_space(at);
        let (word, to) = self.word(begin)?;
        let is_meant = |magnitude: &&'static Magnitude| {
            let words = if begin > at { magnitude.words } else { magnitude.glued };
            words.contains(&word.as_str())
        };
        let found = self.manner.tongue.magnitudes.iter().find(is_meant)?;
        self.ends(to).then_some((found, to))
    }
}

/// Whether these groups are one number, and by which counting: two groups may be of either.
fn counting(groups: &[String]) -> Option<Option<Counting>> {
    let [first, middle @ .., last] = groups else { return Some(None) };
    let all = |length: usize| middle.iter().all(|group| group.len() == length);
    match (first.len(), last.len()) {
        (1..=3, 3) if middle.is_empty() => Some(None),
        (1..=3, 3) if all(3) => Some(Some(Counting::Western)),
        (1..=2, 3) if all(2) => Some(Some(Counting::Indian)),
        _ => None,
    }
}
