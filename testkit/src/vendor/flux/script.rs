//! What the scripted Flux hears and how fast it answers.

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
    /// Wait before `Connected`.
    pub connected_delay_ms: u64,
    /// Latency between the audio that completes a message and the message.
    pub delay_ms: u64,
    /// Silence that makes it sure enough of an end at the vendor's own `eot_threshold`; more at a higher one.
    pub end_ms: u32,
    /// Silence that makes an end likely, where a session asks for likely ends.
    pub eager_ms: u32,
    /// Whether this host knows `ForceEndTurn`; one that does not, breaks off.
    pub knows_force: bool,
    /// What goes wrong.
    pub faults: Faults,
}

impl Script {
    /// A script whose utterances say these texts in turn.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        let hearing = Hearing { interim_ms: 250, ..Hearing::of(texts) };
        Self { hearing, ..Self::default() }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            hearing: Hearing { interim_ms: 250, ..Hearing::default() },
            connected_delay_ms: 0,
            delay_ms: 0,
            end_ms: 600,
            eager_ms: 300,
            knows_force: true,
            faults: Faults::default(),
        }
    }
}
