//! Links, notes, variables and addresses: what stands between brackets or is one whole.

use super::super::cue;
use super::super::link::{self, Link};
use super::{Speech, Step};

impl Speech<'_> {
    /// A variable that the model copied from its prompt: `{{customer_name}}`.
    pub(super) fn variable(&self, at: usize) -> Step {
        let rest = self.rest(at);
        let inside = rest.strip_prefix("{{").and_then(|rest| rest.split_once("}}")).map(|(inside, _)| inside);
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ' ' | '[' | ']');
        match inside.filter(|inside| inside.chars().all(is_name)) {
            Some(inside) => Step::Skip(inside.chars().count() + 4),
            None => Step::Say,
        }
    }

    /// Links and pictures become their text.
    pub(super) fn bracket(&self, at: usize, skips: &mut Vec<(usize, usize)>) -> Step {
        let is_picture = self.at(at) == Some('!');
        let open = at + usize::from(is_picture);
        if self.at(open) != Some('[') || self.units[open].literal {
            return Step::Say;
        }
        match link::link(&self.rest(open)) {
            Ok(found) => self.linked(at, open, found, skips),
            Err(_) if is_picture => Step::Say,
            Err(_) => self.note(at),
        }
    }

    /// The link or picture at `at`, whose bracket stands at `open`: its text, else where it leads.
    fn linked(&self, at: usize, open: usize, found: Link, skips: &mut Vec<(usize, usize)>) -> Step {
        let rest = self.rest(open);
        let chars = |bytes: usize| rest[..bytes].chars().count();
        let (text_end, end) = (open + chars(found.text_end), open + chars(found.end));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let target = rest[found.text_end + 1..found.end].trim_matches(['(', ')', '[', ']']);
        // "[4][5]" are two notes.
        let is_notes = is_digits(&rest[1..found.text_end]) && is_digits(target);
        if is_notes || (text_end == open + 1 && open > at) {
            return Step::Skip(end - at);
        }
        if text_end == open + 1 {
            let (from, to) = link::host(target);
            return Step::Words(target[from..to].to_owned(), end - at);
        }
        skips.push((text_end, end));
        Step::Skip(open + 1 - at)
    }

    /// A footnote, a citation or an alert's kind; other words in brackets are said.
    fn note(&self, at: usize) -> Step {
        let rest = self.rest(at);
        let Some(close) = rest.find(']') else { return Step::Say };
        let (inside, length) = (&rest[1..close], rest[..=close].chars().count());
        let is_alert =
            inside.strip_prefix('!').is_some_and(|kind| kind.bytes().all(|b| b.is_ascii_uppercase()));
        let is_footnote = inside.starts_with('^');
        let is_source = inside.strip_prefix("doc").is_some_and(|n| n.parse::<u16>().is_ok());
        let is_glued = self.before(at).is_some_and(|c| !c.is_whitespace() && c != '(');
        let is_number =
            !inside.is_empty() && inside.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-'));
        if let Some(cue) = cue::read(inside) {
            return Step::Cue { length, cue: Some(cue), pauses: true };
        }
        if is_footnote && rest[close + 1..].starts_with(':') {
            return Step::Skip(length + 1);
        }
        let is_note = is_alert || is_footnote || is_source || (is_glued && is_number);
        if is_note { Step::Skip(length) } else { Step::Say }
    }

    /// `【4:0†source】`, and what stands between OpenAI's private signs.
    pub(super) fn citation(&self, at: usize) -> Step {
        let rest = self.rest(at);
        let is_private = self.units[at].c != '【';
        let close = if is_private { '\u{E201}' } else { '】' };
        let end = rest.find(close).filter(|end| is_private || rest[..*end].contains('†'));
        match end {
            Some(end) => Step::Skip(rest[..end].chars().count() + 1),
            None if is_private => Step::Skip(1),
            None => Step::Say,
        }
    }

    /// Of a bare address its host is said.
    pub(super) fn address(&self, at: usize) -> Step {
        if self.before(at).is_some_and(char::is_alphanumeric) {
            return Step::Say;
        }
        let rest = self.rest(at) + "\n";
        let Ok(end) = link::address(&rest) else { return Step::Say };
        let (from, to) = link::host(&rest[..end]);
        if !rest[from..to].contains(char::is_alphanumeric) {
            return Step::Say;
        }
        Step::Words(rest[from..to].to_owned(), rest[..end].chars().count())
    }
}
