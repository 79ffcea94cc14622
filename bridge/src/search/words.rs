//! What counts as a word, and as the same word: letters and digits of any script without regard to case, accents and the dots below
//! Devanagari letters. There is no stemming, and scripts that write without spaces are one long word.

use std::collections::BTreeSet;

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::store::engine::Word;

/// Longest word that is told apart, characters: what follows is cut off.
const MAX_CHARS: usize = 40;
/// Most words of one search.
pub const MAX_ASKED: usize = 8;
/// Shortest beginning of a word that is searched for, characters: fewer would find everything, slowly.
pub const MIN_PREFIX: usize = 3;

/// The words of a text, each once, up to `most` of them.
pub fn words_of<'a>(texts: impl Iterator<Item = &'a str>, most: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        for word in split(&plain(text)) {
            if found.len() >= most {
                return found;
            }
            found.insert(word);
        }
    }
    found
}

/// Why a text cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    #[error("must have a letter or a digit")]
    NoWord,
    #[error("must have {MAX_ASKED} words at most")]
    TooMany,
    #[error("must have {MIN_PREFIX} letters before a '*'")]
    ShortPrefix,
}

/// What a text asks for: all of its words; one that ends with `*` stands for all that begin so.
pub fn asked(text: &str) -> Result<Vec<Word>, Unclear> {
    let mut found = Vec::new();
    for part in text.split_whitespace() {
        let mut words: Vec<String> = split(&plain(part)).collect();
        if part.ends_with('*') {
            let prefix = words.pop().filter(|word| word.chars().count() >= MIN_PREFIX);
            found.push(Word::Prefix(prefix.ok_or(Unclear::ShortPrefix)?));
        }
        found.extend(words.into_iter().map(Word::Whole));
    }
    found.dedup();
    match found.len() {
        0 => Err(Unclear::NoWord),
        1..=MAX_ASKED => Ok(found),
        _ => Err(Unclear::TooMany),
    }
}

/// Lower case, taken apart, without the marks that do not tell words apart.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let apart = DecomposingNormalizerBorrowed::new_nfkd().normalize(&lower);
    apart.chars().filter(|c| !is_passed_over(*c)).collect()
}

/// Accents of Latin letters, the nukta, and what only says how letters are joined.
fn is_passed_over(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{93C}' | '\u{200C}' | '\u{200D}' | '\u{AD}')
}

/// The virama is no letter and yet within a word; vowel signs count as letters.
fn split(plain: &str) -> impl Iterator<Item = String> {
    plain
        .split(|c: char| !c.is_alphanumeric() && c != '\u{94D}')
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(MAX_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = words_of([text].into_iter(), 100).into_iter().collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_are_the_same_however_they_are_written() {
        check("Hello, HELLO! hello", &["hello"]);
        check("Café cafe\u{301}", &["cafe"]);
        check("straße ﬁne １２", &["12", "fine", "straße"]);
        check("+49 151-555", &["151", "49", "555"]);
        check("नमस्ते, आप कैसे हैं?", &["आप", "कैसे", "नमस्ते", "हैं"]);
        check("\u{915}\u{93C}लम \u{958}लम", &["कलम"]);
        check("क्\u{200D}षमा क्षमा", &["क्षमा"]);
        check("...", &[]);
    }

    #[test]
    fn a_word_is_cut_and_a_list_ends() {
        let long = "x".repeat(1_000);
        check(&long, &[&"x".repeat(MAX_CHARS)]);
        assert_eq!(words_of(["a b c d"].into_iter(), 3).len(), 3);
    }

    #[test]
    fn all_words_are_asked_for_and_a_star_stands_for_the_rest_of_one() {
        let whole = |word: &str| Word::Whole(word.into());
        assert_eq!(asked("Two WORDS"), Ok(vec![whole("two"), whole("words")]));
        assert_eq!(
            asked("call-back appoint*"),
            Ok(vec![whole("call"), whole("back"), Word::Prefix("appoint".into())])
        );
        assert_eq!(asked(" ?! "), Err(Unclear::NoWord));
        assert_eq!(asked("ab*"), Err(Unclear::ShortPrefix));
        assert_eq!(asked("*"), Err(Unclear::ShortPrefix));
        assert_eq!(asked("a b c d e f g h i"), Err(Unclear::TooMany));
    }
}
