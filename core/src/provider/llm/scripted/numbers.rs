//! English number words, from speech and back.

use vox_shared::numerals::{ENGLISH as SMALL, ORDINALS, TENS};

/// Largest number that is understood.
const LARGEST: i64 = 999_999;

/// A number and how many words it took.
pub(super) type Read = Option<(i64, usize)>;

/// The cardinal that begins here: `7`, `seven`, `twenty five`, `two hundred and ten`.
pub(super) fn cardinal(words: &[String]) -> Read {
    if let Some(number) = words.first()?.parse().ok().filter(|number| (0..=LARGEST).contains(number)) {
        return Some((number, 1));
    }
    let (mut total, mut length) = below_thousand(words)?;
    if words.get(length).is_some_and(|word| word == "thousand") {
        (total, length) = (total * 1000, length + 1);
        if let Some((rest, more)) = below_thousand(&words[after_and(words, length)..]) {
            (total, length) = (total + rest, after_and(words, length) + more);
        }
    }
    Some((total, length))
}

fn below_thousand(words: &[String]) -> Read {
    let (hundreds, mut length) = match words.first().map(String::as_str) {
        Some("a") if words.get(1).is_some_and(|word| word == "hundred" || word == "thousand") => (1, 1),
        _ => below_hundred(words)?,
    };
    if words.get(length).is_none_or(|word| word != "hundred") {
        return Some((hundreds, length));
    }
    length += 1;
    match below_hundred(&words[after_and(words, length)..]) {
        Some((rest, more)) => Some((hundreds * 100 + rest, after_and(words, length) + more)),
        None => Some((hundreds * 100, length)),
    }
}

/// Where the number goes on after `hundred`, with or without an `and`.
fn after_and(words: &[String], at: usize) -> usize {
    if words.get(at).is_some_and(|word| word == "and") { at + 1 } else { at }
}

/// `seven`, `twenty`, `twenty five`.
pub(super) fn below_hundred(words: &[String]) -> Read {
    let first = words.first()?.as_str();
    if let Some(small) = SMALL.iter().position(|word| *word == first) {
        return Some((small as i64, 1));
    }
    let tens = TENS[2..].iter().position(|word| *word == first)? as i64 * 10 + 20;
    let ones = words.get(1).and_then(|word| SMALL[1..10].iter().position(|one| one == word));
    Some(ones.map_or((tens, 1), |one| (tens + one as i64 + 1, 2)))
}

/// `third`, `twenty first`, `3rd`, up to 31.
pub(super) fn ordinal(words: &[String]) -> Read {
    let first = words.first()?.as_str();
    if let Some(at) = ORDINALS[1..].iter().position(|word| *word == first) {
        return Some((at as i64 + 1, 1));
    }
    let number = ["st", "nd", "rd", "th"].iter().find_map(|suffix| first.strip_suffix(suffix)?.parse().ok());
    if let Some(number) = number {
        return Some((number, 1));
    }
    match (first, words.get(1).and_then(|word| ORDINALS[1..10].iter().position(|one| one == word))) {
        ("twenty", Some(one)) => Some((21 + one as i64, 2)),
        ("thirty", Some(0)) => Some((31, 2)),
        ("thirtieth", _) => Some((30, 1)),
        _ => None,
    }
}

/// Digits read one by one: `oh nine double five 12` is `0955` and `12`.
pub(super) fn digits(words: &[String]) -> (String, usize) {
    let mut digits = String::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let (times, next) = match word.as_str() {
            "double" => (2, at + 1),
            "triple" => (3, at + 1),
            _ => (1, at),
        };
        match words.get(next).and_then(|word| digit_word(word)) {
            Some(run) => digits.push_str(&run.repeat(times)),
            None => break,
        }
        at = next + 1;
    }
    (digits, at)
}

fn digit_word(word: &str) -> Option<String> {
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.to_owned());
    }
    if matches!(word, "oh" | "o") {
        return Some("0".into());
    }
    SMALL[..10].iter().position(|small| *small == word).map(|digit| digit.to_string())
}

/// What a short word may have been when only a number can be meant.
pub(super) fn sounds_like(word: &str) -> Option<i64> {
    Some(match word {
        "won" | "want" => 1,
        "to" | "too" => 2,
        "tree" | "free" => 3,
        "for" | "fore" => 4,
        "fife" | "hive" => 5,
        "sex" | "sicks" => 6,
        "ate" => 8,
        "nein" | "line" => 9,
        "then" => 10,
        _ => return None,
    })
}

/// 0 to 99 in words.
pub(super) fn in_words(number: i64) -> String {
    let Ok(number) = usize::try_from(number) else { return number.to_string() };
    match (SMALL.get(number), number) {
        (Some(small), _) => (*small).to_owned(),
        (None, 20..=99) => match (TENS[number / 10], number % 10) {
            (tens, 0) => tens.to_owned(),
            (tens, one) => format!("{tens} {}", SMALL[one]),
        },
        _ => number.to_string(),
    }
}

/// 1 to 31 as an ordinal in words.
pub(super) fn ordinal_in_words(number: i64) -> String {
    match usize::try_from(number) {
        Ok(number @ 1..=20) => ORDINALS[number].to_owned(),
        Ok(number @ 21..=29) => format!("twenty {}", ORDINALS[number - 20]),
        Ok(30) => "thirtieth".to_owned(),
        Ok(31) => "thirty first".to_owned(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::model::script::words::words;

    use super::*;

    fn check(said: &str, expected: Read) {
        assert_eq!(cardinal(&words(said)), expected, "{said}");
    }

    #[test]
    fn cardinals_are_read() {
        check("seven", Some((7, 1)));
        check("42 please", Some((42, 1)));
        check("twenty five", Some((25, 2)));
        check("a hundred and five of", Some((105, 4)));
        check("two thousand three hundred and ten", Some((2310, 6)));
        check("twelve thousand", Some((12_000, 2)));
        check("a person", None);
        check("9999999", None);
    }

    #[test]
    fn ordinals_and_digits_are_read() {
        assert_eq!(ordinal(&words("twenty first")), Some((21, 2)));
        assert_eq!(ordinal(&words("3rd")), Some((3, 1)));
        assert_eq!(ordinal(&words("three")), None);
        assert_eq!(digits(&words("oh nine double five 12 and")), ("095512".to_owned(), 5));
    }

    #[test]
    fn numbers_are_written_out() {
        for number in 0..100 {
            assert_eq!(cardinal(&words(&in_words(number))).map(|read| read.0), Some(number));
        }
        for number in 1..32 {
            assert_eq!(ordinal(&words(&ordinal_in_words(number))).map(|read| read.0), Some(number));
        }
    }
}
