//! Numbers read in groups, letters that are spelled, addresses that are dictated: speech with pauses that end nothing.

mod lists;

use super::words::words;
use lists::{
    ANNOUNCES, AS_IN, ASKS_BIRTH, ASKS_LONG, ASKS_MAIL, ASKS_SPELLING, DIGITS, List, MAIL_ENDS, MAIL_HOSTS,
    MAYBE_DIGITS, MONTHS, NAMES_LONG, NO_ADDRESS, ORDINALS, SPELLING_ALPHABET, TENS, YEARS,
};

/// Digits after which a telephone number is likely whole …
const WHOLE_NUMBER: usize = 10;
/// … when it begins with a zero …
const WHOLE_WITH_ZERO: usize = 11;
/// … and the number of a card.
const WHOLE_CARD: usize = 16;
/// Digits of a number that nobody asked for, in one word: fewer are an age, an hour, a price.
const NUMBER_UNASKED: usize = 3;
/// An answer to "what is your mail address?" of more words is about something else.
const MAIL_WORDS: usize = 6;

/// What the bot's last words ask for, as far as it matters for pauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Anything,
    /// A telephone number, a short code, something spelled.
    Spelling,
    /// A number that may be longer: of a card, an account, an order.
    LongNumber,
    /// An e-mail address.
    Mail,
    /// A date of birth.
    Birth,
}

/// What the bot asks for: in its last question, or in all it said if it asked none.
pub fn wanted(bot_said: &str) -> Wanted {
    let mut sentences = bot_said.split_inclusive(['?', '？', '؟', '.', '!', '।']).map(str::trim);
    let question = sentences.rfind(|sentence| sentence.ends_with(['?', '？', '؟']));
    let said = words(question.unwrap_or(bot_said));
    let has = |list: List| said.iter().any(|w| list.begins(w));
    match () {
        () if has(ASKS_MAIL) => Wanted::Mail,
        () if has(ASKS_BIRTH) => Wanted::Birth,
        () if has(NAMES_LONG) || (has(ASKS_LONG) && has(ASKS_SPELLING)) => Wanted::LongNumber,
        () if has(ASKS_SPELLING) => Wanted::Spelling,
        () => Wanted::Anything,
    }
}

/// Whether the caller is in the middle of reading or spelling something.
pub fn is_in_the_middle(text: &str, wanted: Wanted) -> bool {
    let said = words(text);
    let Some(last) = said.last() else { return false };
    let announced = said.len() > 1
        && ANNOUNCES.has(&said[said.len() - 2])
        && matches!(last.as_str(), "is" | "was" | "है" | "hai" | "ist" | "es");
    if announced || is_open_mail(text, &said, wanted) || explains_a_letter(&said, wanted) {
        return true;
    }
    if wanted == Wanted::Birth {
        return is_open_date(&said);
    }
    is_open_run(&said, wanted)
}

/// Whether the text ends in a row of digits or letters that may go on.
fn is_open_run(said: &[String], wanted: Wanted) -> bool {
    let mut run: Vec<Token> =
        said.iter().rev().map(|w| token(w, wanted)).take_while(|t| *t != Token::Word).collect();
    run.reverse();
    let first = said.len() - run.len();
    // "At ten": an hour.
    if said.get(first).is_some_and(|w| w == "at") {
        run.remove(0);
        if wanted == Wanted::Anything && run.len() <= 2 {
            return false;
        }
    }
    let asked = wanted != Wanted::Anything;
    let certain = run.iter().filter(|t| matches!(t, Token::Digits(_) | Token::Letter)).count();
    let digits: usize = run.iter().map(|t| t.digits()).sum();
    if digits >= whole(&said[said.len() - run.len()..], wanted) {
        return false;
    }
    let all = run.len() == said.len();
    match run.as_slice() {
        [] => false,
        // One digit or letter alone: part of something long only if that was asked for.
        [one] => (asked && (*one != Token::Maybe || all)) || (all && one.digits() >= NUMBER_UNASKED),
        _ => asked || certain >= 2 || (certain >= 1 && all),
    }
}

/// So many digits are the whole number.
fn whole(run: &[String], wanted: Wanted) -> usize {
    let is_zero =
        |w: &String| w.starts_with('0') || matches!(w.as_str(), "zero" | "oh" | "o" | "null" | "शून्य");
    let is_abroad = run.first().is_some_and(|w| w.starts_with("00") || w == "plus")
        || (run.len() > 1 && run[..2].iter().all(is_zero));
    match wanted {
        Wanted::LongNumber => WHOLE_CARD,
        _ if is_abroad => usize::MAX,
        _ if run.first().is_some_and(is_zero) => WHOLE_WITH_ZERO,
        _ => WHOLE_NUMBER,
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

fn token(word: &str, wanted: Wanted) -> Token {
    let asked = wanted != Wanted::Anything;
    let count = word.chars().filter(|c| c.is_numeric()).count();
    let others = word.chars().filter(|c| c.is_alphabetic()).count();
    // "SW1A" and "AB12CD" are none where nobody asked for a code.
    if count > 0 && (others <= 2 || asked) {
        return Token::Digits(count);
    }
    if word.chars().all(|c| "零〇一二三四五六七八九".contains(c)) {
        return Token::Digits(others);
    }
    if DIGITS.has(word) {
        return Token::Digits(1);
    }
    if TENS.has(word) {
        return Token::Digits(2);
    }
    if MAYBE_DIGITS.has(word) {
        return Token::Maybe;
    }
    if asked && SPELLING_ALPHABET.has(word) {
        return Token::Letter;
    }
    match word.chars().count() {
        1 if matches!(word, "a" | "i") => Token::Maybe,
        1 => Token::Letter,
        // "J-O-H-N", "a.b.c"
        _ if word.split(['-', '.']).all(|part| part.chars().count() == 1) => Token::Letter,
        _ => Token::Word,
    }
}

/// "B as in boy": a letter and the word for it stand last.
fn explains_a_letter(said: &[String], wanted: Wanted) -> bool {
    let is_letter = |w: &String| w.chars().count() == 1 && w.chars().all(char::is_alphabetic);
    let links = if wanted == Wanted::Anything { &AS_IN[..1] } else { &AS_IN[..] };
    links.iter().any(|link| {
        let link = words(link);
        let Some(at) = said.len().checked_sub(link.len() + 2) else { return false };
        is_letter(&said[at]) && said[at + 1..=at + link.len()] == link[..]
    })
}

/// A date of birth that has no year yet.
fn is_open_date(said: &[String]) -> bool {
    let number = |w: &String| w.chars().filter(char::is_ascii_digit).count();
    let digits: usize = said.iter().map(number).sum();
    let begins = |w: &String| {
        MONTHS.has(w)
            || ORDINALS.has(w)
            || number(w) > 0
            || matches!(token(w, Wanted::Anything), Token::Digits(_))
    };
    let has_year =
        digits >= 6 || said.iter().any(|w| number(w) == 4) || said.iter().rev().skip(1).any(|w| YEARS.has(w));
    said.iter().any(begins) && !has_year
}

/// A mail address that has begun and has no end yet.
fn is_open_mail(text: &str, said: &[String], wanted: Wanted) -> bool {
    let last = said.last().map(String::as_str).unwrap_or_default();
    let ends =
        said.windows(2).any(|w| matches!(w[0].as_str(), "dot" | "punkt" | "डॉट") && MAIL_ENDS.has(&w[1]))
            || said.iter().any(|w| w.rsplit_once('.').is_some_and(|(_, end)| MAIL_ENDS.has(end)));
    if ends {
        return false;
    }
    let has_host = said.iter().any(|w| MAIL_HOSTS.has(w));
    let begun = text.contains('@') || has_host || matches!(last, "dot" | "underscore" | "hyphen" | "dash");
    let part_of_one = said.len() <= MAIL_WORDS
        && !text.trim_end().ends_with(['?', '!'])
        && !said.iter().any(|w| NO_ADDRESS.has(w));
    begun
        || (wanted == Wanted::Mail
            && (part_of_one || (said.len() > 1 && said.iter().any(|w| w == "at" || w == "dot"))))
        || (wanted == Wanted::Mail && !text.trim_end().ends_with(['.', '?', '!', '।']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_letters_and_addresses_are_waited_for() {
        use Wanted::{Anything, Birth, LongNumber, Mail, Spelling};
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
            // Codes, and letters that are explained.
            ("SW1A.", Spelling, true),
            ("SW1A.", Anything, false),
            ("B as in boy.", Spelling, true),
            ("B as in boy.", Anything, true),
            ("D for David.", Spelling, true),
            ("Bravo Charlie.", Spelling, true),
            ("Bravo, Charlie.", Anything, false),
            ("One eight hundred.", Spelling, true),
            // Longer than a telephone number.
            ("4242 4242 4242.", LongNumber, true),
            ("4242 4242 4242 4242.", LongNumber, false),
            ("Four two four two four two four two four two four two.", LongNumber, true),
            ("Plus nine one nine eight seven six five four three two.", Spelling, true),
            ("zero seven seven zero zero nine zero zero four six", Spelling, true),
            ("zero seven seven zero zero nine zero zero four six one", Spelling, false),
            ("cinco cinco cinco", Anything, true),
            ("zéro six", Anything, true),
            ("五五五", Anything, true),
            // Hours, ages and prices.
            ("At ten.", Anything, false),
            ("At ten thirty.", Anything, false),
            ("42.", Anything, false),
            ("21st.", Anything, false),
            // Mail addresses with a full stop.
            ("John.", Mail, true),
            ("John at example dot co.", Mail, true),
            ("John at example dot co dot uk.", Mail, false),
            ("I do not have one.", Mail, false),
            ("Can you text me instead of that?", Mail, false),
            // Dates.
            ("The fourth of March.", Birth, true),
            ("March 4th.", Birth, true),
            ("The fourth of March nineteen eighty five.", Birth, false),
            ("04/03/1985", Birth, false),
            ("Why do you ask?", Birth, false),
        ] {
            assert_eq!(is_in_the_middle(text, wanted), expected, "{text} {wanted:?}");
        }
    }

    #[test]
    fn a_question_says_what_it_wants() {
        for (question, expected) in [
            ("Please tell me your phone number.", Wanted::Spelling),
            ("How do you spell that?", Wanted::Spelling),
            ("What is your e-mail address?", Wanted::Mail),
            ("अपना नंबर बताइए।", Wanted::Spelling),
            ("How can I help?", Wanted::Anything),
            ("What is your card number?", Wanted::LongNumber),
            ("When were you born?", Wanted::Birth),
            ("Thank you for your phone number. Would Tuesday work?", Wanted::Anything),
            ("What is your phone number? Take your time.", Wanted::Spelling),
        ] {
            assert_eq!(wanted(question), expected, "{question}");
        }
    }
}
