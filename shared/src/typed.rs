//! Words that people type and paste: keys, addresses, ids, names. White space is never part of them, and a form or a password
//! safe adds it easily; at the ends it is taken away, inside it is refused by its own name.

/// Marks that a safe or a chat puts around what it shows.
const QUOTES: [(char, char); 6] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»')];

/// Without the white space, the invisible characters and the quotation marks around it.
pub fn trimmed(text: &str) -> &str {
    let around = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c);
    let text = text.trim_matches(around);
    let inside = QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inside.map_or(text, |inside| inside.trim_matches(around))
}

/// Characters that nobody sees: zero-width ones, marks of direction, the byte order mark, the soft hyphen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// What a word may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Keys, tokens, addresses, ids: printable ASCII without spaces.
    Ascii,
    /// Names that a vendor or a person gave (a model, a voice): a single line of any script.
    Line,
}

/// Why a word cannot be what it is said to be, in words that name the character and not the word.
pub fn fault(text: &str, alphabet: Alphabet) -> Option<String> {
    let (place, what) = text.chars().enumerate().find_map(|(place, c)| Some((place, wrong(c, alphabet)?)))?;
    Some(format!("character {} is {what}; paste it alone, without anything around or inside it", place + 1))
}

fn wrong(c: char, alphabet: Alphabet) -> Option<&'static str> {
    match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("a line feed (white space)"),
        '\t' => Some("a tab (white space)"),
        _ if c.is_control() => Some("a control character"),
        _ if is_invisible(c) => Some("invisible (zero-width white space or a mark of direction)"),
        _ if alphabet == Alphabet::Line => None,
        _ if c.is_whitespace() => Some("a space (white space)"),
        _ if !c.is_ascii() => Some("no ASCII character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_word_is_taken_away() {
        for text in [
            "k-0123",
            "k-0123\n",
            " k-0123",
            "\tk-0123\r\n",
            "\u{feff}k-0123",
            "k-0123\u{200b}",
            "\"k-0123\"",
            " '\u{a0}k-0123' ",
            "“k-0123”",
            "`k-0123`\n",
            "k-0123\0",
        ] {
            assert_eq!(trimmed(text), "k-0123", "{text:?}");
        }
        assert_eq!((trimmed(" \n"), trimmed("\""), trimmed("a\"b\"")), ("", "\"", "a\"b\""));
    }

    fn check(text: &str, alphabet: Alphabet, word: Option<&str>) {
        let told = fault(text, alphabet);
        assert_eq!(told.is_some(), word.is_some(), "{text:?}: {told:?}");
        assert!(word.is_none_or(|w| told.as_ref().unwrap().contains(w)), "{text:?}: {told:?}");
        assert!(!told.is_some_and(|t| t.contains("fedcba")), "the word itself is not told");
    }

    #[test]
    fn what_stands_inside_is_refused_by_its_name() {
        check("k-0123\nk-fedcba", Alphabet::Ascii, Some("line feed"));
        check("k-0123 fedcba", Alphabet::Ascii, Some("space"));
        check("k-0123\u{a0}fedcba", Alphabet::Ascii, Some("white space"));
        check("k-0123\u{200b}fedcba", Alphabet::Ascii, Some("zero-width"));
        check("k-0123\u{7}", Alphabet::Ascii, Some("control"));
        check("ключ", Alphabet::Ascii, Some("ASCII"));
        check("k-0123_./+=~", Alphabet::Ascii, None);
        check("My Model ü", Alphabet::Line, None);
        check("My\nModel", Alphabet::Line, Some("line feed"));
    }
}
