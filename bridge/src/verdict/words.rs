//! What was said, as words that compare: however a recogniser writes case, punctuation, digits and the signs of Devanagari.

use std::sync::LazyLock;

/// Words of one text that are looked at; nobody says more in one breath.
pub const MAX_WORDS: usize = 400;

/// Longest tag of a recogniser, characters.
const LONGEST_TAG: usize = 40;

/// A text in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    words: Vec<String>,
    /// The words with a space around each, so that whole words are found in it.
    padded: String,
}

/// Phrases that are looked for, in words already.
pub type Phrases = LazyLock<Vec<Words>>;

/// Make phrases of the texts of a table.
pub fn phrases(tables: &[&[&str]]) -> Vec<Words> {
    tables.iter().flat_map(|table| table.iter()).map(|text| Words::of(text)).collect()
}

/// Make phrases of a text with a comma between them.
pub fn listed(text: &str) -> Vec<Words> {
    text.split(',').map(Words::of).filter(|phrase| !phrase.is_empty()).collect()
}

impl Words {
    /// The first [`MAX_WORDS`] of a text.
    pub fn of(text: &str) -> Self {
        Self::first(text, MAX_WORDS)
    }

    /// So many of a text.
    pub fn first(text: &str, most: usize) -> Self {
        let words: Vec<String> = split(text).into_iter().take(most).collect();
        let padded = format!(" {} ", words.join(" "));
        Self { words, padded }
    }

    pub fn list(&self) -> &[String] {
        &self.words
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether these words stand in a row here.
    pub fn holds(&self, phrase: &Self) -> bool {
        !phrase.is_empty() && self.padded.contains(&phrase.padded)
    }

    /// The first of the phrases that is here.
    pub fn any<'a>(&self, phrases: &'a [Self]) -> Option<&'a Self> {
        phrases.iter().find(|phrase| self.holds(phrase))
    }

    /// Without these phrases.
    pub fn without(&self, phrases: &[Self]) -> Self {
        let mut padded = self.padded.clone();
        for phrase in phrases.iter().filter(|phrase| !phrase.is_empty()) {
            while padded.contains(&phrase.padded) {
                padded = padded.replacen(&phrase.padded, " ", 1);
            }
        }
        Self::first(&padded, usize::MAX)
    }
}

/// As one text, for people.
impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.padded.trim())
    }
}

/// Tags of a recogniser (`[music]`, `<noise>`, `(beep)`) are no words. A dot or comma between digits belongs to the number.
fn split(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let (mut words, mut word, mut closing) = (Vec::new(), String::new(), None);
    for (at, &c) in characters.iter().enumerate() {
        if let Some(end) = closing {
            closing = Some(end).filter(|end| *end != c);
            continue;
        }
        closing = closer(c).filter(|end| characters[at..].iter().take(LONGEST_TAG).any(|c| c == end));
        let digit =
            |place: Option<&char>| place.is_some_and(|c| plain(*c).is_some_and(|c| c.is_ascii_digit()));
        let within = at > 0 && digit(characters.get(at - 1)) && digit(characters.get(at + 1));
        match c {
            // I'll is one word.
            '\'' | '\u{2019}' | '\u{2018}' | '\u{93c}' | '\u{200c}' | '\u{200d}' => {}
            ',' if within => {}
            '.' if within => word.push('.'),
            c => match plain(c) {
                Some(letter) => word.extend(letter.to_lowercase()),
                None if word.is_empty() => {}
                None => words.push(std::mem::take(&mut word)),
            },
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn closer(c: char) -> Option<char> {
    match c {
        '[' => Some(']'),
        '<' => Some('>'),
        '(' => Some(')'),
        _ => None,
    }
}

/// A letter or digit in its plainest form. Devanagari is written with and without the dot below, with two signs for one nasal
/// sound, and with digits of its own.
fn plain(c: char) -> Option<char> {
    match c {
        '\u{966}'..='\u{96f}' => char::from_digit(u32::from(c) - 0x966, 10),
        '\u{901}' => Some('\u{902}'),
        '\u{958}' => Some('क'),
        '\u{959}' => Some('ख'),
        '\u{95a}' => Some('ग'),
        '\u{95b}' => Some('ज'),
        '\u{95c}' => Some('ड'),
        '\u{95d}' => Some('ढ'),
        '\u{95e}' => Some('फ'),
        '\u{964}' | '\u{965}' => None,
        // Signs that are no letters by themselves are part of a word.
        '\u{900}'..='\u{97f}' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Words::of(text).to_string(), expected);
    }

    #[test]
    fn words_compare_however_they_are_written() {
        check("I’ll PAY Rs.1,500.50, OK?", "ill pay rs 1500.50 ok");
        check("पाँच हज़ार रुपये। ५००/-", "पांच हजार रुपये 500");
        check("[music] hello <noise> (beep)", "hello");
        check("a < b (open", "a b open");
        check("...", "");
        assert_eq!(Words::of("पाँच हज़ार"), Words::of("पांच हजार"));
    }

    #[test]
    fn whole_words_are_found_and_taken_out() {
        let words = Words::of("No problem, no problem, I will pay");
        assert!(words.holds(&Words::of("will pay")) && !words.holds(&Words::of("ill pay")));
        assert_eq!(words.without(&phrases(&[&["no problem"]])).to_string(), "i will pay");
        assert!(!words.holds(&Words::of("?")));
    }
}
