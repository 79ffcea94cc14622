//! Whole numbers in words, as they are said in India: by hundred, thousand, lakh and crore.

use vox_shared::numerals::{ENGLISH, HINDI, TENS};

use super::Language;

/// From the largest down: what a unit is worth, and its word in both languages.
const UNITS: [(u64, &str, &str); 4] = [
    (10_000_000, "crore", "करोड़"),
    (100_000, "lakh", "लाख"),
    (1_000, "thousand", "हज़ार"),
    (100, "hundred", "सौ"),
];

/// A number in words; crores are counted in words themselves, `one lakh crore`.
pub fn in_words(number: u64, language: Language) -> String {
    let mut words = Vec::new();
    let mut rest = number;
    for (worth, english, hindi) in UNITS {
        let count = rest / worth;
        rest %= worth;
        if count > 0 {
            let unit = match language {
                Language::English => english,
                Language::Hindi => hindi,
            };
            words.push(format!("{} {unit}", in_words(count, language)));
        }
    }
    if rest > 0 || words.is_empty() {
        words.push(below_hundred(usize::try_from(rest).unwrap_or_default(), language));
    }
    words.join(" ")
}

fn below_hundred(number: usize, language: Language) -> String {
    match (language, number) {
        (Language::Hindi, _) => HINDI[number].to_owned(),
        (Language::English, 0..20) => ENGLISH[number].to_owned(),
        (Language::English, _) if number.is_multiple_of(10) => TENS[number / 10].to_owned(),
        (Language::English, _) => format!("{}-{}", TENS[number / 10], ENGLISH[number % 10]),
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(in_words(number, Language::English), english);
            assert_eq!(in_words(number, Language::Hindi), hindi);
        }
        let most = in_words(u64::MAX, Language::English);
        assert!(
            most.starts_with("one lakh eighty-four thousand four hundred sixty-seven crore forty-four lakh")
        );
    }

    #[test]
    fn every_number_below_a_hundred_has_a_word_of_its_own() {
        for language in [Language::English, Language::Hindi] {
            let words: std::collections::BTreeSet<String> = (0..100).map(|n| in_words(n, language)).collect();
            assert_eq!(words.len(), 100);
        }
    }
}
