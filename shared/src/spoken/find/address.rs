//! E-mail addresses, and other addresses, which are left as they are.

use super::{Found, Reader};
use crate::spoken::number::digit_by_digit;

impl Reader<'_> {
    /// `john.smith24@example.com`.
    pub(super) fn address(&self, at: usize) -> Option<Found> {
        let before = at.checked_sub(1).and_then(|at| self.get(at));
        if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | '"' | '\'' | '“' | '<' | ':')) {
            return None;
        }
        let length = self.text[at..].iter().take_while(|c| !c.is_whitespace()).count();
        let token: String = self.text[at..at + length].iter().collect();
        if token.contains("://") || token.starts_with("www.") {
            return Some(Found::left(at + length));
        }
        let is_local = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        let is_host = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let local: String = token.chars().take_while(is_local).collect();
        let host = token.strip_prefix(local.as_str())?.strip_prefix('@')?;
        let host: String = host.chars().take_while(is_host).collect();
        let host = host.trim_end_matches(['.', '-']);
        let (name, end) = host.rsplit_once('.')?;
        let is_name = end.len() > 1 && end.chars().all(|c| c.is_ascii_alphabetic()) && !name.starts_with('.');
        if local.is_empty() || name.is_empty() || !is_name {
            return None;
        }
        let to = at + local.len() + 1 + host.len();
        Some(Found::said(to, self.say_address(&format!("{local}@{host}"))))
    }

    fn say_address(&self, address: &str) -> String {
        let tongue = self.manner.tongue;
        let mut words: Vec<String> = Vec::new();
        let mut rest = address;
        while let Some(c) = rest.chars().next() {
            let is_same = |other: char| match c {
                c if c.is_ascii_digit() => other.is_ascii_digit(),
                _ => other.is_ascii_alphabetic(),
            };
            let length = rest.find(|other: char| !is_same(other)).unwrap_or(rest.len()).max(1);
            let (run, more) = rest.split_at(length);
            words.push(match tongue.signs.iter().find(|(sign, _)| *sign == c) {
                Some((_, name)) => (*name).to_owned(),
                None if c.is_ascii_digit() => digit_by_digit(run, tongue),
                None => run.to_owned(),
            });
            rest = more;
        }
        words.join(" ")
    }
}
