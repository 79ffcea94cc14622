//! How a scripted voice speaks.

use serde::{Deserialize, Serialize};

/// The pace of a voice, and its habits. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speaking {
    /// From a text to its first sound.
    pub first_audio_ms: u64,
    /// How many times faster than real time sound comes after that; 0 sends it all at once.
    pub realtime_factor: f64,
    /// Length of one character, before the speed that a client asks for.
    pub ms_per_char: u32,
    /// Sound in one message.
    pub chunk_ms: u32,
    /// How it departs from the vendor's own.
    pub habits: Vec<Habit>,
}

/// One way in which a voice departs from the vendor's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// The end of a reply is never told.
    NeverDone,
    /// A reply is done, and there was no sound of it.
    Mute,
    /// An interrupted reply does not fall silent, and nothing is said of it.
    NeverSilent,
    /// Over HTTP: an object that tells of an error, with the status of success.
    TextForSound,
}

impl Speaking {
    pub(crate) fn has(&self, habit: Habit) -> bool {
        self.habits.contains(&habit)
    }
}

impl Default for Speaking {
    fn default() -> Self {
        Self { first_audio_ms: 0, realtime_factor: 8.0, ms_per_char: 60, chunk_ms: 250, habits: Vec::new() }
    }
}
