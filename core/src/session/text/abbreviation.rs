//! Full stops that do not end a sentence.

/// A name or a number follows: never the end of a sentence.
const OPEN: &[&str] = &[
    "dr",
    "mr",
    "mrs",
    "ms",
    "mx",
    "prof",
    "st",
    "ste",
    "gen",
    "rev",
    "hon",
    "capt",
    "lt",
    "col",
    "sgt",
    "cmdr",
    "gov",
    "sen",
    "rep",
    "pres",
    "supt",
    "mt",
    "ft",
    "messrs",
    "mme",
    "mlle",
    "sra",
    "srta",
    "dra",
    "vs",
    "v",
    "e.g",
    "i.e",
    "eg",
    "ie",
    "viz",
    "cf",
    "ca",
    "approx",
    "al",
    "z.b",
    "d.h",
    "u.a",
    "bzw",
    "ggf",
    "inkl",
    "hr",
    "fr",
    "dipl",
    "p.ej",
    "ej",
    "av",
    "avda",
    "incl",
    "excl",
    "resp",
    "attn",
    "hrn",
    "geb",
    "sog",
    "tel",
    "डॉ",
    "श्री",
    "कु",
    "प्रो",
    "г",
    "ул",
    "д",
    "им",
    "т.е",
    "т.д",
];

/// A number follows, else it is a word: "No. 5", "No. I cannot".
const BEFORE_NUMBERS: &[&str] = &[
    "no", "nos", "nr", "num", "núm", "n", "p", "pp", "vol", "ch", "sec", "fig", "art", "ext", "apt", "rm",
    "bldg", "fl", "par", "para", "pt", "op", "tab", "box", "unit", "jan", "feb", "mar", "apr", "jun", "jul",
    "aug", "sep", "sept", "oct", "nov", "dec", "max", "min", "№",
];

/// May end a sentence: the word behind decides.
const OPEN_OR_END: &[&str] = &[
    "inc", "ltd", "co", "corp", "llc", "plc", "bros", "jr", "sr", "esq", "etc", "ave", "blvd", "rd", "ln",
    "hwy", "dept", "est", "univ", "assn", "hrs", "mins", "secs", "lb", "lbs", "oz", "yr", "yrs", "mo", "wk",
    "ph.d", "m.d", "b.a", "m.a", "b.sc", "m.sc", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri",
    "sat", "sun", "usw", "u.s.w", "s.a", "cia", "cía", "ud", "uds", "a.m", "p.m", "am", "pm", "apdo", "gmbh",
    "str", "sq", "cu", "gal", "mph", "km", "avg", "temp", "misc", "intl", "govt", "mgr", "asst", "assoc",
];

/// Words that begin sentences so often that an abbreviation before them ended one.
const STARTERS: &[&str] = &[
    "I", "I'm", "I'll", "I've", "I'd", "We", "We're", "We'll", "We've", "You", "You're", "You'll", "You've",
    "He", "She", "It", "It's", "They", "They're", "The", "This", "That", "That's", "These", "Those", "There",
    "There's", "Here", "Here's", "If", "When", "What", "What's", "Which", "Who", "Where", "Why", "How", "Is",
    "Are", "Was", "Do", "Does", "Did", "Can", "Could", "Would", "Will", "Should", "Shall", "May", "Please",
    "Thank", "Thanks", "And", "But", "Or", "So", "Also", "However", "Our", "Your", "My", "A", "An", "Let",
    "Let's", "Just", "Yes", "No", "Not", "Then", "After", "Before", "For", "To", "Once", "Since", "While",
    "Because", "Sorry", "Sure", "Okay", "OK", "Goodbye", "Bye", "Anything", "Feel", "Have", "Press", "Call",
    "Wir", "Sie", "Ich", "Es", "Der", "Die", "Das", "Bitte", "Danke", "Und", "Aber", "Wenn", "Möchten",
    "Nous", "Vous", "Je", "Il", "Elle", "Le", "La", "Les", "Merci", "Si", "El", "Los", "Las", "Por",
    "Gracias", "Usted", "Nosotros", "Quiere",
];

/// Months behind an ordinal's full stop ("3. Mai").
const MONTHS: &[&str] = &[
    "Januar",
    "Jänner",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
    "januar",
    "februar",
    "marts",
    "april",
    "maj",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "december",
];

/// What a full stop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Ends,
    GoesOn,
    /// The word behind is not there yet.
    Unknown,
}

/// Whether a full stop between `word` (without it) and the text `behind` (after the space) ends a sentence. `is_all` says that
/// nothing but the word stands before it on its line: a list's number.
pub(super) fn stop(word: &str, behind: &str, is_all: bool) -> Stop {
    let lower = word.to_lowercase();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if is_all && is_label(word) {
        return Stop::GoesOn;
    }
    if OPEN.contains(&lower.as_str()) {
        return Stop::GoesOn;
    }
    let is_number = !word.is_empty() && word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit());
    let is_counter = BEFORE_NUMBERS.contains(&lower.as_str());
    let is_initial = letters == 1 && word.chars().count() == 1;
    let is_short =
        |part: &str| (1..=2).contains(&part.chars().count()) && part.chars().all(char::is_alphabetic);
    let is_acronym = word.contains('.') && word.split('.').all(is_short);
    let may_go_on = is_initial || is_acronym || OPEN_OR_END.contains(&lower.as_str());
    if !is_number && !is_counter && !may_go_on {
        return Stop::Ends;
    }
    let Some(next) = behind.chars().next() else { return Stop::Unknown };
    if is_counter && (next.is_numeric() || next == '#') {
        return Stop::GoesOn;
    }
    if is_number && next.is_alphabetic() {
        return match first_word(behind) {
            Some(next) if MONTHS.contains(&next) => Stop::GoesOn,
            Some(_) => Stop::Ends,
            None => Stop::Unknown,
        };
    }
    if !may_go_on {
        return Stop::Ends;
    }
    match first_word(behind) {
        Some(next) if STARTERS.contains(&next) => Stop::Ends,
        Some(_) => Stop::GoesOn,
        None => Stop::Unknown,
    }
}

/// Whether it is a list's number or letter: `1`, `12`, `a`, `iv`.
pub(super) fn is_label(word: &str) -> bool {
    let count = word.chars().count();
    let digits = count > 0 && count <= 3 && word.chars().all(char::is_numeric);
    let roman =
        count > 0 && count <= 4 && word.chars().all(|c| matches!(c.to_ascii_lowercase(), 'i' | 'v' | 'x'));
    digits || roman || (count == 1 && word.chars().all(char::is_alphabetic))
}

/// The first word, once something stands behind it.
fn first_word(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['"', '\'', '(', '*', '_', '“', '‘', '[']);
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')?;
    Some(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_behind_decides_what_an_abbreviation_is() {
        for (word, behind, expected) in [
            ("Dr", "Smith ", Stop::GoesOn),
            ("U.S", "office ", Stop::GoesOn),
            ("U.S", "We ", Stop::Ends),
            ("U.S", "W", Stop::Unknown),
            ("a.m", "tomorrow ", Stop::GoesOn),
            ("p.m", "Please ", Stop::Ends),
            ("No", "5", Stop::GoesOn),
            ("No", "I ", Stop::Ends),
            ("J", "Smith ", Stop::GoesOn),
            ("Inc", "in ", Stop::GoesOn),
            ("nine", "We", Stop::Ends),
            ("3", "Mai ", Stop::GoesOn),
            ("5", "We ", Stop::Ends),
        ] {
            assert_eq!(stop(word, behind, false), expected, "{word}. {behind}");
        }
        assert_eq!(stop("1", "A ", true), Stop::GoesOn);
    }
}
