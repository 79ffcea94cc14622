//! Asterisks and underscores: markup only where they stand like markup. After CommonMark's flanking rules, with what must
//! be decided before the closing mark is there.

use super::super::sign::is_unspaced;
use super::Unit;

/// Marks that are open, from piece to piece of a line.
#[derive(Debug, Default)]
pub(super) struct Emphasis {
    star: bool,
    underscore: bool,
}

impl Emphasis {
    /// Emphasis does not go beyond its line.
    pub(super) fn line_ends(&mut self) {
        *self = Self::default();
    }

    /// Whether the `length` equal marks at `at` are markup. `is_whole` says that the line's end is at hand.
    pub(super) fn is_markup(&mut self, units: &[Unit], at: usize, length: usize, is_whole: bool) -> bool {
        let mark = units[at].c;
        let before = at.checked_sub(1).map(|at| units[at].c);
        let next = units.get(at + length).map(|u| u.c);
        let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_digit = |c: Option<char>| c.is_some_and(char::is_numeric);
        let closes_later = closes(units, at + length, mark);
        if mark == '_' && is_mail(units, at) {
            return false;
        }
        match (is_space(before), is_space(next)) {
            // A mark between two spaces is a sign; a heap of them is decoration.
            (true, true) => length > 1,
            // Within a word it is a letter; where words are not parted two of them are markup.
            _ if mark == '_' && is_word(before) && is_word(next) => {
                length > 1 && before.into_iter().chain(next).any(is_unspaced)
            }
            // A product, or a star among letters that no other closes.
            _ if mark == '*' && is_word(before) && is_word(next) => {
                !(is_digit(before) && is_digit(next))
                    && (length > 1 || self.is_open(mark) || closes_later)
                    && self.toggle(mark, closes_later)
            }
            // "*67" is dialled; "**5**" is bold.
            (_, false) if is_digit(next) && !is_word(before) && !self.is_open(mark) => {
                let opens = closes_later || (length > 1 && !is_whole);
                opens && self.toggle(mark, true)
            }
            (_, false) if !is_word(before) && !self.is_open(mark) => {
                let opens =
                    closes_later || length > 1 || (!is_whole && next.is_some_and(char::is_alphabetic));
                opens && self.toggle(mark, true)
            }
            (_, false) if !is_word(before) && !self.closes_here(units, at, mark) => {
                closes_later && self.toggle(mark, true)
            }
            _ if self.is_open(mark) => self.toggle(mark, false),
            // A footnote's star behind a word; a rating's behind a number stays.
            _ => length > 1 || (mark == '*' && !is_digit(before) && !is_space(before)),
        }
    }

    fn is_open(&self, mark: char) -> bool {
        if mark == '*' { self.star } else { self.underscore }
    }

    fn toggle(&mut self, mark: char, open: bool) -> bool {
        if mark == '*' {
            self.star = open;
        } else {
            self.underscore = open;
        }
        true
    }

    /// An open mark is closed by one behind something that is no space.
    fn closes_here(&self, units: &[Unit], at: usize, mark: char) -> bool {
        self.is_open(mark) && at > 0 && !units[at - 1].c.is_whitespace()
    }
}

/// Whether a mark of this kind stands behind `from` where it can close.
fn closes(units: &[Unit], from: usize, mark: char) -> bool {
    (from + 1..units.len()).any(|at| {
        let next = units.get(at + 1).map(|u| u.c);
        let run = units[..at].iter().rev().take_while(|u| u.c == mark).count();
        let is_open = at.checked_sub(run + 1).is_none_or(|before| units[before].c.is_whitespace());
        let is_product = units[at - 1].c.is_numeric() && next.is_some_and(char::is_numeric);
        units[at].c == mark
            && !units[at].literal
            && !is_open
            && !is_product
            && (mark == '*' || next.is_none_or(|c| !c.is_alphanumeric()))
    })
}

/// Whether the word that `at` stands in is a mail address.
fn is_mail(units: &[Unit], at: usize) -> bool {
    let word = units[at..].iter().map(|u| u.c).take_while(|c| !c.is_whitespace());
    let mut signs = word.skip_while(|c| *c == '_' || c.is_alphanumeric() || matches!(c, '.' | '-' | '+'));
    signs.next() == Some('@')
}
