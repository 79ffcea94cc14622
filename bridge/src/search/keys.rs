//! What a call is found by beside its words: its bot, its numbers, how it ended. Each is a word of its own that no transcript can have,
//! since it begins with a sign.

use vox_shared::phone::Number;

/// One thing that a call is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// Every call has it.
    Any,
    Bot(&'a str),
    Status(&'a str),
    /// `disconnected_by`.
    End(&'a str),
    /// `incoming` or `outgoing`.
    Direction(&'a str),
    Campaign(&'a str),
    Disposition(&'a str),
    /// A vendor of the call, whatever it did there.
    Vendor(&'a str),
    /// The caller's number, as it compares.
    From(&'a str),
    /// The called one.
    To(&'a str),
}

/// Longest value of a key, bytes; what is longer is cut, and found by its beginning.
const MAX_VALUE_BYTES: usize = 160;

impl Key<'_> {
    /// The word.
    pub fn word(self) -> String {
        let (name, value) = match self {
            Self::Any => ("call", ""),
            Self::Bot(value) => ("bot", value),
            Self::Status(value) => ("status", value),
            Self::End(value) => ("end", value),
            Self::Direction(value) => ("direction", value),
            Self::Campaign(value) => ("campaign", value),
            Self::Disposition(value) => ("disposition", value),
            Self::Vendor(value) => ("vendor", value),
            Self::From(value) => ("from", value),
            Self::To(value) => ("to", value),
        };
        format!("={name}:{}", cut(value))
    }
}

fn cut(value: &str) -> &str {
    let end = (0..=MAX_VALUE_BYTES.min(value.len())).rev().find(|at| value.is_char_boundary(*at));
    &value[..end.unwrap_or(0)]
}

/// A number in the form that compares, however it was written.
pub fn comparable(number: &str) -> Option<String> {
    Some(number.parse::<Number>().ok()?.comparable().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::MAX_WORD_BYTES;

    #[test]
    fn a_key_is_a_word_that_can_be_indexed() {
        assert_eq!(Key::Bot("faq").word(), "=bot:faq");
        let long = "ü".repeat(1_000);
        let word = Key::Disposition(&long).word();
        assert!(word.len() <= MAX_WORD_BYTES && word.ends_with('ü'));
    }

    #[test]
    fn numbers_compare_however_they_are_written() {
        assert_eq!(comparable("0091 91234 56789"), comparable("+919123456789"));
        assert_eq!(comparable("nobody"), None);
    }
}
