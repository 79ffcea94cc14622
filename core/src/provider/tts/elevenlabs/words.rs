//! Characters with times per message become words with times per reply.

use super::event::{AlignedChar, Alignment};
use crate::provider::tts::WordMark;

/// Longest word; what has no spaces for longer is cut.
const WORD_CHARS_MAX: usize = 200;

/// The words of one context. The vendor's times begin at 0 in every message, and a word may straddle two messages.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The context's time at which the next message begins, milliseconds.
    base_ms: f64,
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    text: String,
    chars: usize,
    started_ms: f64,
    ended_ms: f64,
}

impl Words {
    /// Take a message's alignment; its words that are complete are returned. `audio_ms` is the length of the message's sound,
    /// which moves the time on where the alignment is missing.
    pub(super) fn take(&mut self, alignment: Option<&Alignment>, audio_ms: f64) -> Vec<WordMark> {
        let mut words = Vec::new();
        let Some(alignment) = alignment else {
            self.base_ms += audio_ms;
            return words;
        };
        let mut end_ms: f64 = 0.0;
        for char in &alignment.chars {
            end_ms = end_ms.max(char.started_ms + char.duration_ms);
            words.extend(self.take_char(char));
        }
        self.base_ms += end_ms;
        words
    }

    fn take_char(&mut self, char: &AlignedChar) -> Option<WordMark> {
        if char.text.trim().is_empty() {
            return self.end();
        }
        let started_ms = self.base_ms + char.started_ms;
        let begun = self.begun.get_or_insert_with(|| Begun {
            text: String::new(),
            chars: 0,
            started_ms,
            ended_ms: started_ms,
        });
        begun.text.push_str(&char.text);
        begun.chars += 1;
        begun.ended_ms = begun.ended_ms.max(started_ms + char.duration_ms);
        if begun.chars < WORD_CHARS_MAX { None } else { self.end() }
    }

    /// The word that has begun, because nothing follows.
    pub(super) fn end(&mut self) -> Option<WordMark> {
        let begun = self.begun.take()?;
        let started_ms = begun.started_ms.round() as u32;
        Some(WordMark {
            text: begun.text,
            started_ms,
            ended_ms: (begun.ended_ms.round() as u32).max(started_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alignment(text: &str, each_ms: f64) -> Alignment {
        let char = |(at, c): (usize, char)| AlignedChar {
            text: c.to_string(),
            started_ms: at as f64 * each_ms,
            duration_ms: each_ms,
        };
        Alignment { chars: text.chars().enumerate().map(char).collect() }
    }

    fn mark(text: &str, started_ms: u32, ended_ms: u32) -> WordMark {
        WordMark { text: text.into(), started_ms, ended_ms }
    }

    #[test]
    fn times_go_on_over_messages() {
        let mut words = Words::default();
        assert_eq!(
            words.take(Some(&alignment("Hi there. ", 10.0)), 100.0),
            [mark("Hi", 0, 20), mark("there.", 30, 90)]
        );
        assert_eq!(words.take(Some(&alignment("Yes ", 10.0)), 40.0), [mark("Yes", 100, 130)]);
    }

    #[test]
    fn a_word_may_straddle_two_messages() {
        let mut words = Words::default();
        assert_eq!(words.take(Some(&alignment("one tw", 10.0)), 60.0), [mark("one", 0, 30)]);
        assert_eq!(words.take(Some(&alignment("o three", 10.0)), 70.0), [mark("two", 40, 70)]);
        assert_eq!(words.end(), Some(mark("three", 80, 130)));
        assert_eq!(words.end(), None);
    }

    #[test]
    fn sound_without_times_moves_the_time_on() {
        let mut words = Words::default();
        assert!(words.take(None, 500.0).is_empty());
        assert_eq!(words.take(Some(&alignment("a ", 10.0)), 20.0), [mark("a", 500, 510)]);
    }

    #[test]
    fn text_without_spaces_is_cut() {
        let mut words = Words::default();
        let taken = words.take(Some(&alignment(&"x".repeat(1000), 1.0)), 1000.0);
        assert_eq!(taken.len(), 1000 / WORD_CHARS_MAX);
    }
}
