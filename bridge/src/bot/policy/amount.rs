//! Amounts of rupees in words.

use serde_json::Value;
use vox_shared::spoken::money::{amount_in_words, rupee};
use vox_shared::spoken::{Counting, Tongue};

/// Most digits before the point: a thousand crore crore.
const MAX_DIGITS: usize = 17;
/// What people write around an amount, in lower case.
const MARKS: [&str; 7] = ["₹", "inr", "rs.", "rs", "rupees", "/-", "रुपये"];

/// Rupees and paise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    rupees: u64,
    paise: u8,
}

impl Amount {
    /// Read `12345.5`, `"1,23,456.50"`, `"₹ 5,000/-"` or `"Rs. 5000"`, rounded to paise. `None` for anything else, a negative amount
    /// among it: whoever owes less than nothing is not to be told a number.
    pub fn read(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => bare(text),
            _ => return None,
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let is_whole = (1..=MAX_DIGITS).contains(&whole.len());
        if !is_whole || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |b| u64::from(b - b'0'));
        let rounded = digit(0) * 10 + digit(1) + u64::from(digit(2) >= 5);
        let rupees: u64 = whole.parse().ok()?;
        Some(Self { rupees: rupees + rounded / 100, paise: u8::try_from(rounded % 100).ok()? })
    }

    /// `one lakh twenty rupees and fifty paise`, `एक लाख बीस रुपये पचास पैसे`.
    pub fn in_words(self, tongue: &'static Tongue) -> String {
        amount_in_words((self.rupees, self.paise.into()), rupee(tongue), tongue, Counting::Indian)
    }
}

/// Without currency, commas and white space.
fn bare(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let mut text = lower.as_str();
    for mark in MARKS {
        text = text.strip_prefix(mark).unwrap_or(text).trim();
        text = text.strip_suffix(mark).unwrap_or(text).trim();
    }
    text.replace([',', ' ', '\u{a0}'], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use vox_shared::spoken::{ENGLISH, HINDI};

    #[test]
    fn amounts_are_read_as_people_write_them_and_said_in_words() {
        for (value, english, hindi) in [
            (
                json!(12345.5),
                "twelve thousand three hundred forty-five rupees and fifty paise",
                "बारह हज़ार तीन सौ पैंतालीस रुपये पचास पैसे",
            ),
            (
                json!("1,23,456"),
                "one lakh twenty-three thousand four hundred fifty-six rupees",
                "एक लाख तेईस हज़ार चार सौ छप्पन रुपये",
            ),
            (json!("₹ 5,000/-"), "five thousand rupees", "पाँच हज़ार रुपये"),
            (json!("Rs. 1"), "one rupee", "एक रुपया"),
            (json!("INR 2.01"), "two rupees and one paisa", "दो रुपये एक पैसा"),
            (json!("0.75"), "seventy-five paise", "पचहत्तर पैसे"),
            (json!(0), "zero rupees", "शून्य रुपये"),
            (json!("25000000 rupees"), "two crore fifty lakh rupees", "दो करोड़ पचास लाख रुपये"),
            (json!("9.999"), "ten rupees", "दस रुपये"),
            (json!("9.994"), "nine rupees and ninety-nine paise", "नौ रुपये निन्यानवे पैसे"),
        ] {
            let amount = Amount::read(&value).unwrap_or_else(|| panic!("{value}"));
            assert_eq!(amount.in_words(&ENGLISH), english);
            assert_eq!(amount.in_words(&HINDI), hindi);
        }
    }

    #[test]
    fn what_is_no_amount_is_not_said() {
        for value in [
            json!(-5),
            json!("-5"),
            json!(""),
            json!("abc"),
            json!("1.2.3"),
            json!(null),
            json!([5]),
            json!(1e30),
            json!("5 USD"),
            json!("₹"),
            json!("."),
            json!(".5"),
            json!("123456789012345678901"),
            json!("१२३"),
        ] {
            assert_eq!(Amount::read(&value), None, "{value}");
        }
    }
}
