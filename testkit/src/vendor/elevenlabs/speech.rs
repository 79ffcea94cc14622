//! Text to messages of audio with their character times.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{format::Format, script::AlignmentForm};
use crate::vendor::speaking::Voice;

/// How one context or request sounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) voice: Voice,
    pub(crate) format: Format,
    pub(crate) ms_per_char: f64,
    pub(crate) chunk_ms: u32,
}

/// One piece of audio.
pub(crate) struct Piece {
    pub(crate) audio: Vec<u8>,
    pub(crate) samples: u64,
    pub(crate) duration_ms: f64,
    characters: Vec<char>,
    ms_per_char: f64,
}

impl Manner {
    /// How many characters one message carries: whole ones, so that the times of successive messages add up.
    pub(crate) fn chars_per_piece(&self) -> usize {
        ((f64::from(self.chunk_ms) / self.ms_per_char) as usize).max(1)
    }

    pub(crate) fn piece(&self, characters: Vec<char>) -> Piece {
        let samples = self.voice.speak(&characters, self.ms_per_char, self.format.sample_rate);
        Piece {
            audio: self.format.encode(&samples),
            samples: samples.len() as u64,
            duration_ms: characters.len() as f64 * self.ms_per_char,
            characters,
            ms_per_char: self.ms_per_char,
        }
    }
}

impl Piece {
    /// The message that carries it. Times begin at 0 in every message.
    pub(crate) fn message(&self, form: AlignmentForm) -> Value {
        let alignment = self.alignment(form);
        json!({
            "audio": STANDARD.encode(&self.audio),
            "isFinal": null,
            "normalizedAlignment": alignment,
            "alignment": alignment
        })
    }

    /// The line that carries it over HTTP. Times are in seconds, and begin at the request's first character.
    pub(crate) fn line(&self, first: usize) -> String {
        let seconds = |index: usize| (first + index) as f64 * self.ms_per_char / 1_000.0;
        let count = self.characters.len();
        let chars: Vec<String> = self.characters.iter().map(char::to_string).collect();
        let alignment = json!({
            "characters": chars,
            "character_start_times_seconds": (0..count).map(seconds).collect::<Vec<_>>(),
            "character_end_times_seconds": (1..=count).map(seconds).collect::<Vec<_>>()
        });
        let audio = STANDARD.encode(&self.audio);
        let line = json!({"audio_base64": audio, "alignment": alignment, "normalized_alignment": alignment});
        format!("{line}\n")
    }

    fn alignment(&self, form: AlignmentForm) -> Value {
        let durations_key = match form {
            AlignmentForm::Current => "charDurationsMs",
            AlignmentForm::Older => "charsDurationsMs",
            AlignmentForm::Null => return Value::Null,
        };
        let boundary = |index: usize| (index as f64 * self.ms_per_char).round() as u64;
        let count = self.characters.len();
        let starts: Vec<u64> = (0..count).map(boundary).collect();
        let durations: Vec<u64> = (0..count).map(|index| boundary(index + 1) - boundary(index)).collect();
        let chars: Vec<String> = self.characters.iter().map(char::to_string).collect();
        json!({"chars": chars, "charStartTimesMs": starts, durations_key: durations})
    }
}
