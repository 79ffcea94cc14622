//! Where a text holds something that is said otherwise than it is written, and how it is said.

mod address;
mod amount;
mod calendar;
mod code;
mod measure;
mod number;
mod telephone;

use super::tongue::{Manner, is_devanagari};
use number::Number;

/// A part of a text, characters, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub from: usize,
    pub to: usize,
    pub words: String,
}

/// What stands at a place: up to which character, and its words; without words it is left as it is.
#[derive(Debug)]
struct Found {
    to: usize,
    words: Option<String>,
}

impl Found {
    fn said(to: usize, words: impl Into<String>) -> Self {
        Self { to, words: Some(words.into()) }
    }

    fn left(to: usize) -> Self {
        Self { to, words: None }
    }
}

/// All forms of a text, in order and without overlaps.
pub fn find(text: &[char], manner: &Manner) -> Vec<Form> {
    let reader = Reader { text, manner };
    let mut forms = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let found = reader.read(at).filter(|found| found.to > at);
        let to = found.as_ref().map_or_else(|| reader.past_word(at), |found| found.to);
        if let Some(words) = found.and_then(|found| found.words) {
            forms.push(Form { from: at, to, words });
        }
        at = to;
    }
    forms
}

/// Reads a text from any place.
struct Reader<'a> {
    text: &'a [char],
    manner: &'a Manner,
}

impl Reader<'_> {
    fn read(&self, at: usize) -> Option<Found> {
        if !self.starts(at) {
            return None;
        }
        match self.text[at] {
            '-' | '−' => self.negative(at),
            '+' | '(' => self.telephone(at),
            _ if self.digit(at).is_some() => self.of_digits(at),
            c if c.is_alphabetic() => self
                .address(at)
                .or_else(|| self.money(at))
                .or_else(|| self.month_and_day(at))
                .or_else(|| self.code(at)),
            _ => self.money(at),
        }
    }

    fn of_digits(&self, at: usize) -> Option<Found> {
        let rules: [fn(&Self, usize) -> Option<Found>; 11] = [
            Self::address,
            Self::money,
            Self::numeric_date,
            Self::day_and_month,
            Self::time,
            Self::telephone,
            Self::code,
            Self::announced_code,
            Self::dotted,
            Self::fraction,
            Self::measure,
        ];
        rules.into_iter().find_map(|rule| rule(self, at))
    }

    /// A sign before an amount or a number, and not one that parts or lists.
    fn negative(&self, at: usize) -> Option<Found> {
        let is_open =
            at.checked_sub(1).is_none_or(|at| self.text[at].is_whitespace() || self.text[at] == '(');
        let next = at + 1;
        let found = is_open.then(|| self.money(next).or_else(|| self.measure(next))).flatten()?;
        let words = found.words?;
        Some(Found::said(found.to, format!("{} {words}", self.manner.tongue.minus)))
    }

    fn get(&self, at: usize) -> Option<char> {
        self.text.get(at).copied()
    }

    /// The digit's value, of Latin digits and Devanagari's.
    fn digit(&self, at: usize) -> Option<u32> {
        match self.get(at)? {
            c @ '०'..='९' => Some(u32::from(c) - u32::from('०')),
            c => c.to_digit(10),
        }
    }

    /// A row of digits, written in Latin ones, and where it ends.
    fn digits(&self, at: usize) -> Option<(String, usize)> {
        let row: String =
            (at..).map_while(|at| self.digit(at)).filter_map(|d| char::from_digit(d, 10)).collect();
        let to = at + row.len();
        (!row.is_empty()).then_some((row, to))
    }

    /// No word goes on here.
    fn starts(&self, at: usize) -> bool {
        at.checked_sub(1).and_then(|at| self.get(at)).is_none_or(|c| !is_of_word(c))
    }

    /// No word goes on behind here.
    fn ends(&self, to: usize) -> bool {
        self.get(to).is_none_or(|c| !is_of_word(c))
    }

    /// Behind the word that `at` lies in, or behind the one character.
    fn past_word(&self, at: usize) -> usize {
        let length = self.text[at..].iter().take_while(|c| is_of_word(**c)).count();
        at + length.max(1)
    }

    /// Behind a space, if there is one.
    fn past_space(&self, at: usize) -> usize {
        at + usize::from(matches!(self.get(at), Some(' ' | '\u{a0}' | '\u{202f}')))
    }

    /// The letters from here, in lower case, and where they end.
    fn word(&self, at: usize) -> Option<(String, usize)> {
        let letters = self.text.get(at..)?.iter().take_while(|c| is_of_word(**c) && !c.is_numeric());
        let length = letters.clone().count();
        let word = letters.flat_map(|c| c.to_lowercase()).collect();
        (length > 0).then_some((word, at + length))
    }

    /// The word before a place, in lower case, and where it begins. Signs between them do not part them.
    fn word_before(&self, at: usize) -> Option<(String, usize)> {
        let between = self.text[..at].iter().rev().take_while(|c| !is_of_word(**c)).count();
        let to = at - between;
        if self.text[to..at].iter().any(|c| matches!(c, '?' | '!' | ';' | '।')) {
            return None;
        }
        let length = self.text[..to].iter().rev().take_while(|c| is_of_word(**c)).count();
        let word = self.text[to - length..to].iter().flat_map(|c| c.to_lowercase()).collect();
        (length > 0).then_some((word, to - length))
    }

    /// Whether the text goes on with these characters, whatever their case.
    fn goes_on(&self, at: usize, with: &str) -> Option<usize> {
        let mut to = at;
        for c in with.chars() {
            let same =
                self.get(to).is_some_and(|other| other == c || other.to_lowercase().eq(c.to_lowercase()));
            if !same {
                return None;
            }
            to += 1;
        }
        Some(to)
    }

    /// The second number of a range, behind the stroke, if it is the larger one.
    fn range(&self, first: &Number) -> Option<Number> {
        let second = self.number(self.past_stroke(first.to)?)?;
        first.is_below(&second).then_some(second)
    }

    /// Behind a stroke between two ends of a range: with a space on both sides, or on none.
    fn past_stroke(&self, at: usize) -> Option<usize> {
        let stroke = self.past_space(at);
        let spaces = stroke - at;
        matches!(self.get(stroke), Some('-' | '–' | '—' | '−')).then_some(())?;
        let to = self.past_space(stroke + 1);
        (to - stroke - 1 == spaces).then_some(to)
    }
}

/// Letters, digits, and the signs of Devanagari that only stand with letters.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || (is_devanagari(c) && !c.is_whitespace())
}

#[cfg(test)]
mod tests;
