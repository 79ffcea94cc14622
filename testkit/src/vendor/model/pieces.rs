//! Text in pieces of the size of a token.

use serde_json::Value;

use super::script::ToolCall;

/// Longest piece of a word, in letters; longer words come in several tokens, as they do from a real tokeniser.
const PIECE_CHARS: usize = 5;

/// A call's arguments as they stand on the wire: an object as JSON, a text as it is.
pub(crate) fn arguments(call: &ToolCall) -> String {
    match &call.arguments {
        Value::String(raw) => raw.clone(),
        Value::Null => "{}".into(),
        other => other.to_string(),
    }
}

/// The text in word pieces; each but the first of a text carries the space before it. Together they are the text.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut letters = 0;
    for character in text.chars() {
        let starts_word = character.is_whitespace() && letters > 0;
        if starts_word || letters == PIECE_CHARS {
            pieces.push(std::mem::take(&mut piece));
            letters = 0;
        }
        piece.push(character);
        letters += usize::from(!character.is_whitespace());
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The text in pieces of equal length.
pub(crate) fn split(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(PIECE_CHARS).map(|part| part.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let cut = pieces(text);
        assert_eq!(cut, expected);
        assert_eq!(cut.concat(), text);
    }

    #[test]
    fn a_text_is_cut_into_word_pieces_and_loses_nothing() {
        check("", &[]);
        check("Hi there", &["Hi", " there"]);
        check("  appointment, ok.\n", &["  appoi", "ntmen", "t,", " ok.", "\n"]);
        check("नमस्ते जी", &["नमस्त", "े", " जी"]);
    }
}
