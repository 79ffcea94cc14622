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
    "т.к",
    "тыс",
    "млн",
    "млрд",
    "кв",
    "стр",
    "тел",
    "пр",
    "rs",
    "रु",
    "smt",
    "shri",
    "sri",
    "adv",
    "maj",
    "brig",
    "cpl",
    "cdr",
    "pvt",
    "mio",
    "mrd",
    "tsd",
    "std",
    "stk",
    "vgl",
    "evtl",
    "zzgl",
    "abzgl",
    "exkl",
    "bspw",
    "dott",
    "sig",
    "avv",
    "ing",
    "arch",
    "lic",
    "arq",
    "dña",
    "exmo",
    "exma",
    "env",
    "p.ex",
    "boul",
    "dhr",
    "mevr",
    "mw",
    "bijv",
    "drs",
    "np",
    "ul",
    "godz",
    "tzn",
    "tj",
    "např",
    "sn",
    "bpk",
    "jl",
    "rp",
    "aprox",
    "med",
    "dent",
    "jur",
    "rer",
    "nat",
    "phil",
    "h.c",
    "ref",
    "appt",
    "पं",
    "डा",
    "ডা",
    "திரு",
    "డా",
    "ડૉ",
    "ഡോ",
    "ಡಾ",
    "ਡਾ",
    "κα",
    "tzw",
    "pag",
    "kl",
    "tp",
    "bs",
    "ee",
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
    "min", "max", "sec", "sek", "abs", "sig.ra", "dott.ssa", "руб", "коп", "др", "т.п", "wg", "jh", "ecc",
    "osv", "enz",
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

/// Words before a number whose full stop makes it an ordinal ("im 2. Stock").
const BEFORE_ORDINALS: &[&str] =
    &["im", "der", "die", "das", "dem", "den", "vom", "zum", "zur", "beim", "jeden"];

/// Whether a number behind `head` is an ordinal that goes on with its noun.
pub(super) fn is_ordinal(word: &str, head: &str) -> bool {
    let before = head.trim_end().rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) && BEFORE_ORDINALS.contains(&before.as_str())
}

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
    let is_number = counted(word).is_some();
    let is_counter = BEFORE_NUMBERS.contains(&lower.as_str());
    let is_initial = letters == 1 && word.chars().count() == 1;
    let is_letters =
        |part: &str| (1..=2).contains(&part.chars().count()) && part.chars().all(char::is_alphabetic);
    let is_acronym = word.contains('.') && word.split('.').all(is_letters);
    let may_go_on = is_initial || is_acronym || OPEN_OR_END.contains(&lower.as_str());
    if !is_number && !is_counter && !may_go_on {
        return Stop::Ends;
    }
    let Some(next) = behind.chars().next() else { return Stop::Unknown };
    // "10 min. on foot", "am 3. oder 4. Mai"; "No" is a word.
    if next.is_lowercase() && word != "No" {
        return Stop::GoesOn;
    }
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
        // The next of several initials: "U. S. A."
        Some(letter) if is_initial && letter.chars().count() == 1 && is_stopped(behind, letter) => {
            Stop::GoesOn
        }
        Some(next) if STARTERS.contains(&next) => Stop::Ends,
        Some(_) => Stop::GoesOn,
        None => Stop::Unknown,
    }
}

/// The number that a list may count to: up to two digits of any script.
pub(super) fn counted(word: &str) -> Option<u32> {
    let digits: Vec<u32> = word.chars().map(digit).collect::<Option<_>>()?;
    matches!(digits.len(), 1 | 2).then(|| digits.iter().fold(0, |number, digit| number * 10 + digit))
}

/// The value of a decimal digit.
fn digit(c: char) -> Option<u32> {
    const ZEROS: [u32; 18] = [
        0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0,
        0xF20, 0x1040, 0x17E0, 0xFF10,
    ];
    ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|digit| *digit < 10))
}

/// Whether a text begins with a word that often begins sentences. `None` while that is not known.
pub(super) fn starts_sentence(text: &str) -> Option<bool> {
    first_word(text).map(|word| STARTERS.contains(&word))
}

fn is_stopped(text: &str, word: &str) -> bool {
    text.split_once(word).is_some_and(|(_, behind)| behind.starts_with('.'))
}

/// Whether it is a list's number or letter: `1`, `12`, `1.2`, `a`, `iv`.
pub(super) fn is_label(word: &str) -> bool {
    let count = word.chars().count();
    let is_part = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if word.contains('.') && word.split('.').all(is_part) {
        return true;
    }
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
