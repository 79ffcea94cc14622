//! What must not leave a call is found in what was said, and a mark is put in its place: `[card]`. Pure; the same for the worker,
//! which hides it, and the bridge, which looks again.
//!
//! Numbers are found by what they are (a card's last digit is a check of the others) and by what the words around them say:
//! whoever was asked for a card's number, or says that it follows, is not waited for until it is complete. What is told over
//! several lines is put together; what was hidden once is hidden where it is repeated.

mod check;
mod context;
mod finder;
mod lines;
pub mod net;
mod number;
mod spelled;
mod token;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::model::bot::Hidden;
use crate::wire::result::Speaker;

pub use lines::Covered;

/// So many digits may become anything to be hidden.
const FEWEST_UNFINISHED: usize = 3;
/// Longest text that is looked at in one, bytes; of a longer one all digits are hidden behind that.
const LONGEST_TEXT_BYTES: usize = 64 * 1024;
/// Deepest value that is looked into.
const DEEPEST: usize = 64;

/// A line of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub by: Speaker,
    pub text: &'a str,
}

/// Something that is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Hidden,
    /// Bytes of the line.
    pub at: Range<usize>,
}

/// What was hidden in a call so far, in digits: it is known again where the words that gave it away are out of sight. It is
/// written nowhere.
#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<(Hidden, String)>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// Hides these kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redactor {
    kinds: Vec<Hidden>,
}

impl Redactor {
    /// `None` when there is nothing to hide.
    pub fn new(kinds: &[Hidden]) -> Option<Self> {
        (!kinds.is_empty()).then(|| Self { kinds: kinds.to_vec() })
    }

    pub(crate) fn hides(&self, kind: Hidden) -> bool {
        self.kinds.contains(&kind)
    }

    /// What is to be hidden in each line of a conversation, in order and apart from each other.
    pub fn find(&self, said: &[Said<'_>]) -> Vec<Vec<Found>> {
        self.find_again(said, &mut Secrets::default())
    }

    /// The same where some are known, to which what is found is added.
    pub fn find_again(&self, said: &[Said<'_>], known: &mut Secrets) -> Vec<Vec<Found>> {
        finder::find(self, said, known)
    }

    /// The lines without it, and without what is known.
    pub fn hide(&self, said: &[Said<'_>], known: &Secrets) -> Vec<String> {
        let found = self.find_again(said, &mut known.clone());
        found.iter().zip(said).map(|(found, said)| masked(said.text, found)).collect()
    }

    /// The last of the lines, whose words may still change: without it, and without the beginning of what may become it.
    pub fn hide_unfinished(&self, said: &[Said<'_>], known: &Secrets) -> String {
        let last = self.hide(said, known).pop().unwrap_or_default();
        let tokens = token::tokens(&last);
        let numbers = number::numbers(&tokens);
        let long = numbers.iter().filter(|number| number.digits().len() >= FEWEST_UNFINISHED);
        long.rev().fold(last.clone(), |mut text, number| {
            text.replace_range(number.at(), "[number]");
            text
        })
    }

    /// A text that stands alone.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.text_again(text, &Secrets::default())
    }

    /// The same where some of what is hidden is known: nothing in the text has to announce it.
    pub fn text_again<'a>(&self, text: &'a str, known: &Secrets) -> Cow<'a, str> {
        let end = text.floor_char_boundary(LONGEST_TEXT_BYTES);
        let (head, rest) = text.split_at(end);
        let found = self.find_again(&[Said { by: Speaker::System, text: head }], &mut known.clone());
        let found = found.into_iter().next().unwrap_or_default();
        if found.is_empty() && rest.is_empty() {
            return Cow::Borrowed(text);
        }
        let rest = rest.chars().map(|c| if c.is_numeric() { '#' } else { c });
        Cow::Owned(masked(head, &found).chars().chain(rest).collect())
    }

    /// Every text and every number of a value; the name of a field says what is in it, as words before it would.
    pub fn value(&self, value: &mut Value) {
        self.value_again(value, &Secrets::default());
    }

    /// The same where some of what is hidden is known, whatever the fields are called.
    pub fn value_again(&self, value: &mut Value, known: &Secrets) {
        self.value_of("", value, 0, known);
    }

    /// The same for the fields of an object.
    pub fn fields(&self, fields: &mut Map<String, Value>) {
        self.fields_again(fields, &Secrets::default());
    }

    /// [`Redactor::value_again`] for the fields of an object.
    pub fn fields_again(&self, fields: &mut Map<String, Value>, known: &Secrets) {
        fields.iter_mut().for_each(|(name, value)| self.value_of(name, value, 1, known));
    }

    fn value_of(&self, name: &str, value: &mut Value, depth: usize, known: &Secrets) {
        match value {
            _ if depth > DEEPEST => *value = Value::Null,
            Value::String(text) => {
                if let Some(hidden) = self.named_text(name, text, known) {
                    *text = hidden;
                }
            }
            Value::Number(number) => {
                if let Some(hidden) = self.named_text(name, &number.to_string(), known) {
                    *value = Value::String(hidden);
                }
            }
            Value::Array(items) => {
                items.iter_mut().for_each(|item| self.value_of(name, item, depth + 1, known));
            }
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, value)| self.value_of(name, value, depth + 1, known));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// `None` when nothing of it is hidden.
    fn named_text(&self, name: &str, text: &str, known: &Secrets) -> Option<String> {
        if name.is_empty() {
            return Some(self.text_again(text, known)).filter(|hidden| hidden != text).map(Cow::into_owned);
        }
        let before = format!("{} is ", words(name));
        let whole = format!("{before}{text}");
        let hidden = self.text_again(&whole, known);
        let rest = hidden.strip_prefix(before.as_str()).map(str::to_owned);
        // Something in the name itself: the text alone is looked at.
        rest.or_else(|| Some(self.text_again(text, known).into_owned())).filter(|rest| rest != text)
    }
}

/// The words of a field's name, however they are put together: `otp_code`, `otp-code`, `otpCode`, `OTPCode`.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let begins_small = letters.peek().is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && begins_small) {
            words.push(' ');
        }
        words.push(if matches!(letter, '_' | '-' | '.') { ' ' } else { letter });
        before = letter;
    }
    words
}

/// The text with marks.
fn masked(text: &str, found: &[Found]) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for Found { kind, at: hidden } in found {
        out.push_str(&text[at..hidden.start]);
        out.push_str(&kind.mark());
        at = hidden.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests;
