//! Signs that mean something by what stands beside them: comparisons, numbers, notes, arrows.

use super::super::cue;
use super::super::language::Names;
use super::super::link;
use super::super::tag::{self, Tag};
use super::{Speech, Step, is_currency};

impl Speech<'_> {
    pub(super) fn tilde(&self, at: usize) -> Step {
        let length = self.run(at);
        let next = self.at(at + length);
        let is_open = self.before(at).is_none_or(|c| c.is_whitespace() || c == '(');
        let amount = self.units[at + length..].iter().map(|u| u.c).find(|c| !is_open || !c.is_whitespace());
        let is_number = amount.is_some_and(|c| c.is_numeric() || is_currency(c));
        let inside =
            self.before(at).is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
        match (length, self.names) {
            (1, _) if inside || next == Some('/') => Step::Say,
            (1, Some(names)) if is_number => Step::Words(format!("{} ", names.about), 1),
            (1, None) if is_number => Step::Say,
            _ => Step::Skip(length),
        }
    }

    pub(super) fn less(&self, at: usize, skips: &mut Vec<(usize, usize)>) -> Step {
        let rest = self.rest(at);
        if let Ok(end) = link::tag(&rest) {
            let length = rest[..end].chars().count();
            let is_glued = self.before(at).is_some_and(char::is_alphanumeric);
            let inside = &rest[1..end - 1];
            match tag::read(inside) {
                found @ (Tag::Dress | Tag::Break) if cue::is_tag(&tag::name(inside)) => {
                    let cue = cue::read_tag(inside);
                    return Step::Cue { length, cue, pauses: found == Tag::Break };
                }
                Tag::Dress => return Step::Skip(length),
                Tag::Break => return Step::Pause(length),
                // "if a<b and c>d"
                Tag::Words if is_glued => {}
                Tag::Address | Tag::Words => {
                    skips.push((at + length - 1, at + length));
                    return Step::Skip(1);
                }
            }
        }
        let arrow = rest.chars().skip(1).take_while(|c| matches!(c, '-' | '=')).count();
        if arrow > 0 && rest.chars().nth(1) == Some('-') {
            return Step::Pause(1 + arrow);
        }
        let is_equal = self.at(at + 1) == Some('=');
        self.compared(at, 1 + usize::from(is_equal), |n| if is_equal { n.at_most } else { n.less })
    }

    pub(super) fn more(&self, at: usize) -> Step {
        match (self.units[at].c, self.at(at + 1)) {
            ('≤', _) => self.compared(at, 1, |n| n.at_most),
            ('≥', _) => self.compared(at, 1, |n| n.at_least),
            (_, Some('=')) => self.compared(at, 2, |n| n.at_least),
            _ => self.compared(at, 1, |n| n.more),
        }
    }

    /// A comparison where a number or a second operand follows; else a stray sign.
    fn compared(&self, at: usize, length: usize, name: impl Fn(&Names) -> &'static str) -> Step {
        let is_spaced = self.before(at).is_some_and(char::is_whitespace)
            && self.at(at + length).is_some_and(char::is_whitespace);
        let next = self.units[at + length..].iter().map(|u| u.c).find(|c| !c.is_whitespace());
        let is_amount =
            next.is_some_and(|c| c.is_numeric() || is_currency(c) || matches!(c, '-' | '+' | '.' | '~'));
        let is_glued = self.before(at).is_some_and(char::is_alphanumeric)
            && self.at(at + length).is_some_and(char::is_alphanumeric);
        let is_path = self.units[at].c == '>' && next.is_some_and(char::is_uppercase);
        if is_spaced && is_path && self.is_word(at + length) {
            // "Settings > Account"
            return Step::Words(", ".to_owned(), length);
        }
        let follows = next.is_some_and(|c| c.is_alphanumeric()) && (is_spaced || is_glued) && at > 0;
        if !is_amount && !follows {
            return if self.units[at].c.is_ascii() { Step::Skip(length) } else { Step::Say };
        }
        match &self.names {
            Some(names) => Step::Words(format!(" {} ", name(names)), length),
            None => self.literally(at, length),
        }
    }

    /// Whether the word behind a place has more than one letter.
    fn is_word(&self, at: usize) -> bool {
        let mut letters = self.units[at..].iter().map(|u| u.c).skip_while(|c| c.is_whitespace());
        letters.next().is_some_and(char::is_alphabetic) && letters.next().is_some_and(char::is_alphabetic)
    }

    /// `#4` is a number, `C#` a note or a language.
    pub(super) fn hash(&self, at: usize) -> Step {
        let length = self.run(at);
        let before = self.before(at);
        let next = self.at(at + length);
        let is_word = before.is_some_and(char::is_alphanumeric);
        let digits = self.units[at + length..].iter().take_while(|u| u.c.is_numeric()).count();
        // "#21#" is dialled.
        let is_dialled = self.at(at + length + digits) == Some('#');
        if length == 1 && !is_word && digits > 0 && !is_dialled {
            return self.names.map_or(Step::Say, |n| Step::Words(format!("{} ", n.number), 1));
        }
        let alone = at < 2 || self.at(at - 2).is_none_or(|c| !c.is_alphanumeric());
        let is_note = length == 1
            && alone
            && before.is_some_and(|c| matches!(c, 'A'..='G' | 'J'))
            && !next.is_some_and(char::is_alphanumeric);
        if let (true, Some(names)) = (is_note, self.names) {
            return Step::Words(format!(" {}", names.sharp), 1);
        }
        let is_heading = self.at(0) == Some('#') && self.before(at).is_some_and(char::is_whitespace);
        let closes_heading = (length > 1 || is_heading) && !is_word && next.is_none();
        if closes_heading { Step::Skip(length) } else { self.literally(at, length) }
    }

    /// Arrows go, `--` is a dash, `==marked==` loses its marks.
    pub(super) fn strokes(&self, at: usize) -> Step {
        let (c, length) = (self.units[at].c, self.run(at));
        let (before, next) = (self.before(at), self.at(at + length));
        if next == Some('>') && !(c == '=' && before == Some('>')) {
            return Step::Pause(length + 1);
        }
        let open = before.is_none_or(char::is_whitespace);
        let close = next.is_none_or(char::is_whitespace);
        let is_edge = |beside: Option<char>| beside.is_none_or(|c| !c.is_alphanumeric());
        match (c, length) {
            ('=', 2) if is_edge(before) != is_edge(next) => Step::Skip(2),
            ('-', 2 | 3) if open == close && before.is_some() && next.is_some() => {
                Step::Words("—".to_owned(), length)
            }
            _ => self.literally(at, length),
        }
    }
}
