//! The grammar of what a bot expects to hear.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use vox_engines::message::Readiness;

use super::dictionary::{Pronunciations, pronunciations};
use super::phrase::{DIGITS, digit_words, spoken_words};

/// A spoken row of digits in JSGF.
const DIGITS_RULE: &str = "<digit>+";

/// Phrases that can be recognised, their words' pronunciations, and what had to be left out.
#[derive(Debug)]
pub struct Grammar {
    /// JSGF text, or `None` if no phrase is left.
    pub jsgf: Option<String>,
    /// Whether a row of digits, of any length, is among the phrases.
    pub has_digits: bool,
    pub pronunciations: Pronunciations,
    pub readiness: Readiness,
}

impl Grammar {
    /// Build from phrases as their author wrote them. A phrase with a word that the dictionary lacks cannot be
    /// heard at all, so it is left out and reported rather than mutilated.
    pub fn new(expected: &[String], dictionary: &Path) -> io::Result<Self> {
        let phrases: Vec<Phrase> = expected.iter().map(|written| Phrase::new(written)).collect();
        let needed: BTreeSet<String> =
            phrases.iter().flat_map(|phrase| phrase.words.iter().cloned()).collect();
        let pronunciations = pronunciations(dictionary, &needed)?;
        let mut readiness = Readiness::default();
        let mut rules = BTreeSet::new();
        for phrase in phrases {
            let unknown = phrase.words.iter().find(|word| !pronunciations.contains_key(*word));
            if phrase.words.is_empty() || unknown.is_some() {
                readiness.skipped_phrases.push(phrase.written);
            } else {
                rules.insert(phrase.rule);
            }
        }
        readiness.unknown_words =
            needed.into_iter().filter(|word| !pronunciations.contains_key(word)).collect();
        let rules: Vec<String> = rules.into_iter().collect();
        let has_digits = rules.iter().any(|rule| rule == DIGITS_RULE);
        let jsgf = (!rules.is_empty()).then(|| jsgf(&rules));
        Ok(Self { jsgf, has_digits, pronunciations, readiness })
    }
}

struct Phrase {
    written: String,
    words: Vec<String>,
    rule: String,
}

impl Phrase {
    fn new(written: &str) -> Self {
        if written.trim() == DIGITS {
            let words = digit_words().map(str::to_owned).collect();
            return Self { written: written.to_owned(), words, rule: DIGITS_RULE.to_owned() };
        }
        let words = spoken_words(written);
        Self { written: written.to_owned(), rule: words.join(" "), words }
    }
}

/// Words are letters, digits and apostrophes only (see `spoken_words`), so nothing in them is JSGF syntax.
fn jsgf(rules: &[String]) -> String {
    let digits = digit_words().collect::<Vec<_>>().join(" | ");
    let digit_rule = rules.iter().any(|rule| rule == DIGITS_RULE);
    let digit_rule = if digit_rule { format!("<digit> = {digits};\n") } else { String::new() };
    format!("#JSGF V1.0;\ngrammar expected;\n{digit_rule}public <expected> = {};\n", rules.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grammar(expected: &[&str]) -> Grammar {
        let file = tempfile::NamedTempFile::new().unwrap();
        let digits: String = digit_words().map(|word| format!("{word} AH\n")).collect();
        std::fs::write(file.path(), format!("yes Y EH S\nplease P L IY Z\n{digits}")).unwrap();
        let expected: Vec<String> = expected.iter().map(|phrase| (*phrase).to_owned()).collect();
        Grammar::new(&expected, file.path()).unwrap()
    }

    #[test]
    fn phrases_become_alternatives_without_doubles() {
        let grammar = grammar(&["Yes, please", "yes please!", "Yes"]);
        assert_eq!(
            grammar.jsgf.unwrap(),
            "#JSGF V1.0;\ngrammar expected;\npublic <expected> = yes | yes please;\n"
        );
        assert_eq!(grammar.readiness, Readiness::default());
        assert_eq!(grammar.pronunciations.len(), 2);
    }

    #[test]
    fn digits_are_a_rule_of_their_own() {
        let jsgf = grammar(&["<digits>", "yes"]).jsgf.unwrap();
        assert!(jsgf.contains("<digit> = zero | one"), "{jsgf}");
        assert!(jsgf.contains("public <expected> = <digit>+ | yes;"), "{jsgf}");
    }

    #[test]
    fn phrases_with_unknown_words_are_left_out_and_reported() {
        let grammar = grammar(&["yes Zxqv", "yes", "?!"]);
        assert!(grammar.jsgf.unwrap().ends_with("= yes;\n"));
        assert_eq!(grammar.readiness.skipped_phrases, ["yes Zxqv", "?!"]);
        assert_eq!(grammar.readiness.unknown_words, ["zxqv"]);
    }
}
