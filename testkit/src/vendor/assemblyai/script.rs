//! What the scripted AssemblyAI hears and how fast it answers.

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
    /// Wait before `Begin`.
    pub begin_delay_ms: u64,
    /// Latency between the audio that completes a turn and its message.
    pub delay_ms: u64,
    /// The formatted words of an ended turn come so long after the plain ones; with the turn's end, and once, where this is null.
    pub format_delay_ms: Option<u64>,
    /// Silence behind the words so far that makes them an utterance.
    pub utterance_ms: u32,
    /// How far audio may be ahead of the clock before the session is closed with 3007.
    pub ahead_ms: u64,
    /// The longest session: closed with 3008.
    pub max_session_ms: u64,
    /// Refuse a wrong key in the handshake, and not after it with 1008.
    pub refuses_in_handshake: bool,
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
            begin_delay_ms: 0,
            delay_ms: 0,
            format_delay_ms: Some(50),
            utterance_ms: 200,
            ahead_ms: 1_500,
            max_session_ms: 10_800_000,
            refuses_in_handshake: false,
            faults: Faults::default(),
        }
    }
}
