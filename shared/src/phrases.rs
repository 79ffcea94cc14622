//! Phrases that an operator writes down, found in what is said whatever its case, its punctuation and how its letters are parted.
//!
//! A phrase is words in their order: `guaranteed returns`. `refund*` is any word that begins so, and a `*` that stands alone is up to
//! [`GAP`] words of any kind: `no * risk`. Scripts without spaces are matched letter by letter.

use std::fmt;

use crate::scripts::{is_unspaced, is_wide_mark};

/// So many words may stand where a phrase has a `*` alone.
pub const GAP: usize = 5;
/// Words and stars of a phrase.
const MAX_PARTS: usize = 24;
/// Letters of a word's beginning: a shorter one would stand in everything.
const SHORTEST_STEM: usize = 3;
/// So many letters that each stand alone are a word that is spelled.
const SPELLED: usize = 3;

/// A phrase that cannot be looked for; says what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPhrase(&'static str);

impl fmt::Display for BadPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadPhrase {}

/// A text as it is compared: its words without case and punctuation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

/// A phrase that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    Beginning(String),
    Gap,
}

impl Words {
    /// Of any text.
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().filter_map(folded).flat_map(char::to_lowercase).collect();
        let mut words = Vec::new();
        let mut word = String::new();
        let mut close = |word: &mut String| {
            if !word.is_empty() {
                words.push(std::mem::take(word));
            }
        };
        for (at, &c) in chars.iter().enumerate() {
            let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_numeric());
            match c {
                '\'' | '’' => {}
                ',' | '.' if digit(at.checked_sub(1)) && digit(Some(at + 1)) => {
                    if c == '.' {
                        word.push(c);
                    }
                }
                '%' | '&' => {
                    close(&mut word);
                    word.push_str(if c == '%' { "percent" } else { "and" });
                    close(&mut word);
                }
                c if is_wide_mark(c) => close(&mut word),
                c if is_unspaced(c) => {
                    close(&mut word);
                    word.push(c);
                    close(&mut word);
                }
                c if c.is_alphanumeric() || is_mark(c) => word.push(c),
                _ => close(&mut word),
            }
        }
        close(&mut word);
        Self(joined_letters(words))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all words of the other stand here, in their order and with nothing between them.
    pub fn hold(&self, other: &Self) -> bool {
        !other.is_empty() && self.0.windows(other.len()).any(|words| words == other.0)
    }

    /// These without the beginning of the other that they end with, if they do.
    pub fn without_beginning_of(&self, other: &Self) -> Self {
        let most = self.len().min(other.len());
        let cut = (1..=most).rev().find(|n| self.0.ends_with(&other.0[..*n])).unwrap_or_default();
        Self(self.0[..self.len() - cut].to_vec())
    }

    /// Put others behind these, and keep the last so many.
    pub fn add(&mut self, more: Self, most: usize) {
        self.0.extend(more.0);
        let surplus = self.0.len().saturating_sub(most);
        self.0.drain(..surplus);
    }
}

impl Phrase {
    /// As an operator writes it.
    pub fn read(text: &str) -> Result<Self, BadPhrase> {
        let mut parts = Vec::new();
        for token in text.split_whitespace() {
            match token.strip_suffix('*') {
                Some("") => parts.push(Part::Gap),
                Some(stem) if !stem.contains('*') => {
                    let mut words = Words::of(stem).0;
                    let stem = words.pop().filter(|stem| stem.chars().count() >= SHORTEST_STEM);
                    parts.extend(words.into_iter().map(Part::Word));
                    parts.push(Part::Beginning(stem.ok_or(BadPhrase(
                        "give at least three letters before a *, or it stands in everything",
                    ))?));
                }
                None if !token.contains('*') => parts.extend(Words::of(token).0.into_iter().map(Part::Word)),
                _ => return Err(BadPhrase("a * may only end a word, or stand alone for up to five words")),
            }
        }
        let parts = joined_parts(parts);
        if parts.len() > MAX_PARTS {
            return Err(BadPhrase("at most 24 words"));
        }
        if !parts.iter().any(|part| *part != Part::Gap) {
            return Err(BadPhrase("write at least one word"));
        }
        if parts.first() == Some(&Part::Gap) || parts.last() == Some(&Part::Gap) {
            return Err(BadPhrase("a * alone must have a word before it and one behind it"));
        }
        Ok(Self(parts))
    }

    /// The words of a text, whatever is in it. `None` where it has none.
    pub fn plain(text: &str) -> Option<Self> {
        let parts: Vec<Part> = Words::of(text).0.into_iter().map(Part::Word).collect();
        (!parts.is_empty()).then_some(Self(parts))
    }

    /// Whether it is said.
    pub fn is_in(&self, words: &Words) -> bool {
        (0..words.len()).any(|at| goes_on(&self.0, &words.0[at..]))
    }

    /// The most words that it can match.
    pub fn longest(&self) -> usize {
        self.0.iter().map(|part| if *part == Part::Gap { GAP } else { 1 }).sum()
    }
}

/// Whether the words begin with these parts.
fn goes_on(parts: &[Part], words: &[String]) -> bool {
    match parts {
        [] => true,
        [Part::Word(word), rest @ ..] => words.first() == Some(word) && goes_on(rest, &words[1..]),
        [Part::Beginning(stem), rest @ ..] => {
            words.first().is_some_and(|word| word.starts_with(stem.as_str())) && goes_on(rest, &words[1..])
        }
        [Part::Gap, rest @ ..] => (0..=GAP.min(words.len())).any(|skip| goes_on(rest, &words[skip..])),
    }
}

/// Letters that each stand alone become the word that they spell: "g.u.a.r", "G S T".
fn joined_letters(words: Vec<String>) -> Vec<String> {
    let is_letter = |word: &String| {
        let mut chars = word.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() && !is_unspaced(c)) && chars.next().is_none()
    };
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|word| is_letter(word)).count();
        if run >= SPELLED {
            joined.push(rest[..run].concat());
            rest = &rest[run..];
        } else {
            joined.push(first.clone());
            rest = &rest[1..];
        }
    }
    joined
}

/// The same of a phrase: its tokens were read one by one.
fn joined_parts(parts: Vec<Part>) -> Vec<Part> {
    let mut joined = Vec::with_capacity(parts.len());
    let mut words: Vec<String> = Vec::new();
    for part in parts {
        match part {
            Part::Word(word) => words.push(word),
            other => {
                joined.extend(joined_letters(std::mem::take(&mut words)).into_iter().map(Part::Word));
                joined.push(other);
            }
        }
    }
    joined.extend(joined_letters(words).into_iter().map(Part::Word));
    joined
}

/// One form for what is written in several. `None` for what is not seen.
fn folded(c: char) -> Option<char> {
    match c {
        // Joiners, soft hyphens, and Devanagari's dot below, which many leave out.
        '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}' | '\u{93C}' => None,
        '\u{901}' => Some('\u{902}'),
        '\u{958}'..='\u{95F}' => {
            const PLAIN: [char; 8] = ['क', 'ख', 'ग', 'ज', 'ड', 'ढ', 'फ', 'य'];
            PLAIN.get(usize::try_from(u32::from(c) - 0x958).unwrap_or_default()).copied()
        }
        // Of full width.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        c => Some(c),
    }
}

/// Signs that stand with a letter.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0900..=0x0903 | 0x093A..=0x094F | 0x0951..=0x0957 | 0x0962..=0x0963
        | 0x0980..=0x0DFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_however_it_is_written() {
        for (phrase, text, expected) in [
            ("guaranteed returns", "We give GUARANTEED, returns!", true),
            ("guaranteed returns", "guaranteed-returns", true),
            ("guaranteed returns", "g-u-a-r-a-n-t-e-e-d returns", true),
            ("guaranteed returns", "g u a r a n t e e d. Returns", true),
            ("guaranteed returns", "guaran\u{ad}teed\u{200b} returns", true),
            ("guaranteed returns", "ｇｕａｒａｎｔｅｅｄ returns", true),
            ("guaranteed returns", "guaranteed high returns", false),
            ("guaranteed * returns", "guaranteed high yearly returns", true),
            ("guaranteed * returns", "guaranteed returns", true),
            ("guaranteed * returns", "guaranteed one two three four five six returns", false),
            ("refund*", "No refunds here", true),
            ("refund*", "Prefunded", false),
            ("risk-free", "It is risk free.", true),
            ("100%", "100 percent sure", true),
            ("don't", "Dont do it", true),
            ("gst", "the G.S.T. is", true),
            ("₹ 1,00,000", "100000 rupees", true),
            ("गारंटी", "यह गारँटी है।", true),
            ("बढ़िया", "बढिया", true),
            ("保证收益", "我们保证，收益很高", true),
            ("保证收益", "我们保证您的收益", false),
            ("anus", "than us", false),
        ] {
            let phrase = Phrase::read(phrase).unwrap();
            assert_eq!(phrase.is_in(&Words::of(text)), expected, "{phrase:?} in {text}");
        }
    }

    #[test]
    fn a_phrase_that_cannot_be_looked_for_says_why() {
        for (phrase, hint) in [
            ("", "at least one word"),
            ("?!", "at least one word"),
            ("* returns", "before it and one behind"),
            ("returns *", "before it and one behind"),
            ("re*", "three letters"),
            ("a*b", "may only end a word"),
            (&"word ".repeat(30), "at most 24"),
        ] {
            let error = Phrase::read(phrase).unwrap_err().to_string();
            assert!(error.contains(hint), "{phrase}: {error}");
        }
    }

    #[test]
    fn words_are_kept_up_to_a_number_and_held_in_their_order() {
        let mut words = Words::of("One two three.");
        words.add(Words::of("four, five"), 4);
        assert_eq!(words, Words::of("two three four five"));
        assert!(words.hold(&Words::of("Three: FOUR")) && !words.hold(&Words::of("four three")));
        assert!(!words.hold(&Words::default()));
        let said = Words::of("Well. Funds carry");
        assert_eq!(said.without_beginning_of(&Words::of("Funds carry risk.")), Words::of("Well"));
        assert_eq!(said.without_beginning_of(&Words::of("carry on")), Words::of("Well. Funds"));
        assert_eq!(said.without_beginning_of(&Words::of("Risk")), said);
    }
}
