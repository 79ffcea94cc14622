//! Rows of digits in a text, however they are said: `4111 1111`, `four one double one`, `forty-one eleven`, `इकतालीस ग्यारह`.

use std::ops::Range;

use super::token::{Reads, Token};

/// So many figures are a number even where a letter touches them.
const LONG: usize = 12;
/// With "hundred" in it, so few digits are an amount.
const AMOUNT_DIGITS: usize = 7;
/// Words that sound like a digit and mostly mean something else: not at the edge of a number.
const HOMOPHONES: &[&str] = &["to", "too", "for", "ate", "won", "tin"];
/// So many words that may be digits are digits.
const SURELY: usize = 3;

/// Digits that were said in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub digits: String,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// A row of digits.
#[derive(Clone, Debug)]
pub struct Number {
    pub elements: Vec<Element>,
    /// Its tokens.
    pub tokens: Range<usize>,
    /// It says how much or how many.
    pub is_amount: bool,
    /// By a word beside it; otherwise only as it is said: "five hundred and twelve".
    pub is_counted: bool,
    pub has_plus: bool,
}

impl Number {
    pub fn digits(&self) -> String {
        self.elements.iter().map(|element| element.digits.as_str()).collect()
    }

    /// Bytes of the text.
    pub fn at(&self) -> Range<usize> {
        let first = self.elements.first().map_or(0, |e| e.at.start);
        first..self.elements.last().map_or(first, |e| e.at.end)
    }
}

/// Every row of digits.
pub fn numbers(tokens: &[Token]) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let length = (at..tokens.len()).take_while(|at| is_part(tokens, *at)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        found.extend(read(tokens, at..at + length));
        at += length;
    }
    found
}

fn is_part(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    let is_figures =
        |token: Option<&Token>| token.is_some_and(|token| token.word.starts_with(char::is_numeric));
    match &token.reads {
        // Letters on both sides are a name's: `call_01k8z4111…`.
        Reads::Digits(digits) => {
            token.is_glued == (false, false) || (digits.len() >= LONG && token.is_glued != (true, true))
        }
        // Beside figures it is what it mostly is: `4500 for 12`.
        Reads::Perhaps(_) if HOMOPHONES.contains(&token.word.as_str()) => {
            !is_figures(at.checked_sub(1).and_then(|before| tokens.get(before)))
                && !is_figures(tokens.get(at + 1))
        }
        Reads::Tens(_) | Reads::Perhaps(_) | Reads::Times(_) | Reads::Hundred | Reads::Filler => true,
        Reads::Amount | Reads::Date | Reads::Word => false,
    }
}

/// The number in a run of tokens that may be parts of one.
fn read(all: &[Token], run: Range<usize>) -> Option<Number> {
    let run = trimmed(all, run);
    let tokens = &all[run.clone()];
    let surely = tokens.iter().any(|t| matches!(t.reads, Reads::Digits(_) | Reads::Tens(_)));
    let perhaps = tokens.iter().filter(|t| matches!(t.reads, Reads::Perhaps(_))).count();
    if !surely && perhaps < SURELY {
        return None;
    }
    let (mut elements, mut has_hundred, mut at) = (Vec::<Element>::new(), false, 0);
    while let Some(token) = tokens.get(at) {
        let (digits, taken) = match &token.reads {
            Reads::Digits(digits) => (digits.clone(), 1),
            Reads::Perhaps(digit) => (digit.to_string(), 1),
            Reads::Tens(tens) => match tokens.get(at + 1).and_then(one_word) {
                Some(one) => (format!("{tens}{one}"), 2),
                None => (format!("{tens}0"), 1),
            },
            Reads::Times(times) => match tokens.get(at + 1).and_then(one_digit) {
                Some(digit) => (digit.repeat(*times), 2),
                None => (String::new(), 1),
            },
            Reads::Hundred if elements.last().is_some_and(|last| last.digits.len() <= 2) => {
                has_hundred = true;
                ("00".into(), 1)
            }
            _ => (String::new(), 1),
        };
        if !digits.is_empty() {
            let end = tokens[at + taken - 1].at.end;
            elements.push(Element { digits, at: token.at.start..end });
        }
        at += taken;
    }
    let length: usize = elements.iter().map(|e| e.digits.len()).sum();
    let counts = |token: Option<&Token>| token.is_some_and(|token| token.reads == Reads::Amount);
    let before = run.start.checked_sub(1).and_then(|before| all.get(before));
    let is_counted = counts(before.filter(|t| is_currency(t))) || counts(all.get(run.end));
    let is_amount = is_counted || (has_hundred && length <= AMOUNT_DIGITS);
    let has_plus =
        tokens.first().is_some_and(|token| token.has_plus) || before.is_some_and(|t| t.word == "plus");
    (!elements.is_empty()).then_some(Number { elements, tokens: run, is_amount, is_counted, has_plus })
}

/// Before a number only what names money makes it an amount: `Rs 500`, not `five thousand, 12`.
fn is_currency(token: &Token) -> bool {
    matches!(token.word.as_str(), "rs" | "inr" | "usd" | "eur" | "rupees" | "रुपये" | "रुपए")
}

/// Without what cannot be an end of it.
fn trimmed(all: &[Token], run: Range<usize>) -> Range<usize> {
    let is_edge =
        |token: &Token| !matches!(token.reads, Reads::Filler) && !HOMOPHONES.contains(&token.word.as_str());
    let first = run.clone().find(|&at| is_edge(&all[at])).unwrap_or(run.end);
    let last = run.clone().rev().find(|&at| is_edge(&all[at])).map_or(first, |at| at + 1);
    first..last.max(first)
}

fn one_digit(token: &Token) -> Option<String> {
    match &token.reads {
        Reads::Digits(digits) if digits.len() == 1 => Some(digits.clone()),
        Reads::Perhaps(digit) => Some(digit.to_string()),
        _ => None,
    }
}

/// `five` behind `forty`; not `5`, and not `zero`.
fn one_word(token: &Token) -> Option<String> {
    one_digit(token).filter(|digit| digit != "0" && !token.word.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = numbers(&tokens(text)).iter().map(Number::digits).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn digits_are_read_however_they_are_said() {
        check("It is 4111 1111, 1111-1111.", &["4111111111111111"]);
        check("four one double one, triple one and nine oh", &["411111190"]);
        check("forty-one eleven eleven twenty one 5", &["411111215"]);
        check("forty-one hundred, twelve thirty four", &["41001234"]);
        check("चार एक एक एक डबल दो", &["411122"]);
        check("इकतालीस ग्यारह", &["4111"]);
        check("chaar ek ek do teen", &["41123"]);
        check("four one one one for my card", &["4111"]);
        check("I want to go there, too", &[]);
        check("the 4th of May, order A12", &[]);
        check("12 rupees then 13", &["12", "13"]);
    }

    #[test]
    fn how_much_is_told_from_which() {
        let amounts =
            |text: &str| -> Vec<bool> { numbers(&tokens(text)).iter().map(|n| n.is_amount).collect() };
        assert_eq!(amounts("five hundred and I paid 4500 rupees"), [true, true]);
        assert_eq!(amounts("Rs 4500 for 12 lakh"), [true, true]);
        assert_eq!(amounts("it is 4500"), [false]);
    }
}
