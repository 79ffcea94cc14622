//! Telephone numbers and other long rows of digits: said digit by digit, in the groups that they are written in.

use super::{Found, Reader};
use crate::spoken::number::digit_by_digit;
use crate::spoken::tongue::Counting;

/// A row of so many digits is no count.
const ROW: usize = 7;
/// Digits of a telephone number with the code of its area, and of the longest card.
const WHOLE: std::ops::RangeInclusive<usize> = 10..=19;
/// Digits behind a plus.
const ABROAD: std::ops::RangeInclusive<usize> = 8..=15;
/// A longer group is said in parts.
const LONGEST_GROUP: usize = 6;

/// Rows of digits with what parts them.
#[derive(Debug, Default)]
struct Rows {
    groups: Vec<String>,
    has_bracket: bool,
    has_stroke: bool,
    to: usize,
}

impl Reader<'_> {
    pub(super) fn telephone(&self, at: usize) -> Option<Found> {
        let is_abroad = self.get(at) == Some('+');
        let rows = self.rows(at + usize::from(is_abroad), is_abroad)?;
        let goes_on =
            matches!(self.get(rows.to), Some(',' | '.' | ':' | '/')) && self.digit(rows.to + 1).is_some();
        let is_counted = self.get(self.past_space(rows.to)) == Some('%');
        if !self.ends(rows.to) || goes_on || is_counted || !rows.is_number(is_abroad) {
            return None;
        }
        let plus = if is_abroad { format!("{} ", self.manner.tongue.plus) } else { String::new() };
        let parts = rows.groups.iter().enumerate();
        let parts = parts.flat_map(|(place, group)| self.parts(group, is_abroad && place == 0));
        let said: Vec<String> = parts.map(|part| digit_by_digit(part, self.manner.tongue)).collect();
        Some(Found::said(rows.to, format!("{plus}{}", said.join(", "))))
    }

    fn rows(&self, at: usize, is_abroad: bool) -> Option<Rows> {
        let mut rows = Rows { to: at, ..Rows::default() };
        let mut next = at;
        loop {
            let bracket = usize::from(self.get(next) == Some('('));
            let Some((group, to)) = self.digits(next + bracket) else { break };
            if bracket == 1 && self.get(to) != Some(')') {
                break;
            }
            let is_space = next > at && matches!(self.get(next - 1), Some(' ' | '\u{a0}'));
            if is_space && group.len() < 3 && !is_abroad {
                break;
            }
            rows.has_stroke |= next > at && self.get(next - 1) == Some('-');
            rows.has_bracket |= bracket == 1;
            rows.groups.push(group);
            rows.to = to + bracket;
            next = rows.to;
            if matches!(self.get(next), Some(' ' | '\u{a0}' | '-')) {
                next += 1;
            } else if bracket == 0 {
                break;
            }
        }
        (!rows.groups.is_empty()).then_some(rows)
    }

    /// A group, in parts where it is long.
    fn parts<'a>(&self, group: &'a str, is_abroad: bool) -> Vec<&'a str> {
        let sizes: &[usize] = match (group.len(), self.manner.counting) {
            (0..=LONGEST_GROUP, _) => return vec![group],
            (12, _) if is_abroad && group.starts_with("91") => &[2, 5, 5],
            (11, _) if is_abroad && group.starts_with('1') => &[1, 3, 3, 4],
            (10, Counting::Indian) => &[5, 5],
            (7, _) => &[3, 4],
            (10, Counting::Western) => &[3, 3, 4],
            (length, _) if length.is_multiple_of(4) => &[4],
            _ => &[3],
        };
        let (mut parts, mut rest, mut place) = (Vec::new(), group, 0);
        while !rest.is_empty() {
            let size = sizes[place.min(sizes.len() - 1)];
            // One digit is not left alone.
            let size = if rest.len() <= size + 1 { rest.len() } else { size };
            let (part, more) = rest.split_at(size);
            parts.push(part);
            (rest, place) = (more, place + 1);
        }
        parts
    }
}

impl Rows {
    fn is_number(&self, is_abroad: bool) -> bool {
        let digits: usize = self.groups.iter().map(String::len).sum();
        match self.groups.as_slice() {
            _ if is_abroad => ABROAD.contains(&digits),
            // "10000000" is a count.
            [one] => one.len() >= ROW && !one.ends_with("0000"),
            [area, rest] if self.has_stroke && (area.len(), rest.len()) == (3, 4) => true,
            _ if self.has_bracket => digits >= ROW,
            _ => WHOLE.contains(&digits),
        }
    }
}
