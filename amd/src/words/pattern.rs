//! Phrases with holes.
//!
//! Words stand in their order; `a/b` is either of them, `message*` any word that begins so, `..` up to three words that do not matter,
//! `$` the end of what was said, and `!did/who`, as the first, that none of the two words before is one of these. A phrase has three holes
//! at most, none beside another: each may be of four lengths, and all of them are tried at every word.

use super::plain;

/// Most words of a hole.
const HOLE: usize = 3;
/// Most holes.
const HOLES: usize = 3;
/// Words before the phrase that `!` looks at.
const BEFORE: usize = 2;

#[derive(Clone, Debug)]
enum Token {
    Either(Vec<(String, bool)>),
    Hole,
    End,
}

/// A phrase, ready to be looked for.
#[derive(Clone, Debug)]
pub struct Pattern {
    not_after: Vec<String>,
    tokens: Vec<Token>,
}

impl Pattern {
    /// Read one; `None` if there is no word in it, it ends or begins with a hole, or has more of them than are looked for.
    pub fn parse(text: &str) -> Option<Self> {
        let mut not_after = Vec::new();
        let mut tokens = Vec::new();
        for token in text.split_whitespace() {
            match token {
                ".." => tokens.push(Token::Hole),
                "$" => tokens.push(Token::End),
                not if not.starts_with('!') && tokens.is_empty() => {
                    not_after.extend(not.split('/').flat_map(plain::words));
                }
                either => {
                    let one =
                        |word: &str| Some((plain::words(word).into_iter().next()?, word.ends_with('*')));
                    let words: Vec<_> = either.split('/').filter_map(one).collect();
                    if !words.is_empty() {
                        tokens.push(Token::Either(words));
                    }
                }
            }
        }
        let is_word = |token: Option<&Token>| matches!(token, Some(Token::Either(_)));
        let is_whole = is_word(tokens.first()) && !matches!(tokens.last(), Some(Token::Hole));
        let is_hole = |token: &Token| matches!(token, Token::Hole);
        let is_quick = tokens.iter().filter(|token| is_hole(token)).count() <= HOLES
            && !tokens.windows(2).any(|two| two.iter().all(is_hole));
        (is_whole && is_quick).then_some(Self { not_after, tokens })
    }

    /// Whether it is said in these words, beginning at `from` or later and with one of the words from `new` on in it.
    pub fn is_in(&self, words: &[String], from: usize, new: usize) -> bool {
        (from..words.len()).any(|at| {
            let rest = rest(&self.tokens, &words[at..]);
            rest.is_some_and(|rest| words.len() - rest > new)
                && !words[at.saturating_sub(BEFORE)..at].iter().any(|word| self.not_after.contains(word))
        })
    }
}

/// How many words are behind the phrase, if they begin with it.
fn rest(tokens: &[Token], words: &[String]) -> Option<usize> {
    match tokens.split_first() {
        None => Some(words.len()),
        Some((Token::End, others)) => (words.is_empty() && others.is_empty()).then_some(0),
        Some((Token::Hole, others)) => {
            (0..=HOLE.min(words.len())).find_map(|skip| rest(others, &words[skip..]))
        }
        Some((Token::Either(wanted), others)) => {
            let (word, behind) = words.split_first()?;
            let fits = |(text, is_start): &(String, bool)| {
                if *is_start { word.starts_with(text.as_str()) } else { word == text }
            };
            if wanted.iter().any(fits) { rest(others, behind) } else { None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().is_in(&plain::words(text), 0, 0)
    }

    #[test]
    fn phrases_have_holes_choices_beginnings_and_ends() {
        assert!(check("leave .. message*", "please leave me a short message"));
        assert!(check("leave .. message*", "leave messages"));
        assert!(!check("leave .. message*", "leave it for now or send a message"));
        assert!(check("after/at the tone/beep", "speak after the beep please"));
        assert!(!check("after/at the tone/beep", "after tone"));
        assert!(check("speaking $", "john speaking"));
        assert!(!check("speaking $", "speaking of which"));
        assert!(!check("!did leave .. message*", "did you leave a message"));
        assert!(check("!did leave .. message*", "did you know leave a message"));
    }

    #[test]
    fn what_was_said_before_is_not_said_again() {
        let words = plain::words("leave a message or wait");
        let pattern = Pattern::parse("leave .. message*").unwrap();
        assert!(pattern.is_in(&words, 0, 2) && !pattern.is_in(&words, 0, 3));
    }

    /// Each hole more makes it four times as long.
    #[test]
    fn a_phrase_has_three_holes_at_most() {
        assert!(check("a .. b .. c .. d", "a x b x x c d"));
        assert!(Pattern::parse("a .. b .. c .. d .. e").is_none());
    }

    #[test]
    fn what_says_nothing_is_no_phrase() {
        for text in [
            "",
            "..",
            "leave ..",
            ".. message",
            "$",
            "!did",
            "?",
            "leave .. .. message",
            "leave .. ? .. message",
        ] {
            assert!(Pattern::parse(text).is_none(), "{text:?}");
        }
    }
}
