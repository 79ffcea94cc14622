//! Speech under way: text in, sound out at its pace.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    script::{Habit, Speaking},
    voice::Voice,
};

/// A piece of sound, and what is heard in it.
pub(crate) struct Bit {
    pub(crate) samples: Vec<i16>,
    /// The characters that are spoken in it, with the times when they begin and end, milliseconds since the first of all.
    pub(crate) characters: Vec<(char, f64, f64)>,
}

impl Bit {
    /// As 16-bit little-endian samples.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }
}

/// What a mouth does when its moment has come.
pub(crate) enum Step {
    Sound(Bit),
    /// All that it was told to say has been said.
    End,
}

/// A mouth that says one text after the other.
pub(crate) struct Mouth {
    voice: Voice,
    sample_rate: u32,
    ms_per_char: f64,
    speaking: Speaking,
    pending: VecDeque<char>,
    /// Characters that were said.
    said: usize,
    due: Option<Instant>,
}

impl Mouth {
    /// A mouth with the voice of this name, so many times as fast as its script says.
    pub(crate) fn new(speaking: &Speaking, voice: &str, sample_rate: u32, speed: f64) -> Self {
        Self {
            voice: Voice::named(voice),
            sample_rate,
            ms_per_char: f64::from(speaking.ms_per_char.max(1)) / speed.clamp(0.2, 5.0),
            speaking: speaking.clone(),
            pending: VecDeque::new(),
            said: 0,
            due: None,
        }
    }

    /// Say this after all else.
    pub(crate) fn say(&mut self, text: &str) {
        if !self.speaking.has(Habit::Mute) {
            self.pending.extend(text.chars());
        }
        let first = Duration::from_millis(self.speaking.first_audio_ms);
        self.due.get_or_insert_with(|| Instant::now() + first);
    }

    /// Say nothing more.
    pub(crate) fn hush(&mut self) {
        self.pending.clear();
        self.due = None;
    }

    /// Whether it is saying something.
    pub(crate) fn is_busy(&self) -> bool {
        self.due.is_some()
    }

    /// The words of a text with the times that they will have if it is said now, milliseconds since the first sound.
    pub(crate) fn words(&self, text: &str) -> Vec<(String, f64, f64)> {
        let mut words: Vec<(String, f64, f64)> = Vec::new();
        let mut inside = false;
        for (at, c) in text.chars().enumerate() {
            let from = (self.said + self.pending.len() + at) as f64 * self.ms_per_char;
            let to = from + self.ms_per_char;
            match words.last_mut() {
                _ if c.is_whitespace() => inside = false,
                Some((word, _, end)) if inside => {
                    word.push(c);
                    *end = to;
                }
                _ => {
                    words.push((c.to_string(), from, to));
                    inside = true;
                }
            }
        }
        words
    }

    /// How much was said, milliseconds.
    pub(crate) fn said_ms(&self) -> f64 {
        self.said as f64 * self.ms_per_char
    }

    /// When [`Mouth::step`] has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What falls due now, if anything.
    pub(crate) fn step(&mut self, now: Instant) -> Option<Step> {
        let due = self.due.filter(|due| *due <= now)?;
        if self.pending.is_empty() {
            self.due = None;
            return Some(Step::End);
        }
        let most = ((f64::from(self.speaking.chunk_ms) / self.ms_per_char) as usize).max(1);
        let characters: Vec<char> = self.pending.drain(..most.min(self.pending.len())).collect();
        let samples = self.voice.speak(&characters, self.ms_per_char, self.sample_rate);
        let length_ms = characters.len() as f64 * self.ms_per_char;
        let time = |at: usize| (self.said + at) as f64 * self.ms_per_char;
        let timed = characters.iter().enumerate().map(|(at, c)| (*c, time(at), time(at + 1))).collect();
        self.said += characters.len();
        let factor = self.speaking.realtime_factor;
        let wait_ms = if factor > 0.0 { length_ms / factor } else { 0.0 };
        self.due = Some(due + Duration::from_secs_f64(wait_ms / 1_000.0));
        Some(Step::Sound(Bit { samples, characters: timed }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_said_in_pieces_and_then_its_end_is_told() {
        let speaking = Speaking { realtime_factor: 0.0, ..Speaking::default() };
        let mut mouth = Mouth::new(&speaking, "v", 8_000, 1.0);
        let words = mouth.words("Hi all.");
        assert_eq!(words, [("Hi".to_owned(), 0.0, 120.0), ("all.".to_owned(), 180.0, 420.0)]);
        mouth.say("Hi all.");
        let (mut samples, mut text) = (0, String::new());
        let now = Instant::now();
        while let Some(Step::Sound(bit)) = mouth.step(now) {
            samples += bit.samples.len();
            text.extend(bit.characters.iter().map(|(c, ..)| c));
        }
        assert_eq!((samples, text.as_str()), (7 * 480, "Hi all."));
        assert!(!mouth.is_busy());
        assert_eq!(mouth.words("So")[0], ("So".to_owned(), 420.0, 540.0));
    }
}
