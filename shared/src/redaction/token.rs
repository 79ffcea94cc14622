//! Text in pieces: words, figures, and the words that stand for figures in English, Hindi and what people mix of both.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::numerals::{ENGLISH, HINDI, TENS};

/// What a token is to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Figures, or one word for them.
    Digits(String),
    /// `forty`, which takes a digit behind it in.
    Tens(char),
    /// A digit if it stands among digits, and any word otherwise.
    Perhaps(char),
    /// So often the next digit.
    Times(usize),
    Hundred,
    /// It counts something: no number of anything.
    Amount,
    /// A part of a date or a time.
    Date,
    /// May stand between the digits of one number.
    Filler,
    Word,
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub struct Token {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// Lower case, Devanagari in one spelling.
    pub word: String,
    pub reads: Reads,
    /// A letter and a figure meet at its beginning, and at its end, without anything between.
    pub is_glued: (bool, bool),
    /// A plus is right before it.
    pub has_plus: bool,
    /// It is written in capitals.
    pub is_upper: bool,
}

impl Token {
    /// The figures of what is written as an amount without a currency, a date or a time would be: `482,913`, `10:30`. Some
    /// recognisers write a code so.
    pub fn figures_in_disguise(&self) -> Option<String> {
        let is_written = self.word.starts_with(|c: char| c.is_ascii_digit())
            && self.word.contains(|c: char| c.is_ascii_punctuation());
        (is_written && matches!(self.reads, Reads::Amount | Reads::Date)).then(|| figures(&self.word))
    }
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let class = Class::of(first);
        let end = at + text[at..].find(|c| Class::of(c) != class).unwrap_or(text.len() - at);
        match class {
            Class::Other => at += first.len_utf8(),
            Class::Letters => {
                found.push(word(text, at..end));
                at = end;
            }
            Class::Figures => {
                let written = written(text, at);
                let (end, reads) = written.unwrap_or_else(|| (end, Reads::Digits(figures(&text[at..end]))));
                found.push(figure(text, at..end, reads));
                at = end;
            }
        }
    }
    for place in 1..found.len() {
        // Hindi writes its small words right behind a figure; they are no part of it.
        let touch = found[place - 1].at.end == found[place].at.start;
        let are_glued = touch && found[place - 1].word.is_ascii() && found[place].word.is_ascii();
        found[place - 1].is_glued.1 |= are_glued;
        found[place].is_glued.0 |= are_glued;
    }
    for place in 0..found.len() {
        // `4-1-11 one one`: a number that is being read, and no date.
        let is_read = |other: Option<&Token>| {
            other.is_some_and(|other| {
                matches!(other.reads, Reads::Digits(_) | Reads::Tens(_) | Reads::Times(_))
            })
        };
        let beside =
            is_read(place.checked_sub(1).map(|before| &found[before])) || is_read(found.get(place + 1));
        if found[place].reads == Reads::Date && beside && !found[place].word.contains(['/', ':']) {
            found[place].reads = Reads::Digits(figures(&found[place].word));
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letters,
    Figures,
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            _ if figure_value(c).is_some() => Self::Figures,
            // Devanagari's signs are letters here, its full stops are not.
            '\u{0964}' | '\u{0965}' => Self::Other,
            '\u{0900}'..='\u{097F}' => Self::Letters,
            _ if c.is_alphanumeric() => Self::Letters,
            _ => Self::Other,
        }
    }
}

/// Of Latin, Devanagari and full-width figures.
fn figure_value(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{0966}'..='\u{096F}' => char::from_digit(c as u32 - 0x0966, 10),
        '\u{FF10}'..='\u{FF19}' => char::from_digit(c as u32 - 0xFF10, 10),
        _ => None,
    }
}

fn figures(text: &str) -> String {
    text.chars().filter_map(figure_value).collect()
}

fn figure(text: &str, at: Range<usize>, reads: Reads) -> Token {
    let before = text[..at.start].trim_end();
    let is_money = before.ends_with(['₹', '$', '€', '£']);
    let reads = if is_money { Reads::Amount } else { reads };
    let word = text[at.clone()].to_owned();
    Token {
        has_plus: text[..at.start].ends_with('+'),
        at,
        word,
        reads,
        is_glued: (false, false),
        is_upper: false,
    }
}

fn word(text: &str, at: Range<usize>) -> Token {
    let own = &text[at.clone()];
    let word = one_spelling(own);
    let is_upper = own.chars().all(|c| c.is_ascii_uppercase());
    Token { at, reads: reads(&word), word, is_glued: (false, false), has_plus: false, is_upper }
}

/// Lower case; the signs that people leave out in Devanagari are left out, and there is one nasal sign.
fn one_spelling(word: &str) -> String {
    let decomposed = word.chars().flat_map(|c| match c {
        '\u{0958}' => vec!['क'],
        '\u{0959}' => vec!['ख'],
        '\u{095A}' => vec!['ग'],
        '\u{095B}' => vec!['ज'],
        '\u{095C}' => vec!['ड'],
        '\u{095D}' => vec!['ढ'],
        '\u{095E}' => vec!['फ'],
        '\u{093C}' => vec![],
        'ँ' => vec!['ं'],
        c => c.to_lowercase().collect(),
    });
    decomposed.collect()
}

/// A date, a time or an amount that begins here, and where it ends.
fn written(text: &str, at: usize) -> Option<(usize, Reads)> {
    let rest = &text[at..];
    let length = rest
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '/' | '.' | '-' | ':' | ','))
        .unwrap_or(rest.len());
    let run = rest[..length].trim_end_matches(['/', '.', '-', ':', ',']);
    let is_free = !text[..at].ends_with(['/', '-', ':']);
    if !is_free || !run.bytes().any(|b| b.is_ascii_punctuation()) {
        return None;
    }
    if is_date(run) || is_time(run) {
        return Some((at + run.len(), Reads::Date));
    }
    is_amount(run).then_some((at + run.len(), Reads::Amount))
}

fn is_date(run: &str) -> bool {
    let Some(sign) = run.chars().find(|c| matches!(c, '/' | '.' | '-')) else { return false };
    let parts: Vec<&str> = run.split(sign).collect();
    let number = |part: &&str| part.parse::<u32>().ok();
    let numbers: Option<Vec<u32>> = parts.iter().map(number).collect();
    let Some(numbers) = numbers else { return false };
    let is_short = |place: usize| parts[place].len() <= 2;
    match (parts.len(), numbers.as_slice()) {
        (3, [first, second, _]) if is_short(0) && is_short(1) && matches!(parts[2].len(), 2 | 4) => {
            let fits = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
            fits(*first, *second) || fits(*second, *first)
        }
        (3, [_, month, day]) if parts[0].len() == 4 && is_short(1) && is_short(2) => {
            (1..=12).contains(month) && (1..=31).contains(day)
        }
        (2, [month, _]) if sign == '/' => is_short(0) && is_short(1) && (1..=31).contains(month),
        _ => false,
    }
}

fn is_time(run: &str) -> bool {
    let (run, fraction) = run.split_once('.').unwrap_or((run, "0"));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let parts: Vec<&str> = run.split(':').collect();
    let fits = |part: &&str, most: u32| part.len() <= 2 && part.parse::<u32>().is_ok_and(|n| n < most);
    matches!(parts.len(), 2 | 3)
        && fits(&parts[0], 24)
        && parts[1..].iter().all(|p| p.len() == 2 && fits(p, 60))
}

/// `1,25,000.50`, `12,500` or `99.50`.
fn is_amount(run: &str) -> bool {
    let (whole, part) = run.split_once('.').unwrap_or((run, ""));
    let is_part = part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = whole.split(',').collect();
    let is_number = |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let is_grouped = groups.len() > 1
        && groups[0].len() <= 3
        && groups[1..].iter().all(|group| matches!(group.len(), 2 | 3))
        && groups.last().is_some_and(|last| last.len() == 3);
    is_part
        && groups.iter().all(is_number)
        && (is_grouped || (groups.len() == 1 && !part.is_empty() && whole.len() < 9))
}

/// English digits as Hindi writes them, and Hindi ones as English does, beside the words that both have of their own.
const DIGITS: &[(&str, char)] = &[
    ("nought", '0'),
    ("naught", '0'),
    ("nil", '0'),
    ("shunya", '0'),
    ("sunya", '0'),
    ("zeero", '0'),
    ("ek", '1'),
    ("paanch", '5'),
    ("panch", '5'),
    ("chhah", '6'),
    ("chhe", '6'),
    ("saat", '7'),
    ("aath", '8'),
    ("niner", '9'),
    ("fife", '5'),
    ("जीरो", '0'),
    ("वन", '1'),
    ("टू", '2'),
    ("थ्री", '3'),
    ("फोर", '4'),
    ("फाइव", '5'),
    ("सिक्स", '6'),
    ("सेवन", '7'),
    ("एट", '8'),
    ("नाइन", '9'),
    ("शुन्य", '0'),
    ("पाच", '5'),
    ("छः", '6'),
    ("छ", '6'),
    ("छे", '6'),
    ("छै", '6'),
    ("चारो", '4'),
    ("एक", '1'),
    ("दो", '2'),
    ("तीन", '3'),
    ("चार", '4'),
    ("पांच", '5'),
    ("छह", '6'),
    ("सात", '7'),
    ("आठ", '8'),
    ("नौ", '9'),
    ("शून्य", '0'),
    ("ओह", '0'),
    ("फाईव", '5'),
    ("नाईन", '9'),
    ("त्री", '3'),
    ("सेवेन", '7'),
];
/// Digits only among digits.
const PERHAPS: &[(&str, char)] = &[
    ("o", '0'),
    ("oh", '0'),
    ("do", '2'),
    ("to", '2'),
    ("too", '2'),
    ("teen", '3'),
    ("tin", '3'),
    ("for", '4'),
    ("char", '4'),
    ("chaar", '4'),
    ("che", '6'),
    ("ate", '8'),
    ("nau", '9'),
    ("won", '1'),
];
const TIMES: &[(&str, usize)] = &[
    ("double", 2),
    ("triple", 3),
    ("treble", 3),
    ("quadruple", 4),
    ("डबल", 2),
    ("ट्रिपल", 3),
    ("dubble", 2),
    ("tripple", 3),
];
const COUNTED: &[&str] = &[
    "thousand",
    "lakh",
    "lakhs",
    "lac",
    "crore",
    "crores",
    "million",
    "billion",
    "hazaar",
    "hazar",
    "हजार",
    "लाख",
    "करोड",
    "rupee",
    "rupees",
    "rs",
    "inr",
    "usd",
    "eur",
    "dollar",
    "dollars",
    "euro",
    "euros",
    "pound",
    "pounds",
    "cent",
    "cents",
    "paise",
    "paisa",
    "percent",
    "रुपये",
    "रुपए",
    "रूपये",
    "रुपया",
    "पैसे",
    "डॉलर",
    "प्रतिशत",
    "rupaye",
    "minutes",
    "days",
];
const FILLERS: &[&str] = &[
    "and",
    "then",
    "uh",
    "um",
    "er",
    "erm",
    "ah",
    "hmm",
    "dash",
    "hyphen",
    "space",
    "comma",
    "next",
    "again",
    "aur",
    "phir",
    "और",
    "फिर",
    "उम",
    "followed",
    "by",
    "minus",
];

/// What each known word reads as: looked up for every word that is said in a call.
static KNOWN: LazyLock<HashMap<String, Reads>> = LazyLock::new(|| {
    let digit = |digit: char| Reads::Digits(digit.to_string());
    let mut known = HashMap::new();
    // Of words that are in several lists the first reading counts.
    let mut add = |word: &str, reads: Reads| {
        known.entry(one_spelling(word)).or_insert(reads);
    };
    ENGLISH.iter().enumerate().for_each(|(number, word)| add(word, Reads::Digits(number.to_string())));
    DIGITS.iter().for_each(|(word, figure)| add(word, digit(*figure)));
    for (tens, word) in ('2'..='9').zip(&TENS[2..]) {
        add(word, Reads::Tens(tens));
    }
    HINDI.iter().enumerate().for_each(|(number, word)| add(word, Reads::Digits(number.to_string())));
    PERHAPS.iter().for_each(|(word, figure)| add(word, Reads::Perhaps(*figure)));
    TIMES.iter().for_each(|(word, times)| add(word, Reads::Times(*times)));
    ["hundred", "सौ"].iter().for_each(|word| add(word, Reads::Hundred));
    COUNTED.iter().for_each(|word| add(word, Reads::Amount));
    FILLERS.iter().for_each(|word| add(word, Reads::Filler));
    known
});

fn reads(word: &str) -> Reads {
    KNOWN.get(word).cloned().unwrap_or(Reads::Word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Reads]) {
        let found: Vec<Reads> = tokens(text).into_iter().map(|token| token.reads).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_is_written_with_signs_is_a_date_a_time_or_an_amount() {
        for date in ["05/12/2026", "5.12.26", "2026-12-05", "12/25", "10:30", "23:59:59"] {
            check(date, &[Reads::Date]);
        }
        for amount in ["1,25,000.50", "12,500", "99.50", "₹ 500", "$4111111111111111"] {
            check(amount, &[Reads::Amount]);
        }
        let digits = |text: &str| Reads::Digits(text.into());
        check("4111-1111", &[digits("4111"), digits("1111")]);
        check("4111,1111.", &[digits("4111"), digits("1111")]);
        check("४१११ ４", &[digits("4111"), digits("4")]);
    }

    #[test]
    fn words_for_digits_are_known_in_both_languages_and_scripts() {
        let digits = |text: &str| Reads::Digits(text.into());
        check("Four पाँच फ़ाइव saat", &[digits("4"), digits("5"), digits("5"), digits("7")]);
        check("forty eleven उनतीस", &[Reads::Tens('4'), digits("11"), digits("29")]);
        check("double do lakh", &[Reads::Times(2), Reads::Perhaps('2'), Reads::Amount]);
    }
}
