//! The last net, under the log of a process. No words are written there by rule; what an error quotes may hold some. Numbers that
//! a check tells from others never pass; while a call runs whose bot hides more from the log, nor does that.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use super::Redactor;
use crate::model::bot::Hidden;

/// A shorter text holds no such number.
const FEWEST_DIGITS: usize = 12;

/// What the running call hides: a worker has one call at a time.
static OF_THE_CALL: RwLock<Option<Redactor>> = RwLock::new(None);

/// The call's own net, until it is dropped.
#[derive(Debug)]
pub struct Net(());

impl Net {
    /// Hide this from everything that the process writes into its log.
    pub fn spread(rules: Redactor) -> Self {
        *OF_THE_CALL.write().unwrap_or_else(PoisonError::into_inner) = Some(rules);
        Self(())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        *OF_THE_CALL.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A text as it may be written.
pub fn clean(text: &str) -> Cow<'_, str> {
    let of_the_call = OF_THE_CALL.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(rules) = &*of_the_call {
        return match rules.text(text) {
            Cow::Borrowed(_) => always(text),
            Cow::Owned(hidden) => Cow::Owned(always(&hidden).into_owned()),
        };
    }
    always(text)
}

fn always(text: &str) -> Cow<'_, str> {
    if text.bytes().filter(u8::is_ascii_digit).count() < FEWEST_DIGITS {
        return Cow::Borrowed(text);
    }
    let checked = Redactor { kinds: vec![Hidden::Card, Hidden::Aadhaar, Hidden::Iban] };
    checked.text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cards_number_is_in_no_line_and_times_and_names_are() {
        assert_eq!(
            clean("the vendor said: '4111 1111 1111 1111' is bad"),
            "the vendor said: '[card]' is bad"
        );
        for other in
            ["took 1764427441123456 ns", "call_01K8Z4111111111111111ABCDE", "2026-11-29T14:44:01.123456Z"]
        {
            assert_eq!(clean(other), other);
        }
    }
}
