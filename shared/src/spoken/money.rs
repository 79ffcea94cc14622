//! Amounts of money in words.

use super::number::in_words;
use super::tongue::{Counting, Currency, Tongue};

/// `one lakh twenty rupees and fifty paise`, `एक लाख बीस रुपये पचास पैसे`. `hundredths` is below a hundred.
pub fn amount_in_words(
    (whole, hundredths): (u64, u64),
    currency: &Currency,
    tongue: &Tongue,
    counting: Counting,
) -> String {
    let counted = |count: u64, one: &str, many: &str| {
        format!("{} {}", in_words(count, tongue, counting), if count == 1 { one } else { many })
    };
    let small = || counted(hundredths, currency.small_one, currency.small_many);
    match (whole, hundredths) {
        (_, 0) => counted(whole, currency.one, currency.many),
        (0, _) => small(),
        _ => format!("{}{}{}", counted(whole, currency.one, currency.many), tongue.and, small()),
    }
}

/// The rupee in a language's words.
pub fn rupee(tongue: &'static Tongue) -> &'static Currency {
    let is_rupee = |currency: &&Currency| currency.signs.contains(&"₹");
    tongue.currencies.iter().find(is_rupee).expect("every language has the rupee: a test holds that")
}

#[cfg(test)]
mod tests {
    use super::super::TONGUES;
    use super::*;

    #[test]
    fn every_language_has_the_rupee() {
        for tongue in TONGUES {
            assert_eq!(rupee(tongue).counting, Counting::Indian, "{}", tongue.tag);
        }
    }
}
