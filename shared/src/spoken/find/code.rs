//! Codes: letters and digits that are said one by one.

use super::{Found, Reader};
use crate::spoken::number::{digit_by_digit, in_words};

/// More capitals that hold a vowel are a word: `COVID-19`.
const WORD: usize = 4;
/// Digits behind a word that is a code all the same.
const LONG_ROW: usize = 4;
/// A code's digits are said one by one, fewer are a number: `B12`, `A1`.
const ROW: usize = 3;
/// How many words may stand between "code" and its digits.
const REACH: usize = 3;

/// Digits with these are ordinals.
const SUFFIXES: [&str; 4] = ["ST", "ND", "RD", "TH"];

/// A run of letters, of digits, or the sign between two.
#[derive(Debug)]
enum Part {
    Letters(String),
    Digits(String),
    Stroke,
}

impl Reader<'_> {
    /// `A-1234`, `HDFC0001234`, `5G`: capitals and digits, both.
    pub(super) fn code(&self, at: usize) -> Option<Found> {
        let (parts, to) = self.code_parts(at)?;
        let letters = || parts.iter().filter_map(|p| if let Part::Letters(l) = p { Some(l) } else { None });
        let digits = || parts.iter().filter_map(|p| if let Part::Digits(d) = p { Some(d) } else { None });
        if letters().next().is_none() || digits().next().is_none() || !self.ends(to) {
            return None;
        }
        if let [Part::Digits(_), Part::Letters(unit)] = &parts[..] {
            let is_unit = self.manner.tongue.units.iter().any(|known| known.written == unit);
            if is_unit || SUFFIXES.contains(&unit.as_str()) {
                return None;
            }
        }
        let all_digits: usize = digits().map(String::len).sum();
        let is_word = |letters: &str| letters.len() >= WORD && letters.contains(['A', 'E', 'I', 'O', 'U']);
        let tongue = self.manner.tongue;
        let mut words = String::new();
        for part in &parts {
            let said = match part {
                Part::Stroke => {
                    words.push(',');
                    continue;
                }
                Part::Letters(letters) if is_word(letters) && all_digits < LONG_ROW => letters.clone(),
                Part::Letters(letters) => letters.chars().map(String::from).collect::<Vec<_>>().join(" "),
                Part::Digits(digits) if digits.len() >= ROW || digits.starts_with('0') => {
                    digit_by_digit(digits, tongue)
                }
                Part::Digits(digits) => in_words(digits.parse().ok()?, tongue, self.manner.counting),
            };
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(&said);
        }
        // "COVID, nineteen" would be two things.
        let is_name = letters().any(|letters| is_word(letters)) && all_digits < LONG_ROW;
        Some(Found::said(to, if is_name { words.replace(',', "") } else { words }))
    }

    fn code_parts(&self, at: usize) -> Option<(Vec<Part>, usize)> {
        let mut parts = Vec::new();
        let mut to = at;
        while let Some(c) = self.get(to) {
            let run = |is: fn(&char) -> bool| {
                let run: String = self.text[to..].iter().take_while(|c| is(c)).collect();
                run
            };
            let part = match c {
                'A'..='Z' => Part::Letters(run(char::is_ascii_uppercase)),
                '0'..='9' => Part::Digits(run(char::is_ascii_digit)),
                '-' | '/' if to > at && self.get(to + 1).is_some_and(|c| c.is_ascii_alphanumeric()) => {
                    Part::Stroke
                }
                _ => break,
            };
            to += match &part {
                Part::Letters(run) | Part::Digits(run) => run.len(),
                Part::Stroke => 1,
            };
            parts.push(part);
        }
        (!parts.is_empty()).then_some((parts, to))
    }

    /// Four to six digits behind a word that says what they are: "the code is 4471".
    pub(super) fn announced_code(&self, at: usize) -> Option<Found> {
        let (digits, to) = self.digits(at).filter(|(digits, _)| (4..=6).contains(&digits.len()))?;
        let goes_on = matches!(self.get(to), Some(',' | '.')) && self.digit(to + 1).is_some();
        if !self.ends(to) || goes_on || !self.is_announced(at) {
            return None;
        }
        Some(Found::said(to, digit_by_digit(&digits, self.manner.tongue)))
    }

    fn is_announced(&self, at: usize) -> bool {
        let tongue = self.manner.tongue;
        let mut begin = at;
        for _ in 0..REACH {
            let Some((word, from)) = self.word_before(begin) else { return false };
            if tongue.of_codes.contains(&word.as_str()) {
                return true;
            }
            if !tongue.links.contains(&word.as_str()) {
                return false;
            }
            begin = from;
        }
        false
    }
}
