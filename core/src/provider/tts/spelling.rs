//! Characters with times become words with times.

use serde_json::Value;

use super::WordMark;
use crate::session::text::{is_unspaced, syllables};

/// Longest word; what has no spaces for longer is cut.
pub(super) const WORD_CHARS_MAX: usize = 40;
/// Longer than any reply, milliseconds.
const MOST_MS: f64 = 3_600_000.0;
/// Characters of a script without spaces that are marked together.
const UNSPACED_CHARS: usize = 3;

/// A character and its time, milliseconds since the first sample of whatever it came with.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedChar {
    pub text: String,
    pub started_ms: f64,
    pub ended_ms: f64,
}

impl TimedChar {
    /// Characters with their times in seconds; `None` where the lists are not of one length, or hold something else.
    pub(super) fn list(chars: &[Value], starts: &[Value], ends: &[Value]) -> Option<Vec<Self>> {
        if chars.len() != starts.len() || chars.len() != ends.len() {
            return None;
        }
        let ms = |seconds: &Value| {
            seconds.as_f64().filter(|s| s.is_finite()).map(|s| (s * 1000.0).clamp(0.0, MOST_MS))
        };
        let one = |((text, start), end): ((&Value, &Value), &Value)| {
            let started_ms = ms(start)?;
            let ended_ms = ms(end)?.max(started_ms);
            Some(Self { text: text.as_str()?.to_owned(), started_ms, ended_ms })
        };
        chars.iter().zip(starts).zip(ends).map(one).collect()
    }
}

/// The word that is being spelt.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    text: String,
    chars: usize,
    started_ms: f64,
    ended_ms: f64,
}

impl Spelling {
    /// Take a character and its time; a word that is complete is returned.
    pub fn take(&mut self, text: &str, started_ms: f64, ended_ms: f64) -> Option<WordMark> {
        if text.trim().is_empty() {
            return self.end();
        }
        let unspaced = text.chars().next().is_some_and(|c| syllables(c) > 1 || is_unspaced(c));
        let begun = self.begun.get_or_insert_with(|| Begun {
            text: String::new(),
            chars: 0,
            started_ms,
            ended_ms: started_ms,
        });
        begun.text.push_str(text);
        begun.chars += 1;
        begun.ended_ms = begun.ended_ms.max(ended_ms);
        let most = if unspaced { UNSPACED_CHARS } else { WORD_CHARS_MAX };
        if begun.chars < most { None } else { self.end() }
    }

    /// The word that has begun, because nothing follows.
    pub fn end(&mut self) -> Option<WordMark> {
        let begun = self.begun.take()?;
        let started_ms = begun.started_ms.round() as u32;
        let ended_ms = (begun.ended_ms.round() as u32).max(started_ms);
        Some(WordMark { text: begun.text, started_ms, ended_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, u32, u32)]) {
        let mut spelling = Spelling::default();
        let chars = text.chars().enumerate();
        let mut words: Vec<WordMark> = chars
            .filter_map(|(at, c)| spelling.take(&c.to_string(), at as f64 * 10.0, at as f64 * 10.0 + 10.0))
            .collect();
        words.extend(spelling.end());
        let got: Vec<_> =
            words.iter().map(|word| (word.text.as_str(), word.started_ms, word.ended_ms)).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn spaces_part_words_and_scripts_without_them_are_cut() {
        check("One, two.", &[("One,", 0, 40), ("two.", 50, 90)]);
        check("  a  b ", &[("a", 20, 30), ("b", 50, 60)]);
        check("", &[]);
        check("你好吗朋友", &[("你好吗", 0, 30), ("朋友", 30, 50)]);
        let long = "a".repeat(WORD_CHARS_MAX + 1);
        check(&long, &[(&long[1..], 0, 400), ("a", 400, 410)]);
    }
}
