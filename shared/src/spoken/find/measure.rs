//! Numbers with what is counted: `5–7 %`, `30 km/h`, `21st`, `1/2`, `2.5.1`, `5वां`.

use super::number::Number;
use super::{Found, Reader};
use crate::spoken::tongue::{Unit, is_devanagari};

/// Behind an ordinal in English.
const SUFFIXES: [&str; 4] = ["st", "nd", "rd", "th"];
/// Behind one in Hindi, with the vowel that irregular ones end in.
const HINDI_SUFFIXES: [(&str, &str); 3] = [("वां", "ा"), ("वीं", "ी"), ("वें", "े")];
/// The irregular ones without their vowel.
const HINDI_ORDINALS: [(u64, &str); 5] = [(1, "पहल"), (2, "दूसर"), (3, "तीसर"), (4, "चौथ"), (6, "छठ")];

impl Reader<'_> {
    /// A version or an address of a machine: each number by itself.
    pub(super) fn dotted(&self, at: usize) -> Option<Found> {
        let (first, mut to) = self.digits(at)?;
        let mut groups = vec![first];
        while self.get(to) == Some('.')
            && let Some((group, end)) = self.digits(to + 1)
        {
            groups.push(group);
            to = end;
        }
        if groups.len() < 3 || !self.ends(to) {
            return None;
        }
        let tongue = self.manner.tongue;
        let dot = tongue.signs.iter().find(|(sign, _)| *sign == '.').map_or(tongue.point, |(_, name)| *name);
        let sign = if groups.len() > 3 { dot } else { tongue.point };
        let number =
            |whole: String| Number { whole, fraction: String::new(), counting: None, is_grouped: false, to };
        let said: Vec<String> = groups.into_iter().map(|group| self.say(&number(group))).collect();
        Some(Found::said(to, said.join(&format!(" {sign} "))))
    }

    /// Halves, quarters and `24/7`; what else has a stroke between its numbers is left.
    pub(super) fn fraction(&self, at: usize) -> Option<Found> {
        let (above, to) = self.digits(at)?;
        let (below, to) = self.digits(to + 1).filter(|_| self.get(to) == Some('/'))?;
        let tongue = self.manner.tongue;
        let [half, quarter, three_quarters] = tongue.fractions;
        if !self.ends(to) || self.get(to) == Some('/') {
            return Some(Found::left(self.past_token(to)));
        }
        let words = match (above.as_str(), below.as_str()) {
            ("1", "2") => half.to_owned(),
            ("1", "4") => quarter.to_owned(),
            ("3", "4") => three_quarters.to_owned(),
            ("24", "7") => format!("{} {}", (tongue.below_hundred)(24), (tongue.below_hundred)(7)),
            _ => return Some(Found::left(to)),
        };
        Some(Found::said(to, words))
    }

    /// A number or a range, with a percent sign, a unit, a scale, a plus, or nothing.
    pub(super) fn measure(&self, at: usize) -> Option<Found> {
        let tongue = self.manner.tongue;
        let first = self.number(at)?;
        if let Some(found) = self.ordinal(&first).or_else(|| self.year(at, &first)) {
            return Some(found);
        }
        let second = self.range(&first);
        let last = second.as_ref().unwrap_or(&first);
        let words = match &second {
            Some(second) => format!("{}{}{}", self.say(&first), tongue.to, self.say(second)),
            None => self.say(&first),
        };
        let behind = self.past_space(last.to);
        if self.get(behind) == Some('%') {
            return Some(Found::said(behind + 1, format!("{words} {}", tongue.percent)));
        }
        if let Some((unit, to)) = self.unit(last.to).or_else(|| self.unit(behind)) {
            let name = if second.is_none() && first.is_one() { unit.one } else { unit.many };
            return Some(Found::said(to, format!("{words} {name}")));
        }
        if let Some((magnitude, to)) =
            self.magnitude(last.to).filter(|_| second.is_none() && behind > last.to)
        {
            return Some(Found::said(to, self.say_of(&first, magnitude)));
        }
        match self.get(last.to) {
            Some('+') if self.ends(last.to + 1) => {
                Some(Found::said(last.to + 1, format!("{words} {}", tongue.plus)))
            }
            // "10बजे"
            Some(c) if is_devanagari(c) => Some(Found::said(last.to, words + " ")),
            Some(':' | '/') if self.digit(last.to + 1).is_some() => {
                Some(Found::left(self.past_token(last.to)))
            }
            _ if !self.ends(last.to) => Some(Found::left(self.past_word(last.to))),
            _ => Some(Found::said(last.to, words)),
        }
    }

    fn ordinal(&self, number: &Number) -> Option<Found> {
        let value = number.value().filter(|_| number.fraction.is_empty())?;
        if let Some(to) = SUFFIXES.iter().find_map(|suffix| self.goes_on(number.to, suffix)) {
            let words = (self.manner.tongue.ordinal)(value).filter(|_| self.ends(to))?;
            return Some(Found::said(to, words));
        }
        let (vowel, to) = HINDI_SUFFIXES
            .iter()
            .find_map(|(suffix, vowel)| Some((vowel, self.goes_on(number.to, suffix)?)))
            .filter(|(_, to)| self.ends(*to))?;
        match HINDI_ORDINALS.iter().find(|(of, _)| *of == value) {
            Some((_, stem)) => Some(Found::said(to, format!("{stem}{vowel}"))),
            // The suffix stays behind the number's word.
            None => Some(Found::said(number.to, self.say(number))),
        }
    }

    /// A year of the centuries before this one, where the text says that it is one.
    fn year(&self, at: usize, number: &Number) -> Option<Found> {
        let tongue = self.manner.tongue;
        let is_plain = number.whole.len() == 4 && number.fraction.is_empty() && !number.is_grouped;
        let year = number.value().filter(|year| is_plain && (1100..2000).contains(year))?;
        let (before, _) = self.word_before(at)?;
        let is_month = tongue.months.iter().any(|month| month.to_lowercase() == before);
        let is_year = is_month || tongue.of_years.contains(&before.as_str());
        (is_year && self.ends(number.to)).then(|| Found::said(number.to, (tongue.year)(year)))
    }

    fn unit(&self, at: usize) -> Option<(&'static Unit, usize)> {
        let is_written =
            |unit: &&'static Unit| unit.written.chars().enumerate().all(|(n, c)| self.get(at + n) == Some(c));
        let fits = |unit: &&'static Unit| is_written(unit) && self.ends(at + unit.written.chars().count());
        let unit = self.manner.tongue.units.iter().find(fits)?;
        Some((unit, at + unit.written.chars().count()))
    }

    /// Behind all that stands together with this place.
    fn past_token(&self, at: usize) -> usize {
        at + self.text[at..].iter().take_while(|c| !c.is_whitespace()).count()
    }
}
