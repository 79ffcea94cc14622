//! How the scripted voice speaks.

use serde::{Deserialize, Serialize};

use super::habit::Habit;
use crate::vendor::{faults::Faults, host::DEFAULT_API_KEY};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
    pub api_key: String,
    /// Voices that exist; any when absent.
    pub voices: Option<Vec<String>>,
    /// From the text that starts a generation to its first audio.
    pub first_audio_ms: u64,
    /// How many times faster than real time audio comes after that; 0 sends it all at once.
    pub realtime_factor: f64,
    /// Length of one character of text, before the voice's `speed`.
    pub ms_per_char: u32,
    /// Audio in one message.
    pub chunk_ms: u32,
    /// How the voice departs from the vendor's own.
    pub habits: Vec<Habit>,
    /// How the character times are given.
    pub alignment: AlignmentForm,
    /// Close a session whose context is not opened by one space; otherwise it is only recorded as a violation.
    pub strict_opening: bool,
    /// One second of `inactivity_timeout` in milliseconds, so that tests need not wait.
    pub inactivity_second_ms: u64,
    /// What goes wrong.
    pub faults: Faults,
}

/// The forms in which character times have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlignmentForm {
    /// `charDurationsMs`, as today.
    #[default]
    Current,
    /// `charsDurationsMs`, as in the 2025 definition.
    Older,
    /// Null, which the vendor also permits.
    Null,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            voices: None,
            first_audio_ms: 0,
            realtime_factor: 8.0,
            ms_per_char: 60,
            chunk_ms: 250,
            habits: Vec::new(),
            alignment: AlignmentForm::Current,
            strict_opening: true,
            inactivity_second_ms: 1_000,
            faults: Faults::default(),
        }
    }
}
