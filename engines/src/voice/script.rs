//! From the text a client wrote to what an English voice can read, and back: when each written word is heard.

use vox_engines::message::WordTime;

use crate::ffi::flite::Token;

/// Longest word given to flite in one piece; a longer one is no word, and its letter rules are quadratic.
const MAX_WORD_BYTES: usize = 60;

/// A word of the text, and how it is given to the voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As the client wrote it.
    pub written: String,
    /// Printable ASCII without spaces, perhaps cut into pieces; none if nothing of it can be spoken.
    pieces: Vec<String>,
}

impl Word {
    /// Whether nothing of this word can be spoken.
    pub fn is_silent(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| !piece.contains(|c: char| c.is_ascii_alphanumeric() || "&%$+=@#".contains(c)))
    }
}

/// The words of a text, as spaces part them.
pub fn words(text: &str) -> Vec<Word> {
    text.split_whitespace()
        .map(|written| {
            let ascii: String = written.chars().flat_map(spoken_character).collect();
            let pieces = ascii.as_bytes().chunks(MAX_WORD_BYTES);
            let pieces = pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
            Word { written: written.to_owned(), pieces }
        })
        .collect()
}

/// What flite is given to read.
pub fn spoken_text(words: &[Word]) -> String {
    words.iter().flat_map(|word| &word.pieces).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// When each word is heard, from when flite says each of its tokens is.
///
/// flite cuts the text almost as spaces do, but not quite, so tokens are counted off by their letters. A word
/// without sound gets the moment where the one before it ends.
pub fn align(words: &[Word], tokens: &[Token], offset_ms: u32) -> Vec<WordTime> {
    let mut tokens = tokens.iter();
    let mut surplus = 0;
    let mut now = 0.0_f32;
    let mut times = Vec::with_capacity(words.len());
    for word in words {
        let letters: usize = word.pieces.iter().map(String::len).sum();
        let (mut start, mut taken) = (None, surplus);
        while taken < letters {
            let Some(token) = tokens.next() else { break };
            taken += token.text.len().max(1);
            if let Some((token_start, token_end)) = token.span {
                start = start.or(Some(token_start.max(now)));
                now = now.max(token_end);
            }
        }
        surplus = taken.saturating_sub(letters);
        times.push(WordTime {
            text: word.written.clone(),
            start_ms: offset_ms + milliseconds(start.unwrap_or(now)),
            end_ms: offset_ms + milliseconds(now),
        });
    }
    times
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, saturating by definition"
)]
fn milliseconds(seconds: f32) -> u32 {
    (seconds * 1000.0).round() as u32
}

/// The ASCII that reads like this character: flite knows no other, and drops or misreads what it is given.
fn spoken_character(character: char) -> impl Iterator<Item = char> {
    let ascii: &str = match character {
        '!'..='~' => return Ascii::One(character).into_chars(),
        '‘' | '’' | '‚' | '′' => "'",
        '“' | '”' | '„' | '«' | '»' => "\"",
        '–' | '—' | '−' => "-",
        '…' => "...",
        '€' => "euros",
        '£' => "pounds",
        '°' => "degrees",
        '½' => "1/2",
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => "A",
        'æ' | 'Æ' => "ae",
        'ç' => "c",
        'Ç' => "C",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'È' | 'É' | 'Ê' | 'Ë' => "E",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'Ì' | 'Í' | 'Î' | 'Ï' => "I",
        'ñ' => "n",
        'Ñ' => "N",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' => "O",
        'œ' | 'Œ' => "oe",
        'ß' => "ss",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'Ù' | 'Ú' | 'Û' | 'Ü' => "U",
        'ý' | 'ÿ' => "y",
        _ => "",
    };
    Ascii::Many(ascii).into_chars()
}

/// One character or a fixed few, without allocating for either.
enum Ascii {
    One(char),
    Many(&'static str),
}

impl Ascii {
    fn into_chars(self) -> impl Iterator<Item = char> {
        let (one, many) = match self {
            Self::One(character) => (Some(character), ""),
            Self::Many(text) => (None, text),
        };
        one.into_iter().chain(many.chars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, span: Option<(f32, f32)>) -> Token {
        Token { text: text.to_owned(), span }
    }

    fn spans(times: &[WordTime]) -> Vec<(&str, u32, u32)> {
        times.iter().map(|time| (time.text.as_str(), time.start_ms, time.end_ms)).collect()
    }

    #[test]
    fn text_becomes_ascii_that_reads_alike() {
        let check = |text: &str, expected: &str| assert_eq!(spoken_text(&words(text)), expected);
        check("It’s “café” — naïve…", "It's \"cafe\" - naive...");
        check("tab\tand\u{0}nul\u{7}", "tab andnul");
        check("你好 hello", "hello");
        check("", "");
        check(&"a".repeat(130), &[&"a".repeat(60)[..], &"a".repeat(60), &"a".repeat(10)].join(" "));
    }

    #[test]
    fn punctuation_and_foreign_scripts_are_silent_and_numbers_are_not() {
        let check = |text: &str, silent: bool| assert_eq!(words(text)[0].is_silent(), silent, "{text}");
        check("...", true);
        check("你好", true);
        check("-", true);
        check("7", false);
        check("&", false);
        check("(ok)", false);
    }

    #[test]
    fn times_follow_the_written_words_even_where_flite_cuts_otherwise() {
        let written = words("It’s — 9:30, OK?");
        let tokens = [
            token("It's", Some((0.1, 0.3))),
            token("-", None),
            token("9", Some((0.4, 0.6))),
            token(":30,", Some((0.6, 1.0))),
            token("OK?", Some((1.2, 1.5))),
        ];
        let times = align(&written, &tokens, 1000);
        let expected = [("It’s", 1100, 1300), ("—", 1300, 1300), ("9:30,", 1400, 2000), ("OK?", 2200, 2500)];
        assert_eq!(spans(&times), expected);
    }

    #[test]
    fn missing_tokens_leave_the_rest_of_the_words_at_the_end() {
        let times = align(&words("one two"), &[token("one", Some((0.1, 0.4)))], 0);
        assert_eq!(spans(&times), [("one", 100, 400), ("two", 400, 400)]);
    }
}
