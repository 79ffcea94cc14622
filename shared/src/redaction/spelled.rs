//! What is made of letters: addresses of mail, accounts and taxpayers, written or spelled.

use std::ops::Range;

use super::check::{is_iban, is_pan};
use super::number::Number;
use super::token::{Reads, Token};
use crate::model::bot::Hidden;

/// Letters in one, spelled together: `WEST` of an account.
const LETTERS: usize = 6;
/// Pieces of a spoken address on each side of its "at": nobody spells a longer one.
const LONGEST_SIDE: usize = 40;
/// Ends of addresses that are believed when an address is spoken.
const ENDINGS: &[&str] = &[
    "com",
    "net",
    "org",
    "in",
    "co",
    "uk",
    "de",
    "io",
    "edu",
    "gov",
    "info",
    "biz",
    "me",
    "ai",
    "app",
    "dev",
    "us",
    "au",
    "ca",
    "fr",
    "eu",
    "ch",
    "at",
    "es",
    "it",
    "nl",
    "कॉम",
    "इन",
];
const DOTS: &[&str] = &["dot", "डॉट", "डाट", "point"];
const JOINTS: &[&str] = &["underscore", "dash", "hyphen", "minus", "plus", "अंडरस्कोर"];

/// Letters and digits that follow each other.
#[derive(Clone, Debug, Default)]
pub struct Spelled {
    /// What each token says, in capitals, and its bytes of the text.
    pieces: Vec<(String, Range<usize>)>,
    /// Which of them have nothing glued to their beginning, and to their end: there something may begin and end. In the midst
    /// of a hash or an id nothing does.
    is_free: Vec<(bool, bool)>,
}

impl Spelled {
    pub fn characters(&self) -> usize {
        self.pieces.iter().map(|(text, _)| text.len()).sum()
    }

    pub fn has_letters(&self) -> bool {
        self.pieces.iter().any(|(text, _)| text.bytes().any(|b| b.is_ascii_uppercase()))
    }

    /// Bytes of the text.
    pub fn at(&self) -> Range<usize> {
        let first = self.pieces.first().map_or(0, |(_, at)| at.start);
        first..self.pieces.last().map_or(first, |(_, at)| at.end)
    }

    fn push(&mut self, text: String, at: Range<usize>, is_free: (bool, bool)) {
        self.pieces.push((text, at));
        self.is_free.push(is_free);
    }

    /// The longest stretch from here on of which `is_it` holds.
    fn stretch(&self, from: usize, longest: usize, is_it: fn(&str) -> bool) -> Option<usize> {
        let (mut text, mut last) = (String::new(), None);
        for (place, (piece, _)) in self.pieces.iter().enumerate().skip(from) {
            text.push_str(piece);
            if text.len() > longest {
                break;
            }
            if self.is_free[place].1 && is_it(&text) {
                last = Some(place);
            }
        }
        last
    }

    /// Accounts and taxpayers in it.
    pub fn find(&self) -> Vec<(Hidden, Range<usize>)> {
        let (mut found, mut from) = (Vec::new(), 0);
        while from < self.pieces.len() {
            if !self.is_free[from].0 {
                from += 1;
                continue;
            }
            let iban = self.stretch(from, 34, is_iban).map(|last| (Hidden::Iban, last));
            let known = iban.or_else(|| self.stretch(from, 10, is_pan).map(|last| (Hidden::Pan, last)));
            match known {
                Some((kind, last)) => {
                    found.push((kind, self.pieces[from].1.start..self.pieces[last].1.end));
                    from = last + 1;
                }
                None => from += 1,
            }
        }
        found
    }
}

/// Every run of letters and digits.
pub fn spelled(tokens: &[Token], numbers: &[Number]) -> Vec<Spelled> {
    let (mut all, mut run, mut at) = (Vec::new(), Spelled::default(), 0);
    while at < tokens.len() {
        let token = &tokens[at];
        if let Some(number) = numbers.iter().find(|number| number.tokens.start == at) {
            let last = number.elements.len() - 1;
            let ends = (tokens[at].is_glued.0, tokens[number.tokens.end - 1].is_glued.1);
            for (place, element) in number.elements.iter().enumerate() {
                let is_free = (place > 0 || !ends.0, place < last || !ends.1);
                run.push(element.digits.clone(), element.at.clone(), is_free);
            }
            at = number.tokens.end;
            continue;
        }
        match &token.reads {
            Reads::Digits(digits) => run.push(digits.clone(), token.at.clone(), is_free(token)),
            Reads::Filler => {}
            _ if is_letters(token) => {
                run.push(token.word.to_ascii_uppercase(), token.at.clone(), is_free(token));
            }
            _ => all.push(std::mem::take(&mut run)),
        }
        at += 1;
    }
    all.push(run);
    all.retain(|run| !run.pieces.is_empty());
    all
}

fn is_free(token: &Token) -> (bool, bool) {
    (!token.is_glued.0, !token.is_glued.1)
}

fn is_letters(token: &Token) -> bool {
    let is_short = token.word.len() <= LETTERS && token.word.bytes().all(|b| b.is_ascii_lowercase());
    is_short && (token.word.len() == 1 || token.is_glued.0 || token.is_glued.1 || token.is_upper)
}

/// Addresses of mail, as they are written.
pub fn written_addresses(text: &str) -> Vec<Range<usize>> {
    let is_local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let is_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let local = text[..at].chars().rev().take_while(|c| is_local(*c)).map(char::len_utf8).sum::<usize>();
        let rest = &text[at + 1..];
        let domain: usize = rest.chars().take_while(|c| is_domain(*c)).map(char::len_utf8).sum();
        let domain = rest[..domain].trim_end_matches(['.', '-']);
        if local > 0 && domain.contains('.') {
            found.push(at - local..at + 1 + domain.len());
        }
    }
    found
}

/// Addresses of mail, as they are spoken: `asha dot kumar at example dot com`, `asha at the rate gmail.com`.
pub fn spoken_addresses(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in 1..tokens.len() {
        let word = |place: usize| tokens.get(place).map_or("", |token| token.word.as_str());
        if !matches!(word(at), "at" | "एट" | "ऐट") {
            continue;
        }
        let domain = match (word(at + 1), word(at + 2), word(at + 3)) {
            ("the" | "द", "rate" | "रेट", "of") => at + 4,
            ("the" | "द", "rate" | "रेट", _) => at + 3,
            _ => at + 1,
        };
        if let Some(last) = domain_end(text, tokens, domain) {
            let first = local_start(text, tokens, at - 1);
            found.push(tokens[first].at.start..tokens[last].at.end);
        }
    }
    found
}

/// Whether a dot stands before this token, written or spoken; and how many tokens it took.
fn dot(text: &str, tokens: &[Token], at: usize) -> Option<usize> {
    let (before, token) = (tokens.get(at.checked_sub(1)?)?, tokens.get(at)?);
    if &text[before.at.end..token.at.start] == "." {
        return Some(0);
    }
    (DOTS.contains(&token.word.as_str()) && at + 1 < tokens.len()).then_some(1)
}

fn domain_end(text: &str, tokens: &[Token], first: usize) -> Option<usize> {
    let (mut last, mut at) = (None, first + 1);
    while let Some(taken) = dot(text, tokens, at).filter(|_| at < first + LONGEST_SIDE) {
        let name = at + taken;
        if ENDINGS.contains(&tokens.get(name)?.word.as_str()) {
            last = Some(name);
        }
        at = name + 1;
    }
    last
}

fn local_start(text: &str, tokens: &[Token], last: usize) -> usize {
    let mut first = last;
    while first > 0 && first + LONGEST_SIDE > last {
        let (before, token) = (&tokens[first - 1], &tokens[first]);
        let between = &text[before.at.end..token.at.start];
        let is_joint = DOTS.contains(&before.word.as_str()) || JOINTS.contains(&before.word.as_str());
        let is_joined = matches!(between, "" | "." | "_" | "-" | "+");
        let is_letter =
            |token: &Token| token.word.chars().count() == 1 || matches!(token.reads, Reads::Digits(_));
        if is_joint && first > 1 {
            first -= 2;
        } else if is_joined || (is_letter(before) && is_letter(token)) {
            first -= 1;
        } else {
            break;
        }
    }
    first
}
