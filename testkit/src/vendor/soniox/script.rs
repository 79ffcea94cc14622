//! What the scripted Soniox hears and how fast it answers.

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
    /// The silence that ends an utterance, unless the session asks for a shorter one.
    pub endpoint_ms: u32,
    /// A word is final so long after its end, while the utterance goes on.
    pub final_lag_ms: u32,
    /// Latency between the audio that completes a message and the message.
    pub delay_ms: u64,
    /// The first message must come within this.
    pub config_timeout_ms: u64,
    /// A session without audio or `keepalive` for this long is closed with error 408.
    pub idle_timeout_ms: u64,
    /// `finalize` more often than this is a breach of the protocol.
    pub finalize_gap_ms: u64,
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
            endpoint_ms: 700,
            final_lag_ms: 1_500,
            delay_ms: 0,
            config_timeout_ms: 10_000,
            idle_timeout_ms: 20_000,
            finalize_gap_ms: 1_000,
            faults: Faults::default(),
        }
    }
}
