//! Characters with times per message become words with times per reply.
//!
//! What the vendor's servers send as alignment differs by model and year: times that begin anew in every message or go on
//! from the reply's beginning, characters of this message's sound only or of the whole sentence again, of the text or of
//! what the text was rewritten to. So neither the times nor the characters are believed by themselves: the characters are
//! read against the text that was sent, and their times are placed on the sound that came with them.

use super::event::{AlignedChar, Alignment, Alignments};
use crate::provider::tts::WordMark;
use crate::provider::tts::spelling::Spelling;

/// Times may end this much behind the sound they came with and still belong to it: rounding.
const SLACK_MS: f64 = 60.0;
/// Nobody speaks a character in less, milliseconds: such times are spread over the sound.
const FASTEST_CHAR_MS: f64 = 12.0;
/// Characters that tell where in the text an alignment stands.
const TELLING: usize = 4;

/// The words of one context.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Letters of the text that was sent, as they are compared.
    text: Vec<char>,
    /// Where in `text` the pieces begin that were sent one by one.
    pieces: Vec<usize>,
    /// Letters of `text` whose times are known.
    placed: usize,
    /// Length of the sound that came before this message, milliseconds.
    sound_ms: f64,
    /// Where on the sound the last character with a time ends, milliseconds.
    timed_ms: f64,
    spelling: Spelling,
}

/// How an alignment continues the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It goes on where the last one ended.
    Next,
    /// It says again what was said; from this character on it is new.
    Again { new: usize },
    /// It is not the text.
    Other,
}

impl Words {
    /// Text was sent.
    pub(super) fn sent(&mut self, text: &str) {
        self.pieces.push(self.text.len());
        self.text.extend(letters(text));
    }

    /// How many letters of the text have their times.
    pub(super) fn placed(&self) -> usize {
        self.placed
    }

    /// Take a message's alignments, and the length of its sound; words that are complete are returned.
    pub(super) fn take(&mut self, alignments: &Alignments, audio_ms: f64) -> Vec<WordMark> {
        let base_ms = self.sound_ms;
        self.sound_ms += audio_ms;
        let Some((alignment, fit)) = self.choose(alignments, audio_ms) else { return Vec::new() };
        let new = match fit {
            Fit::Again { new } => new,
            Fit::Next | Fit::Other => 0,
        };
        let chars = &alignment.chars[new.min(alignment.chars.len())..];
        let mut words = Vec::new();
        // Nothing may stand between two sentences that were sent one by one.
        if self.pieces.contains(&self.placed) && chars.first().is_some_and(|char| begins_word(&char.text)) {
            words.extend(self.end());
        }
        if fit != Fit::Other {
            self.placed += chars.iter().flat_map(|c| letters(&c.text)).count();
        }
        let base_ms = if audio_ms > 0.0 { base_ms } else { self.base_without_sound(chars) };
        let place = Place::of(chars, fit, base_ms, audio_ms);
        for (at, char) in chars.iter().enumerate() {
            let (started_ms, ended_ms) = place.time(at, char);
            self.timed_ms = self.timed_ms.max(ended_ms);
            words.extend(self.spelling.take(&char.text, started_ms, ended_ms));
        }
        words
    }

    /// Where times lie that come by themselves: on the sound before them if that has none, else on what follows.
    fn base_without_sound(&self, chars: &[AlignedChar]) -> f64 {
        let length_ms = end_ms(chars) - chars.first().map_or(0.0, |c| c.started_ms);
        let untimed_ms = self.sound_ms - self.timed_ms;
        if untimed_ms > 0.0 && untimed_ms * 2.0 >= length_ms { self.timed_ms } else { self.sound_ms }
    }

    /// The alignment that fits the text, of the sent text's first; where none does, the one whose times fit the sound.
    fn choose<'a>(&self, alignments: &'a Alignments, audio_ms: f64) -> Option<(&'a Alignment, Fit)> {
        let both = || [&alignments.given, &alignments.normalized].into_iter().flatten();
        let fitted = |wanted: fn(Fit) -> bool| both().map(|a| (a, self.fit(a))).find(|(_, fit)| wanted(*fit));
        let off = |a: &Alignment| (end_ms(&a.chars) - audio_ms).abs();
        fitted(|fit| fit == Fit::Next).or_else(|| fitted(|fit| fit != Fit::Other)).or_else(|| {
            let nearest = both().min_by(|a, b| off(a).total_cmp(&off(b)))?;
            Some((nearest, Fit::Other))
        })
    }

    fn fit(&self, alignment: &Alignment) -> Fit {
        let listed: Vec<char> = alignment.chars.iter().flat_map(|c| letters(&c.text)).collect();
        let stands = |from: usize| {
            let length = listed.len().min(self.text.len() - from);
            length > 0 && self.text[from..from + length] == listed[..length]
        };
        if listed.is_empty() || stands(self.placed) {
            return Fit::Next;
        }
        let telling = listed.len() >= TELLING || listed.len() >= self.placed;
        let again = self.pieces.iter().rev().find(|from| **from < self.placed && telling && stands(**from));
        let Some(from) = again else { return Fit::Other };
        let old = (self.placed - from).min(listed.len());
        // The characters that hold the letters which were placed before.
        let mut left = old;
        let new = alignment.chars.iter().position(|c| {
            let count = letters(&c.text).count();
            if count > left {
                return true;
            }
            left -= count;
            false
        });
        Fit::Again { new: new.unwrap_or(alignment.chars.len()) }
    }

    /// The word that has begun, because nothing follows.
    pub(super) fn end(&mut self) -> Option<WordMark> {
        self.spelling.end()
    }
}

/// Where an alignment's times lie on the reply's sound.
struct Place {
    offset_ms: f64,
    /// The times cannot be right: so long is each character instead, from the beginning of the sound on.
    each_ms: Option<f64>,
}

impl Place {
    fn of(chars: &[AlignedChar], fit: Fit, base_ms: f64, audio_ms: f64) -> Self {
        let first_ms = chars.first().map_or(0.0, |c| c.started_ms);
        let length_ms = end_ms(chars) - first_ms;
        let fastest_ms = chars.len() as f64 * FASTEST_CHAR_MS;
        if chars.len() >= TELLING && length_ms < fastest_ms && audio_ms > length_ms {
            return Self { offset_ms: base_ms, each_ms: Some(audio_ms / chars.len() as f64) };
        }
        let is_within = first_ms <= audio_ms && matches!(fit, Fit::Next | Fit::Other);
        // Times that do not begin within this sound count from somewhere else: the sentence's or the reply's beginning.
        let goes_on = first_ms > SLACK_MS
            && end_ms(chars) > audio_ms + SLACK_MS
            && (first_ms - base_ms).abs() <= SLACK_MS;
        let offset_ms = if is_within && !goes_on { base_ms } else { base_ms - first_ms };
        Self { offset_ms, each_ms: None }
    }

    fn time(&self, at: usize, char: &AlignedChar) -> (f64, f64) {
        if let Some(each_ms) = self.each_ms {
            let started_ms = self.offset_ms + at as f64 * each_ms;
            return (started_ms, started_ms + each_ms);
        }
        let started_ms = (self.offset_ms + char.started_ms).max(0.0);
        (started_ms, started_ms + char.duration_ms)
    }
}

fn end_ms(chars: &[AlignedChar]) -> f64 {
    chars.iter().map(|c| c.started_ms + c.duration_ms).fold(0.0, f64::max)
}

/// Whether a character can only begin a word: the full stop of the sentence before may come with the next message.
fn begins_word(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphanumeric() || "“‘«([{¿¡「『（".contains(c))
}

/// What is compared of a text: its letters and digits.
pub(super) fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests;
