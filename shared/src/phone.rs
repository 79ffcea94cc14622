//! Telephone numbers as people, CRMs and carriers write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits of a number in E.164, at most.
const MAX_DIGITS: usize = 15;
/// Digits of the shortest number that is dialled: an emergency or service number.
const MIN_DIGITS: usize = 3;
/// The country whose numbers are known without their `+`.
const HOME: &str = "91";
/// Digits of a number within that country.
const HOME_DIGITS: usize = 10;

/// The text is no number that can be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no telephone number: write +, country code and number, like +919876543210 (3 to 15 digits)")]
pub struct BadNumber;

/// A number as it is dialled. White space, `-`, `.`, `/` and brackets are taken away; then a leading `+` is kept, a leading `91` gets
/// one, a leading `0` is kept, and whatever else is left as it is (contracts, section 3.5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(String);

impl Number {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two ways to write one number are the same, for lists of numbers: `0` and ten digits, or ten digits
    /// alone, are a number of the home country; `00` is the `+` of whoever dials abroad.
    pub fn comparable(&self) -> Self {
        let home = |digits: &str| Self(format!("+{HOME}{digits}"));
        let is_home = |digits: &str| digits.len() == HOME_DIGITS && !digits.starts_with('0');
        let text = self.0.as_str();
        if let Some(abroad) = text.strip_prefix("00").filter(|rest| !rest.starts_with('0')) {
            return Self(format!("+{abroad}"));
        }
        if let Some(digits) = text.strip_prefix('+') {
            // Ten digits that begin with the country's own code, and were taken for it.
            return if digits.starts_with(HOME) && is_home(digits) { home(digits) } else { self.clone() };
        }
        match text.strip_prefix('0').unwrap_or(text) {
            digits if is_home(digits) => home(digits),
            _ => self.clone(),
        }
    }
}

impl FromStr for Number {
    type Err = BadNumber;

    fn from_str(text: &str) -> Result<Self, BadNumber> {
        // No number is longer, however it is spaced.
        if text.len() > 64 {
            return Err(BadNumber);
        }
        let spacing = |c: &char| {
            c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')' | '/' | '\u{2010}' | '\u{2011}')
        };
        let kept: String = text.chars().filter(|c| !spacing(c)).collect();
        let (plus, digits) = match kept.strip_prefix('+') {
            Some(digits) => (true, digits),
            None => (kept.starts_with(HOME), kept.as_str()),
        };
        let is_number = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !(plus && digits.starts_with('0'));
        if !is_number {
            return Err(BadNumber);
        }
        Ok(Self(if plus { format!("+{digits}") } else { digits.to_owned() }))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_dialled_as_the_contract_says() {
        for (written, dialled) in [
            ("+919876543210", "+919876543210"),
            (" +91 (98765) 432-10 ", "+919876543210"),
            ("919876543210", "+919876543210"),
            ("09876543210", "09876543210"),
            ("9876543210", "9876543210"),
            ("+1.415.555.0100", "+14155550100"),
            ("14155550100", "14155550100"),
            ("112", "112"),
        ] {
            assert_eq!(written.parse::<Number>().map(|n| n.to_string()).as_deref(), Ok(dialled), "{written}");
        }
        let too_long = "1".repeat(16);
        for bad in [
            "",
            "+",
            "12",
            "+0123456",
            "abc",
            "98765x4321",
            "++91987",
            "+91+98",
            "sip:x@y",
            "٣٤٥٦",
            &too_long,
        ] {
            assert_eq!(bad.parse::<Number>(), Err(BadNumber), "{bad}");
        }
    }

    #[test]
    fn ways_to_write_one_number_compare_as_one() {
        let same = |text: &str| text.parse::<Number>().unwrap().comparable().to_string();
        for text in ["+919876543210", "919876543210", "09876543210", "9876543210", "00919876543210"] {
            assert_eq!(same(text), "+919876543210", "{text}");
        }
        for text in ["9198765432", "+919198765432", "09198765432"] {
            assert_eq!(same(text), "+919198765432", "{text}");
        }
        assert_eq!(
            (same("+14155550100"), same("112"), same("015112345678")),
            ("+14155550100".into(), "112".into(), "015112345678".into())
        );
    }
}
