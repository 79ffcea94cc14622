//! Numbers in words.

use super::tongue::{Counting, Tongue};

/// A whole number in words; the largest scale is counted in words itself, `one lakh crore`.
pub fn in_words(number: u64, tongue: &Tongue, counting: Counting) -> String {
    let mut words = Vec::new();
    let mut rest = number;
    for (worth, scale) in tongue.scales(counting) {
        let count = rest / worth;
        rest %= worth;
        if count > 0 {
            words.push(format!("{} {scale}", in_words(count, tongue, counting)));
        }
    }
    if rest > 0 || words.is_empty() {
        words.push((tongue.below_hundred)(rest));
    }
    words.join(" ")
}

/// Digits one by one. What is no digit is left out.
pub fn digit_by_digit(digits: &str, tongue: &Tongue) -> String {
    let words = digits.chars().filter_map(|c| c.to_digit(10)).map(|d| (tongue.below_hundred)(d.into()));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{ENGLISH, HINDI};
    use super::*;

    #[test]
    fn numbers_are_said_by_lakh_and_crore() {
        for (number, english, hindi) in [
            (0, "zero", "शून्य"),
            (7, "seven", "सात"),
            (10, "ten", "दस"),
            (19, "nineteen", "उन्नीस"),
            (20, "twenty", "बीस"),
            (29, "twenty-nine", "उनतीस"),
            (45, "forty-five", "पैंतालीस"),
            (59, "fifty-nine", "उनसठ"),
            (79, "seventy-nine", "उन्यासी"),
            (89, "eighty-nine", "नवासी"),
            (99, "ninety-nine", "निन्यानवे"),
            (100, "one hundred", "एक सौ"),
            (101, "one hundred one", "एक सौ एक"),
            (999, "nine hundred ninety-nine", "नौ सौ निन्यानवे"),
            (1_000, "one thousand", "एक हज़ार"),
            (12_345, "twelve thousand three hundred forty-five", "बारह हज़ार तीन सौ पैंतालीस"),
            (99_999, "ninety-nine thousand nine hundred ninety-nine", "निन्यानवे हज़ार नौ सौ निन्यानवे"),
            (100_000, "one lakh", "एक लाख"),
            (150_000, "one lakh fifty thousand", "एक लाख पचास हज़ार"),
            (1_000_001, "ten lakh one", "दस लाख एक"),
            (10_000_000, "one crore", "एक करोड़"),
            (
                12_345_678,
                "one crore twenty-three lakh forty-five thousand six hundred seventy-eight",
                "एक करोड़ तेईस लाख पैंतालीस हज़ार छह सौ अठहत्तर",
            ),
            (1_000_000_000_000, "one lakh crore", "एक लाख करोड़"),
        ] {
            assert_eq!(in_words(number, &ENGLISH, Counting::Indian), english);
            assert_eq!(in_words(number, &HINDI, Counting::Indian), hindi);
        }
        let most = in_words(u64::MAX, &ENGLISH, Counting::Indian);
        assert!(
            most.starts_with("one lakh eighty-four thousand four hundred sixty-seven crore forty-four lakh")
        );
    }

    #[test]
    fn elsewhere_they_are_said_by_million() {
        for (number, words) in [
            (125_000, "one hundred twenty-five thousand"),
            (2_000_000, "two million"),
            (1_000_000_001, "one billion one"),
            (3_000_000_000_000, "three trillion"),
        ] {
            assert_eq!(in_words(number, &ENGLISH, Counting::Western), words);
        }
        assert_eq!(in_words(125_000, &HINDI, Counting::Western), "एक लाख पच्चीस हज़ार");
    }

    #[test]
    fn every_number_below_a_hundred_has_a_word_of_its_own() {
        for tongue in super::super::TONGUES {
            let words: std::collections::BTreeSet<String> =
                (0..100).map(|n| in_words(n, tongue, Counting::Indian)).collect();
            assert_eq!(words.len(), 100, "{}", tongue.tag);
        }
    }
}
