//! What the scripted Sarvam hears and how fast it answers.

use serde::{Deserialize, Serialize};

use crate::vendor::{faults::Faults, hearing::Hearing, host::DEFAULT_API_KEY};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
    pub api_key: String,
    /// What is heard in the audio.
    pub hearing: Hearing,
    /// The silence that ends an utterance where a session names none.
    pub silence_ms: u32,
    /// Wait before `session.begin`.
    pub begin_delay_ms: u64,
    /// Latency between the audio that completes an utterance and its message.
    pub delay_ms: u64,
    /// A session without a message for this long is closed with 1008.
    pub idle_timeout_ms: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Script {
    /// A script whose utterances say these texts in turn.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self { hearing: Hearing::of(texts), ..Self::default() }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            hearing: Hearing::default(),
            silence_ms: 500,
            begin_delay_ms: 0,
            delay_ms: 0,
            idle_timeout_ms: 60_000,
            faults: Faults::default(),
        }
    }
}
