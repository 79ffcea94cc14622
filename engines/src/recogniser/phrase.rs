//! Expected phrases as a bot's author wrote them, turned into words that have a pronunciation.

/// Stands for a spoken row of digits.
pub const DIGITS: &str = "<digits>";

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The spoken words of a phrase, in lower case: punctuation goes, numbers are written out (up to 99 as one,
/// longer ones digit by digit).
pub fn spoken_words(phrase: &str) -> Vec<String> {
    let plain = phrase.to_lowercase().replace(['’', '‘'], "'");
    let mut words = Vec::new();
    for run in plain.split(|c: char| !c.is_alphanumeric() && c != '\'') {
        let run = run.trim_matches('\'');
        let letters = run.find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len());
        let (number, word) = run.split_at(letters);
        words.extend(spoken_number(number));
        if !word.is_empty() {
            words.push(word.to_owned());
        }
    }
    words
}

fn spoken_number(digits: &str) -> Vec<String> {
    let one = |digit: char| ONES[digit.to_digit(10).unwrap_or(0) as usize].to_owned();
    match digits.parse::<usize>() {
        Ok(value) if digits.len() <= 2 && value < ONES.len() && (digits.len() == 1 || value >= 10) => {
            vec![ONES[value].to_owned()]
        }
        Ok(value) if digits.len() == 2 && value >= 20 => {
            let rest = (value % 10 > 0).then(|| ONES[value % 10].to_owned());
            std::iter::once(TENS[value / 10].to_owned()).chain(rest).collect()
        }
        _ => digits.chars().map(one).collect(),
    }
}

/// The words that a row of digits is made of.
pub fn digit_words() -> impl Iterator<Item = &'static str> {
    ONES[..10].iter().copied().chain(["oh"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_become_plain_words() {
        let check = |phrase: &str, expected: &str| assert_eq!(spoken_words(phrase).join(" "), expected);
        check("Yes, please!", "yes please");
        check("I’d like that", "i'd like that");
        check("'quoted' check-up", "quoted check up");
        check("at 9:30", "at nine thirty");
        check("9am on the 21", "nine am on the twenty one");
        check("10 11 19 20 42 07", "ten eleven nineteen twenty forty two zero seven");
        check("PIN 1234", "pin one two three four");
        check(" ?! ", "");
    }
}
