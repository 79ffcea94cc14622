//! What the words around a number say of it.

use std::ops::Range;

use super::token::{Reads, Token};
use crate::model::bot::Hidden;

/// Words between "card number" and the number that lead from one to the other.
const LINKS: &[&str] = &[
    "number",
    "numbers",
    "no",
    "is",
    "its",
    "it",
    "s",
    "are",
    "the",
    "my",
    "that",
    "thats",
    "this",
    "on",
    "code",
    "starts",
    "start",
    "with",
    "begins",
    "as",
    "follows",
    "digits",
    "digit",
    "first",
    "so",
    "yes",
    "yeah",
    "okay",
    "ok",
    "sure",
    "please",
    "here",
    "you",
    "go",
    "credit",
    "debit",
    "visa",
    "mastercard",
    "rupay",
    "amex",
    "have",
    "i",
    "a",
    "keypad",
    "sir",
    "madam",
    "well",
    "mera",
    "meri",
    "hai",
    "ka",
    "ki",
    "ji",
    "haan",
    "मेरा",
    "मेरी",
    "मेरे",
    "है",
    "हैं",
    "का",
    "की",
    "के",
    "नंबर",
    "नम्बर",
    "कोड",
    "जी",
];
/// Tokens between a word that says exactly what a number is, and the number.
const NEAR: usize = 6;
/// The same for words that say it roughly, over [`LINKS`] only.
const FAR: usize = 14;
/// Words behind a number that may say what it was.
const BEHIND: usize = 4;
/// Of the end of a number that receipts show.
const ENDING_DIGITS: usize = 4;
/// With a word behind it, a card or a telephone has so many digits.
const MANY: usize = 8;
/// Words of a sentence that adds nothing to a question: "Go ahead."
const SHORT: usize = 5;
/// What is asked for or told is another number.
const OTHERS: &[&str] = &[
    "order",
    "orders",
    "booking",
    "invoice",
    "reference",
    "ticket",
    "policy",
    "loan",
    "amount",
    "date",
    "age",
    "year",
    "many",
    "much",
    "price",
    "bill",
    "balance",
    "limit",
    "paid",
    "pay",
    "charged",
    "charge",
    "cost",
    "total",
    "zip",
    "pincode",
    "postcode",
    "room",
    "flat",
    "house",
    "quantity",
    "ऑर्डर",
    "आर्डर",
    "रकम",
    "राशि",
    "तारीख",
    "उम्र",
    "बिल",
    "लोन",
    "कितने",
];
/// How a question begins that asks for no number that is hidden.
const QUESTIONS: &[&str] =
    &["when", "where", "who", "why", "how", "which", "कब", "कहाँ", "कहां", "कौन", "क्यों", "कैसे", "kab", "kahan"];
/// What begins another question in the same sentence.
const CLAUSES: &[&str] = &[
    "and",
    "or",
    "but",
    "now",
    "then",
    "what",
    "which",
    "how",
    "when",
    "whats",
    "aur",
    "और",
    "या",
    "अब",
    "क्या",
    "कितने",
];
/// How a line ends whose number comes in the next one.
const ANNOUNCE: &[&str] =
    &["is", "are", "s", "follows", "number", "no", "code", "with", "hai", "है", "हैं", "नंबर", "नम्बर", "कोड"];
/// Only the end of it is told, as on every receipt.
const ENDINGS: &[&str] = &["ending", "ends", "end", "last", "final", "अंतिम", "आखिरी", "aakhri"];

/// Where a word says what a number is.
pub struct Named {
    kind: Hidden,
    tokens: Range<usize>,
}

/// Each place of a text that names a kind of number.
pub fn named(tokens: &[Token]) -> Vec<Named> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let mut found: Vec<Named> = Vec::new();
    for at in 0..tokens.len() {
        let three = (word(at), word(at + 1), word(at + 2));
        let (kind, length) = match three {
            ("pin" | "पिन", "code" | "कोड" | "codes", _) => continue,
            ("sim" | "gift" | "id" | "identity" | "ration" | "business" | "report", "card" | "कार्ड", _) =>
            {
                continue;
            }
            ("pan" | "पैन", "card" | "कार्ड", _) => (Hidden::Pan, 2),
            ("aadhaar" | "aadhar" | "adhaar" | "adhar" | "आधार", "card" | "कार्ड", _) => {
                (Hidden::Aadhaar, 2)
            }
            ("o", "t", "p")
            | ("ओ", "टी", "पी")
            | ("one", "time", "password" | "code" | "pin" | "passcode") => (Hidden::Otp, 3),
            ("c", "v", "v" | "c") | ("सी", "वी", "वी" | "सी") => (Hidden::Cvv, 3),
            ("security" | "verification", "number", _) | ("security", "code", _) => (Hidden::Cvv, 2),
            ("verification" | "confirmation" | "access", "code", _) => (Hidden::Otp, 2),
            ("cvv" | "cvc" | "cvv2" | "cvc2" | "सीवीवी" | "सीवीसी", ..) => {
                (Hidden::Cvv, 1)
            }
            ("otp" | "passcode" | "ओटीपी", ..) => (Hidden::Otp, 1),
            ("pin" | "mpin" | "पिन" | "एमपिन", ..) => (Hidden::Pin, 1),
            ("aadhaar" | "aadhar" | "adhaar" | "adhar" | "आधार" | "uidai", ..) => {
                (Hidden::Aadhaar, 1)
            }
            ("pan" | "पैन", ..) => (Hidden::Pan, 1),
            ("iban" | "आईबैन" | "आइबैन", ..) => (Hidden::Iban, 1),
            ("card" | "cards" | "कार्ड", ..) => (Hidden::Card, 1),
            (
                "phone"
                | "mobile"
                | "telephone"
                | "whatsapp"
                | "callback"
                | "फोन"
                | "मोबाइल"
                | "मोबाईल"
                | "व्हाट्सएप",
                ..,
            )
            | ("contact" | "cell", "number", _) => (Hidden::Phone, 1),
            _ => continue,
        };
        // The rest of a longer name is none of its own.
        if found.last().is_none_or(|last| last.tokens.end <= at) {
            found.push(Named { kind, tokens: at..at + length });
        }
    }
    found
}

/// What the number in these tokens of a text is, by the text itself; `named` are the names in it.
pub fn told((tokens, named): (&[Token], &[Named]), number: &Range<usize>, digits: usize) -> Option<Hidden> {
    let before = named.iter().rev().find(|name| name.tokens.end <= number.start);
    if let Some(name) = before {
        let between = &tokens[name.tokens.end..number.start];
        let leads = between.len() <= FAR && between.iter().all(is_link);
        let is_near = says_exactly(name.kind) && between.len() <= NEAR && !between.iter().any(is_other);
        if leads || is_near {
            return Some(name.kind);
        }
    }
    let behind = named.iter().find(|name| name.tokens.start >= number.end)?;
    let between = &tokens[number.end..behind.tokens.start];
    let leads = between.len() <= BEHIND && between.iter().all(is_link);
    (leads && (says_exactly(behind.kind) || digits >= MANY)).then_some(behind.kind)
}

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A number to be hidden.
    For(Hidden),
    /// Something else: what was asked for before is not waited for any more.
    Another,
    /// Nothing: a question before it stands.
    Nothing,
}

/// What somebody asks for with these words.
pub fn asks(text: &str, tokens: &[Token]) -> Asks {
    let mut sentences = sentences(text, tokens).into_iter().rev();
    let Some(last) = sentences.next() else { return Asks::Nothing };
    match asked_in(&tokens[last.clone()]) {
        Asks::Nothing if last.len() <= SHORT => {
            let before = sentences.next().map_or(Asks::Nothing, |before| asked_in(&tokens[before]));
            if before == Asks::Nothing { by_its_first_word(text, &tokens[last]) } else { before }
        }
        Asks::Nothing => by_its_first_word(text, &tokens[last]),
        asks => asks,
    }
}

/// "When were you born?" asks for another thing, "Sorry?" and "Are you there?" do not.
fn by_its_first_word(text: &str, sentence: &[Token]) -> Asks {
    let is_question = text.trim_end().ends_with('?');
    let begins = sentence.iter().take(2).any(|token| QUESTIONS.contains(&token.word.as_str()));
    if is_question && begins { Asks::Another } else { Asks::Nothing }
}

fn asked_in(tokens: &[Token]) -> Asks {
    let name = named(tokens).pop();
    let other = tokens.iter().rposition(is_other);
    // "Your PIN to hear your balance" asks for the PIN, "your PIN is right, and which date?" for a date.
    let is_apart = |name: &Named, other: usize| {
        !is_short_secret(name.kind)
            || tokens[name.tokens.end..other].iter().any(|token| CLAUSES.contains(&token.word.as_str()))
    };
    match (name, other) {
        (Some(name), Some(other)) if other >= name.tokens.end && is_apart(&name, other) => Asks::Another,
        (Some(name), _) => Asks::For(name.kind),
        (None, Some(_)) => Asks::Another,
        (None, None) => Asks::Nothing,
    }
}

/// The number that a line announces at its end, and leaves to the next one: "My PIN is".
pub fn announced(tokens: &[Token]) -> Option<Hidden> {
    let name = named(tokens).pop()?;
    let behind = &tokens[name.tokens.end..];
    let leads = behind.len() <= FAR && behind.iter().all(is_link);
    let last = behind.last().is_some_and(|token| ANNOUNCE.contains(&token.word.as_str()));
    (leads && last).then_some(name.kind)
}

fn sentences(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let (mut found, mut first) = (Vec::new(), 0);
    for at in 0..tokens.len() {
        let end = tokens.get(at + 1).map_or(text.len(), |next| next.at.start);
        let is_end = text[tokens[at].at.end..end].contains(['.', '?', '!', '।', '\n']);
        if is_end || at + 1 == tokens.len() {
            found.push(first..at + 1);
            first = at + 1;
        }
    }
    found
}

/// Whether another kind of number is spoken of right before this one.
pub fn is_of_something_else(tokens: &[Token], number: &Range<usize>) -> bool {
    let before = &tokens[number.start.saturating_sub(NEAR)..number.start];
    before.iter().any(is_other)
}

/// Whether only the last digits of a number are told.
pub fn is_an_ending(tokens: &[Token], number: &Range<usize>, digits: usize) -> bool {
    let before = &tokens[number.start.saturating_sub(MANY)..number.start];
    digits <= ENDING_DIGITS && before.iter().any(|token| ENDINGS.contains(&token.word.as_str()))
}

/// Whether nothing but small words stands before the token, or behind it.
pub fn are_small(tokens: &[Token]) -> bool {
    tokens.iter().all(is_link)
}

/// Whether the number was keyed: the session writes it so.
pub fn is_keyed(tokens: &[Token], number: &Range<usize>) -> bool {
    number.start.checked_sub(1).is_some_and(|before| tokens[before].word == "keypad")
}

fn is_link(token: &Token) -> bool {
    token.reads == Reads::Filler || LINKS.contains(&token.word.as_str())
}

fn is_other(token: &Token) -> bool {
    OTHERS.contains(&token.word.as_str())
}

/// A few digits that nothing but a question or its name tells from others, and that open everything.
pub fn is_short_secret(kind: Hidden) -> bool {
    matches!(kind, Hidden::Pin | Hidden::Otp | Hidden::Cvv)
}

/// Its name is used for nothing else, so that words may stand between it and the number.
fn says_exactly(kind: Hidden) -> bool {
    !matches!(kind, Hidden::Card | Hidden::Phone)
}

#[cfg(test)]
mod tests {
    use super::super::number::numbers;
    use super::super::token::tokens;
    use super::*;

    fn told_of_last(text: &str) -> Option<Hidden> {
        let tokens = tokens(text);
        let number = numbers(&tokens).pop().expect("there is a number");
        told((&tokens, &named(&tokens)), &number.tokens, number.digits().len())
    }

    #[test]
    fn a_number_is_what_the_words_before_it_lead_to() {
        assert_eq!(told_of_last("My card number is, uh, four one one one"), Some(Hidden::Card));
        assert_eq!(told_of_last("मेरा कार्ड नंबर है चार एक एक एक"), Some(Hidden::Card));
        assert_eq!(told_of_last("the OTP I just got says 482913"), Some(Hidden::Otp));
        assert_eq!(told_of_last("482913 is my otp"), Some(Hidden::Otp));
        assert_eq!(told_of_last("aadhaar card number 2341"), Some(Hidden::Aadhaar));
        for other in [
            "my card was charged 4500",
            "pin code 560001",
            "order 4111",
            "I paid 4500 by card",
            "4500 on my card",
        ] {
            assert_eq!(told_of_last(other), None, "{other}");
        }
    }

    #[test]
    fn the_last_question_counts() {
        let asks = |text: &str| asks(text, &tokens(text));
        assert_eq!(asks("Thank you. What is your card number?"), Asks::For(Hidden::Card));
        assert_eq!(asks("Please read me the card number. Take your time."), Asks::For(Hidden::Card));
        assert_eq!(asks("अपना आधार नंबर बताइए।"), Asks::For(Hidden::Aadhaar));
        for prompt in ["Enter your PIN to hear your balance.", "Your PIN to pay the bill, please."] {
            assert_eq!(asks(prompt), Asks::For(Hidden::Pin), "{prompt}");
        }
        for other in [
            "Your card is fine. What is the order number?",
            "Is it your card, and which date?",
            "Your PIN is right. How much do you want to pay?",
            "Your PIN is right, and what is the order number?",
            "When were you born?",
        ] {
            assert_eq!(asks(other), Asks::Another, "{other}");
        }
        for nothing in ["Go on.", "Are you there?", "Sure, take your time."] {
            assert_eq!(asks(nothing), Asks::Nothing, "{nothing}");
        }
    }
}
