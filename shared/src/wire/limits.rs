//! What the bridge refuses in a message, so that a worker keeps to it: a result that is refused is set aside on the worker's
//! disk, and nobody sees the call.

/// Largest result of a call, bytes of JSON.
pub const MAX_RESULT_BYTES: usize = 8 * 1024 * 1024;
/// Largest other JSON body, bytes.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Deepest nesting of JSON from outside. It is stored inside documents and sent on inside messages, and whoever reads
/// those must not meet the parser's own limit of 127.
pub const MAX_JSON_LEVELS: usize = 64;
/// Longest text of one transcript entry, bytes of UTF-8: some minutes of speech. What a recogniser calls one final is cut
/// there, or a vendor that never ends one would make a result too large to be taken.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// `text` cut at a character so that it has at most `bytes` bytes.
pub fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("haan", 9), "haan");
        assert_eq!(cut("हाँ", 4), "ह");
        assert_eq!(cut("", 0), "");
    }
}
