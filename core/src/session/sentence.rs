//! From tokens to speakable pieces: markup stripped, cut at the end of sentences, the first piece may be a clause.

/// A first piece may end at a clause mark once it has this many characters: the reply begins sooner.
const FIRST_CLAUSE_CHARS: usize = 24;
/// A piece without any mark is cut at a space when it grows beyond this.
const LONGEST_PIECE_CHARS: usize = 240;
/// Words whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 14] =
    ["dr", "mr", "mrs", "ms", "prof", "st", "no", "vs", "etc", "e.g", "i.e", "approx", "a.m", "p.m"];

/// Cuts a stream of text into pieces.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: String,
    any_given: bool,
}

impl Splitter {
    /// Add text; returns the pieces it completes.
    pub fn push(&mut self, text: &str) -> Vec<String> {
        self.buffer.push_str(text);
        let mut pieces = Vec::new();
        while let Some(cut) = self.cut() {
            let rest = self.buffer.split_off(cut);
            let piece = speakable(&std::mem::replace(&mut self.buffer, rest));
            if !piece.is_empty() {
                self.any_given = true;
                pieces.push(piece);
            }
        }
        pieces
    }

    /// The text is complete: the last piece.
    pub fn finish(&mut self) -> Option<String> {
        let piece = speakable(&std::mem::take(&mut self.buffer));
        (!piece.is_empty()).then_some(piece)
    }

    /// Byte offset after which the next piece ends, if it is certain.
    fn cut(&self) -> Option<usize> {
        let text = &self.buffer;
        for (at, c) in text.char_indices() {
            let after = at + c.len_utf8();
            let next = text[after..].chars().next();
            let ends = match c {
                '.' => next.is_some_and(char::is_whitespace) && !is_abbreviation(&text[..at]),
                '!' | '?' | '…' => next.is_some_and(char::is_whitespace),
                '。' | '！' | '？' | '।' | '\n' => true,
                ',' | ';' | ':' | '—' => {
                    !self.any_given && at >= FIRST_CLAUSE_CHARS && next.is_some_and(char::is_whitespace)
                }
                _ => c.is_whitespace() && at >= LONGEST_PIECE_CHARS,
            };
            if ends {
                return Some(after);
            }
        }
        None
    }
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    ABBREVIATIONS.contains(&word.as_str())
        || (word.chars().count() == 1 && word.chars().all(char::is_alphabetic))
}

/// Text as it should reach a voice: no markdown, no emoji, single spaces.
pub fn speakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '`' | '#' | '~' | '|' | '<' | '>' => {}
            '_' => out.push(' '),
            c if c.is_whitespace() => out.push(' '),
            c if is_pictograph(c) => {}
            c => out.push(c),
        }
    }
    let words: Vec<&str> = out.split_whitespace().filter(|w| *w != "-").collect();
    let joined = words.join(" ");
    if joined.chars().any(char::is_alphanumeric) { joined } else { String::new() }
}

fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0xFE00..=0xFE0F | 0x200D | 0x2190..=0x21FF | 0xE0020..=0xE007F)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &[&str], expected: &[&str]) {
        let mut splitter = Splitter::default();
        let mut pieces: Vec<String> = tokens.iter().flat_map(|t| splitter.push(t)).collect();
        pieces.extend(splitter.finish());
        assert_eq!(pieces, expected);
    }

    #[test]
    fn sentences_are_given_as_soon_as_they_are_complete() {
        check(&["Hel", "lo. How", " are you? Fi", "ne"], &["Hello.", "How are you?", "Fine"]);
    }

    #[test]
    fn abbreviations_initials_and_decimals_do_not_end_a_sentence() {
        check(&["Dr. J. Smith owes 3.5 euros. Yes."], &["Dr. J. Smith owes 3.5 euros.", "Yes."]);
    }

    #[test]
    fn only_the_first_piece_may_be_a_clause() {
        check(
            &[
                "Well, thank you for calling us today, I can help. First, second, and third of a long list, done.",
            ],
            &[
                "Well, thank you for calling us today,",
                "I can help.",
                "First, second, and third of a long list, done.",
            ],
        );
    }

    #[test]
    fn markup_and_pictures_are_not_spoken() {
        check(&["**Sure** 😀!\n- `one`\n- two\n***\n"], &["Sure !", "one", "two"]);
    }

    #[test]
    fn text_without_marks_is_cut_at_a_space() {
        let long = "word ".repeat(100);
        let mut splitter = Splitter::default();
        let pieces = splitter.push(&long);
        assert!(pieces.len() >= 2 && pieces.iter().all(|p| p.len() <= LONGEST_PIECE_CHARS + 5));
    }
}
