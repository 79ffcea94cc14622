//! Numbers read in groups, letters that are spelled, addresses that are dictated: speech with pauses that end nothing.

use super::words::words;

/// Digits as words. The second list are words of other meaning too: alone they do not make a number.
const DIGITS: [&str; 52] = [
    "zero",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "double",
    "triple",
    "treble",
    "hash",
    "plus",
    "shunya",
    "sunya",
    "teen",
    "chaar",
    "paanch",
    "panch",
    "chhe",
    "chhah",
    "saat",
    "aath",
    "nau",
    "शून्य",
    "एक",
    "दो",
    "तीन",
    "चार",
    "पांच",
    "पाँच",
    "छह",
    "छः",
    "छे",
    "सात",
    "आठ",
    "नौ",
    "डबल",
    "ट्रिपल",
    "ज़ीरो",
    "जीरो",
    "null",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "cinco",
    "siete",
];
const MAYBE_DIGITS: [&str; 14] = [
    "one",
    "oh",
    "o",
    "ek",
    "do",
    "char",
    "dash",
    "dot",
    "point",
    "underscore",
    "hyphen",
    "at",
    "eins",
    "neun",
];
/// Numbers of more digits that belong to a group ("forty two").
const TENS: [&str; 18] = [
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
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
];
/// Digits after which a telephone number is likely whole.
const WHOLE_NUMBER: usize = 10;
/// "My number is": something to be read follows.
const ANNOUNCES: [&str; 11] =
    ["number", "code", "pin", "email", "e-mail", "address", "account", "phone", "नंबर", "कोड", "id"];
const MAIL_ENDS: [&str; 14] =
    ["com", "net", "org", "in", "co", "de", "uk", "io", "edu", "gov", "fr", "es", "eu", "info"];
const MAIL_HOSTS: [&str; 7] = ["gmail", "yahoo", "hotmail", "outlook", "icloud", "rediffmail", "proton"];

/// What the bot's last words ask for, as far as it matters for pauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Anything,
    /// A number, a code, something spelled.
    Spelling,
    /// An e-mail address.
    Mail,
}

/// What the bot asks for.
pub fn wanted(bot_said: &str) -> Wanted {
    let said = words(bot_said);
    let has = |list: &[&str]| said.iter().any(|w| list.iter().any(|l| w.starts_with(l)));
    if has(&["email", "e-mail", "ईमेल"]) {
        return Wanted::Mail;
    }
    let spelling = [
        "number",
        "digit",
        "spell",
        "code",
        "pin",
        "zip",
        "postcode",
        "account",
        "phone",
        "mobile",
        "नंबर",
        "नम्बर",
        "कोड",
        "पिन",
        "स्पेल",
        "nummer",
        "número",
    ];
    if has(&spelling) { Wanted::Spelling } else { Wanted::Anything }
}

/// Whether the caller is in the middle of reading or spelling something.
pub fn is_in_the_middle(text: &str, wanted: Wanted) -> bool {
    let said = words(text);
    let Some(last) = said.last() else { return false };
    let announced = said.len() > 1
        && ANNOUNCES.contains(&said[said.len() - 2].as_str())
        && matches!(last.as_str(), "is" | "was" | "है" | "hai" | "ist" | "es");
    if announced || is_open_mail(text, &said, wanted) {
        return true;
    }
    let mut run: Vec<Token> = said.iter().rev().map(|w| token(w)).take_while(|t| *t != Token::Word).collect();
    run.reverse();
    let certain = run.iter().filter(|t| matches!(t, Token::Digits(_) | Token::Letter)).count();
    let digits: usize = run.iter().map(|t| t.digits()).sum();
    if digits >= WHOLE_NUMBER || (run.is_empty() && wanted == Wanted::Anything) {
        return false;
    }
    let asked = wanted != Wanted::Anything;
    let all = run.len() == said.len();
    match run.as_slice() {
        [] => false,
        // One digit or letter alone: part of something long only if that was asked for.
        [one] => {
            let is_digit = *one != Token::Maybe || all;
            (asked && is_digit) || (all && last.chars().filter(|c| c.is_numeric()).count() > 1)
        }
        _ => asked || certain >= 2 || (certain >= 1 && all),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// So many digits.
    Digits(usize),
    Letter,
    /// May be one or an ordinary word.
    Maybe,
    Word,
}

impl Token {
    fn digits(self) -> usize {
        match self {
            Self::Digits(n) => n,
            Self::Maybe => 1,
            Self::Letter | Self::Word => 0,
        }
    }
}

fn token(word: &str) -> Token {
    let count = word.chars().filter(|c| c.is_numeric()).count();
    let others = word.chars().filter(|c| c.is_alphabetic()).count();
    if count > 0 && others <= 2 {
        return Token::Digits(count);
    }
    if DIGITS.contains(&word) {
        return Token::Digits(1);
    }
    if TENS.contains(&word) {
        return Token::Digits(2);
    }
    if MAYBE_DIGITS.contains(&word) {
        return Token::Maybe;
    }
    match word.chars().count() {
        1 if matches!(word, "a" | "i") => Token::Maybe,
        1 => Token::Letter,
        // "J-O-H-N", "a.b.c"
        _ if word.split(['-', '.']).all(|part| part.chars().count() == 1) => Token::Letter,
        _ => Token::Word,
    }
}

/// A mail address that has begun and has no end yet.
fn is_open_mail(text: &str, said: &[String], wanted: Wanted) -> bool {
    let last = said.last().map(String::as_str).unwrap_or_default();
    let ends = said
        .windows(2)
        .any(|w| matches!(w[0].as_str(), "dot" | "punkt" | "डॉट") && MAIL_ENDS.contains(&w[1].as_str()))
        || said.iter().any(|w| MAIL_ENDS.iter().any(|end| w.ends_with(&format!(".{end}"))));
    if ends {
        return false;
    }
    let has_host = said.iter().any(|w| MAIL_HOSTS.contains(&w.as_str()));
    let begun = text.contains('@') || has_host || matches!(last, "dot" | "underscore" | "hyphen" | "dash");
    begun
        || (wanted == Wanted::Mail && said.len() > 1 && said.iter().any(|w| w == "at" || w == "dot"))
        || (wanted == Wanted::Mail && !text.trim_end().ends_with(['.', '?', '!', '।']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_letters_and_addresses_are_waited_for() {
        use Wanted::{Anything, Mail, Spelling};
        for (text, wanted, expected) in [
            ("Five five five.", Anything, true),
            ("555.", Anything, true),
            ("It is five five five", Anything, true),
            ("Double five.", Anything, true),
            ("पांच पांच छह।", Anything, true),
            ("५५५", Anything, true),
            ("J O H N", Anything, true),
            ("D-O-E", Spelling, true),
            ("nau aath saat", Anything, true),
            ("Four.", Spelling, true),
            ("My number is", Anything, true),
            ("I don't have one.", Spelling, false),
            ("john dot smith at gmail", Anything, true),
            ("john dot", Mail, true),
            ("john at", Mail, true),
            ("john at gmail dot com", Mail, false),
            ("john@gmail.com", Mail, false),
            ("Nine eight seven six five four three two one zero.", Spelling, false),
            ("9876543210", Anything, false),
            ("Tuesday at ten.", Anything, false),
            ("What should I do?", Anything, false),
            ("I have two kids.", Anything, false),
            ("For two.", Anything, false),
            ("yes", Anything, false),
            ("I don't have one here, sorry.", Spelling, false),
            ("No.", Spelling, false),
            ("No, thanks.", Mail, false),
            ("Doe with an E.", Anything, false),
        ] {
            assert_eq!(is_in_the_middle(text, wanted), expected, "{text} {wanted:?}");
        }
    }

    #[test]
    fn a_question_says_what_it_wants() {
        assert_eq!(wanted("Please tell me your phone number."), Wanted::Spelling);
        assert_eq!(wanted("How do you spell that?"), Wanted::Spelling);
        assert_eq!(wanted("What is your e-mail address?"), Wanted::Mail);
        assert_eq!(wanted("अपना नंबर बताइए।"), Wanted::Spelling);
        assert_eq!(wanted("How can I help?"), Wanted::Anything);
    }
}
