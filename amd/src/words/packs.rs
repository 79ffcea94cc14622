//! The packs of phrases, and which of them a call uses.
//!
//! A pack is a table in a file of its own; another language is a file and a row of [`PACKS`].

use std::sync::LazyLock;

use crate::class::Class;

use super::family::{Family, Strength};
use super::pattern::Pattern;
use super::{english, french, german, hindi, plain, spanish};

struct Pack {
    language: &'static str,
    families: &'static [Family],
}

/// All packs: ISO 639 codes. Hindi's is in Devanagari and in Latin letters.
const PACKS: &[Pack] = &[
    Pack { language: "en", families: english::FAMILIES },
    Pack { language: "hi", families: hindi::FAMILIES },
    Pack { language: "es", families: spanish::FAMILIES },
    Pack { language: "de", families: german::FAMILIES },
    Pack { language: "fr", families: french::FAMILIES },
];

/// How people begin who have just come to the telephone.
const GREETINGS: &[&str] = &[
    "hello",
    "hallo",
    "hullo",
    "halo",
    "helo",
    "hi",
    "hey",
    "yes",
    "yeah",
    "yep",
    "sorry",
    "speaking",
    "haan",
    "han",
    "ji",
    "हैलो",
    "हेलो",
    "हां",
    "जी",
    "हलो",
    "hola",
    "si",
    "bueno",
    "diga",
    "digame",
    "alo",
    "ja",
    "allo",
    "oui",
];

/// Digits, as they are spoken.
const DIGITS: &[&str] = &[
    "zero",
    "oh",
    "one",
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
    "शून्य",
    "एक",
    "दो",
    "तीन",
    "चार",
    "पांच",
    "छह",
    "छः",
    "सात",
    "आठ",
    "नौ",
    "ek",
    "do",
    "teen",
    "char",
    "paanch",
    "chhah",
    "saat",
    "aath",
    "nau",
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "null",
    "eins",
    "zwei",
    "zwo",
    "drei",
    "vier",
    "funf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "sept",
    "huit",
    "neuf",
];

/// How many digits a word is.
pub fn digits(word: &str) -> usize {
    if word.chars().all(|sign| sign.is_numeric()) {
        word.chars().count()
    } else {
        usize::from(DIGITS.contains(&word))
    }
}

/// A phrase of a call's list.
#[derive(Clone, Debug)]
pub struct Wording {
    /// Who says it.
    pub class: Class,
    /// How surely.
    pub strength: Strength,
    /// As it was written.
    pub phrase: String,
    pub(crate) pattern: Pattern,
}

impl Wording {
    /// Read one; `None` if there is no word in it.
    pub fn parse(class: Class, strength: Strength, phrase: &str) -> Option<Self> {
        Some(Self { class, strength, phrase: phrase.to_owned(), pattern: Pattern::parse(phrase)? })
    }
}

static BUILT_IN: LazyLock<Vec<(&'static str, Vec<Wording>)>> = LazyLock::new(|| {
    let of = |pack: &Pack| {
        let families = pack.families.iter();
        let all = families.flat_map(|family| family.phrases.iter().map(move |phrase| (family, *phrase)));
        let wordings = all.map(|(family, phrase)| {
            Wording::parse(family.class, family.strength, phrase)
                .expect("a test reads every phrase of the packs")
        });
        (pack.language, wordings.collect())
    };
    PACKS.iter().map(of).collect()
});

/// The phrases of a call: those of its language, English ones, which carriers use everywhere, and its own.
#[derive(Clone)]
pub struct Words {
    built_in: Vec<&'static Wording>,
    own: Vec<Wording>,
}

impl Words {
    /// For a bot's language (`en-IN`, `hi`, …); empty or `multi`: all packs. In India callees' carriers speak Hindi whatever the bot's.
    pub fn new(language: &str, own: Vec<Wording>) -> Self {
        let code = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let is_indian = language.to_ascii_uppercase().ends_with("IN");
        let is_any = code.is_empty() || code == "multi";
        let wanted = |pack: &str| is_any || pack == "en" || pack == code || (is_indian && pack == "hi");
        let built_in = BUILT_IN.iter().filter(|(pack, _)| wanted(pack)).flat_map(|(_, wordings)| wordings);
        Self { built_in: built_in.collect(), own }
    }

    /// All of them, in an order that does not change.
    pub fn iter(&self) -> impl Iterator<Item = &Wording> {
        self.built_in.iter().copied().chain(&self.own)
    }

    /// Whether it begins as people greet.
    pub fn greets(&self, text: &str) -> bool {
        plain::words(text).first().is_some_and(|word| GREETINGS.contains(&word.as_str()))
    }

    /// Whether this phrase is one of a mailbox that takes no message. So far they are known in English.
    pub fn takes_none(phrase: &str) -> bool {
        english::TAKES_NONE.contains(&phrase)
    }

    /// By its place in [`Self::iter`].
    pub fn get(&self, place: usize) -> &Wording {
        self.built_in.get(place).copied().unwrap_or_else(|| &self.own[place - self.built_in.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Classes of the phrases that a text has.
    fn classes(language: &str, text: &str) -> Vec<Class> {
        let said = plain::words(text);
        let words = Words::new(language, Vec::new());
        let mut classes: Vec<Class> = words
            .iter()
            .filter(|wording| wording.pattern.is_in(&said, 0, 0))
            .map(|wording| wording.class)
            .collect();
        classes.sort();
        classes.dedup();
        classes
    }

    #[test]
    fn every_phrase_of_the_packs_is_one() {
        for (pack, wordings) in &*BUILT_IN {
            assert!(wordings.len() > 30, "{pack}");
        }
    }

    #[test]
    fn a_call_has_its_language_and_english() {
        assert_eq!(classes("ta", "leave a message after the tone"), [Class::Voicemail]);
        assert_eq!(classes("de-DE", "bitte hinterlassen Sie eine Nachricht"), [Class::Voicemail]);
        assert_eq!(classes("fr", "bitte hinterlassen Sie eine Nachricht"), []);
        assert_eq!(classes("", "bitte hinterlassen Sie eine Nachricht"), [Class::Voicemail]);
        assert_eq!(classes("en-IN", "kripya beep ke baad apna sandesh chhode"), [Class::Voicemail]);
        assert_eq!(classes("en-IN", "जिस नंबर पर आप कॉल कर रहे हैं वह स्विच ऑफ है"), [Class::Carrier]);
        assert_eq!(classes("es", "para ventas marque dos"), [Class::Ivr]);
        assert_eq!(classes("fr", "le numéro que vous demandez n'est plus en service"), [Class::Carrier]);
    }

    #[test]
    fn digits_are_counted_as_words_and_as_figures() {
        assert_eq!(["seven", "2125550198", "acht", "hello", "a1"].map(digits), [1, 10, 1, 0, 0]);
    }

    #[test]
    fn people_are_taken_for_no_machine() {
        let said = [
            "Hello?",
            "Yes, speaking, who is it?",
            "Hi, this is Priya.",
            "Did you leave me a message yesterday?",
            "Good morning, Riverside Dental, this is Karen speaking, how may I direct your call?",
            "One moment please",
            "Hey, I saw you called earlier, I was in a meeting, what did you want to talk about?",
            "No, not interested, thanks.",
        ];
        for said in said {
            let machine: Vec<Class> =
                classes("", said).into_iter().filter(|class| class.is_machine()).collect();
            assert_eq!(machine, [], "{said}");
        }
    }
}
