//! Words for signs that a voice would not say, where the language is known.

/// What the signs are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub number: &'static str,
    pub less: &'static str,
    pub more: &'static str,
    pub at_most: &'static str,
    pub at_least: &'static str,
    pub about: &'static str,
    pub sharp: &'static str,
    pub flat: &'static str,
}

const ENGLISH: Names = Names {
    number: "number",
    less: "less than",
    more: "more than",
    at_most: "at most",
    at_least: "at least",
    about: "about",
    sharp: "sharp",
    flat: "flat",
};

const TABLE: [(&str, Names); 8] = [
    ("en", ENGLISH),
    (
        "hi",
        Names {
            number: "नंबर",
            less: "इससे कम:",
            more: "इससे ज़्यादा:",
            at_most: "ज़्यादा से ज़्यादा",
            at_least: "कम से कम",
            about: "लगभग",
            sharp: "शार्प",
            flat: "फ़्लैट",
        },
    ),
    (
        "de",
        Names {
            number: "Nummer",
            less: "weniger als",
            more: "mehr als",
            at_most: "höchstens",
            at_least: "mindestens",
            about: "etwa",
            sharp: "sharp",
            flat: "flat",
        },
    ),
    (
        "es",
        Names {
            number: "número",
            less: "menos de",
            more: "más de",
            at_most: "como máximo",
            at_least: "al menos",
            about: "unos",
            sharp: "sharp",
            flat: "bemol",
        },
    ),
    (
        "fr",
        Names {
            number: "numéro",
            less: "moins de",
            more: "plus de",
            at_most: "au plus",
            at_least: "au moins",
            about: "environ",
            sharp: "sharp",
            flat: "bémol",
        },
    ),
    (
        "it",
        Names {
            number: "numero",
            less: "meno di",
            more: "più di",
            at_most: "al massimo",
            at_least: "almeno",
            about: "circa",
            sharp: "sharp",
            flat: "bemolle",
        },
    ),
    (
        "pt",
        Names {
            number: "número",
            less: "menos de",
            more: "mais de",
            at_most: "no máximo",
            at_least: "pelo menos",
            about: "cerca de",
            sharp: "sharp",
            flat: "bemol",
        },
    ),
    (
        "nl",
        Names {
            number: "nummer",
            less: "minder dan",
            more: "meer dan",
            at_most: "hoogstens",
            at_least: "minstens",
            about: "ongeveer",
            sharp: "sharp",
            flat: "flat",
        },
    ),
];

/// The names in a language (a tag such as `en-GB`). `None` where they are not known: the sign itself is left to the voice.
pub(super) fn names(language: &str) -> Option<Names> {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    if matches!(primary.as_str(), "" | "multi" | "auto") {
        return Some(ENGLISH);
    }
    TABLE.iter().find(|(tag, _)| *tag == primary).map(|(_, names)| *names)
}
