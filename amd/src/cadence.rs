//! The rules of the old world: lengths of words and pauses, nothing else. Beside the new ones for who wants to keep them, and to compare.

use crate::HOP_MS;
use crate::class::{Because, Class};
use crate::settings::Cadence;

/// One call's counters, as a PBX's `AMD()` keeps them.
pub struct Counting {
    figures: Cadence,
    total_ms: u32,
    silence_ms: u32,
    voice_ms: u32,
    word_ms: u32,
    words: u32,
    in_word: bool,
    in_greeting: bool,
}

impl Counting {
    pub fn new(figures: Cadence) -> Self {
        Self {
            figures,
            total_ms: 0,
            silence_ms: 0,
            voice_ms: 0,
            word_ms: 0,
            words: 0,
            in_word: false,
            in_greeting: false,
        }
    }

    /// Take 20 ms of this mean magnitude: the verdict, once it is one.
    pub fn hop(&mut self, magnitude: f32) -> Option<(Class, Because)> {
        self.total_ms += HOP_MS;
        let decided =
            if magnitude < self.figures.silence_threshold as f32 { self.silence() } else { self.voice() };
        let late =
            || (self.total_ms >= self.figures.total_analysis_time).then_some((Class::Unsure, "too long"));
        let (class, why) = decided.or_else(late)?;
        Some((class, Because::Cadence(why.to_owned())))
    }

    fn silence(&mut self) -> Option<(Class, &'static str)> {
        self.silence_ms += HOP_MS;
        if self.silence_ms >= self.figures.between_words_silence {
            self.in_word = false;
            self.word_ms = 0;
        }
        if !self.in_greeting && self.silence_ms >= self.figures.initial_silence {
            return Some((Class::Voicemail, "initial silence"));
        }
        (self.in_greeting && self.silence_ms >= self.figures.after_greeting_silence)
            .then_some((Class::Human, "silence after greeting"))
    }

    fn voice(&mut self) -> Option<(Class, &'static str)> {
        self.word_ms += HOP_MS;
        self.voice_ms += HOP_MS;
        if self.word_ms >= self.figures.min_word_length {
            self.silence_ms = 0;
            self.in_greeting = true;
            if !std::mem::replace(&mut self.in_word, true) {
                self.words += 1;
            }
        }
        if self.word_ms >= self.figures.maximum_word_length {
            Some((Class::Voicemail, "maximum word length"))
        } else if self.words > self.figures.maximum_number_of_words {
            Some((Class::Voicemail, "maximum number of words"))
        } else {
            (self.in_greeting && self.voice_ms >= self.figures.greeting)
                .then_some((Class::Voicemail, "greeting"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is decided of these (milliseconds, whether there is voice), and when.
    fn decided(course: &[(u32, bool)]) -> Option<(u32, Class, String)> {
        let mut counting = Counting::new(Cadence::default());
        let hops = course.iter().flat_map(|(ms, voice)| std::iter::repeat_n(*voice, (ms / HOP_MS) as usize));
        hops.enumerate().find_map(|(i, voice)| match counting.hop(if voice { 900.0 } else { 3.0 }) {
            Some((class, Because::Cadence(why))) => Some(((i as u32 + 1) * HOP_MS, class, why)),
            _ => None,
        })
    }

    #[test]
    fn it_decides_as_a_pbx_does() {
        let is = |course: &[(u32, bool)], at, class, why: &str| {
            assert_eq!(decided(course), Some((at, class, why.to_owned())));
        };
        is(&[(3_000, false)], 2_500, Class::Voicemail, "initial silence");
        is(&[(300, false), (400, true), (2_000, false)], 1_500, Class::Human, "silence after greeting");
        is(&[(200, false), (3_000, true)], 1_700, Class::Voicemail, "greeting");
        is(
            &[(200, true), (100, false), (200, true), (100, false), (200, true)],
            700,
            Class::Voicemail,
            "maximum number of words",
        );
        // Clicks are no words, and end no silence.
        let clicks: Vec<(u32, bool)> = (0..100).flat_map(|_| [(40, true), (100, false)]).collect();
        assert_eq!(decided(&clicks).map(|(_, class, _)| class), Some(Class::Voicemail));
        let slow: Vec<(u32, bool)> =
            (0..3).flat_map(|_| [(40, true), (900, false), (120, true), (700, false)]).collect();
        assert_eq!(decided(&slow).map(|(at, class, _)| (at, class)), Some((1_900, Class::Human)));
    }
}
