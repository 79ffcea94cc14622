//! What the scripted Deepgram hears and how fast it answers.

use serde::{Deserialize, Serialize};

use crate::vendor::{
    faults::Faults,
    hearing::{Hearing, Utterance, WhenOut},
    host::DEFAULT_API_KEY,
};

/// The script of one server. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The key that is accepted.
    pub api_key: String,
    /// What the n-th utterance of a session says.
    pub utterances: Vec<Utterance>,
    /// What an utterance beyond the list says.
    pub when_out: WhenOut,
    /// Audio between two interim results.
    pub interim_ms: u32,
    /// How long a word lasts while it is not known how long the utterance will be.
    pub word_ms: u32,
    /// A result becomes final after this much audio even while speech goes on.
    pub segment_ms: u32,
    /// Silence shorter than this never ends an utterance, however small `endpointing` is.
    pub min_gap_ms: u32,
    /// Latency between the audio that completes a result and the result.
    pub interim_delay_ms: u64,
    /// The same for final results.
    pub final_delay_ms: u64,
    /// Root-mean-square level of a 10 ms window, of 32768, from which it counts as speech.
    pub gate_rms: u32,
    /// A session without audio or `KeepAlive` for this long is closed with 1011 `NET-0001`.
    pub idle_timeout_ms: u64,
    /// Process audio no faster than 1.25 times real time, as the vendor does; otherwise speeding is only noted.
    pub enforce_speed_cap: bool,
    /// How long a `Configure` stays unanswered.
    pub configure_delay_ms: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Script {
    /// A script whose utterances say these texts in turn.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self { utterances: texts.into_iter().map(Utterance::text).collect(), ..Self::default() }
    }

    /// What is heard, and when.
    pub(crate) fn hearing(&self) -> Hearing {
        Hearing {
            utterances: self.utterances.clone(),
            when_out: self.when_out,
            interim_ms: self.interim_ms,
            word_ms: self.word_ms,
            segment_ms: self.segment_ms,
            min_gap_ms: self.min_gap_ms,
            gate_rms: self.gate_rms,
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            utterances: vec![Utterance::text("Hello, can you help me?"), Utterance::text("Yes, please.")],
            when_out: WhenOut::Cycle,
            interim_ms: 500,
            word_ms: 300,
            segment_ms: 5_000,
            min_gap_ms: 200,
            interim_delay_ms: 0,
            final_delay_ms: 0,
            gate_rms: 300,
            idle_timeout_ms: 10_000,
            enforce_speed_cap: false,
            configure_delay_ms: 0,
            faults: Faults::default(),
        }
    }
}
