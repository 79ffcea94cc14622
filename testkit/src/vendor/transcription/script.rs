//! What the scripted server hears and how fast it answers.

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
    /// Whether a key is asked for at all; self-hosted servers mostly do not.
    pub needs_key: bool,
    /// Models that it has.
    pub models: Vec<String>,
    /// What the n-th file that ends in silence says; one that does not says half of it.
    pub utterances: Vec<Utterance>,
    /// What a file beyond the list says.
    pub when_out: WhenOut,
    /// Silence at the end by which a file is known to be a whole utterance.
    pub silence_ms: u32,
    /// How long an answer takes.
    pub delay_ms: u64,
    /// What the answer says of its cost.
    pub billing: Billing,
    /// `no_speech_prob` and `avg_logprob` of every segment.
    pub doubt: [f64; 2],
    /// Serve the routes below `/v1` alone.
    pub only_below_v1: bool,
    /// What goes wrong.
    pub faults: Faults,
}

/// What an answer says of its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    #[default]
    Duration,
    Tokens,
    /// Nothing, as self-hosted servers.
    Nothing,
}

impl Script {
    /// A script whose utterances say these texts in turn.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self { utterances: texts.into_iter().map(Utterance::text).collect(), ..Self::default() }
    }

    /// What the utterance with this index says.
    pub(crate) fn utterance(&self, index: usize) -> Utterance {
        let hearing =
            Hearing { utterances: self.utterances.clone(), when_out: self.when_out, ..Hearing::default() };
        hearing.utterance(index)
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            api_key: DEFAULT_API_KEY.to_owned(),
            needs_key: true,
            models: ["whisper-1", "gpt-transcribe", "gpt-4o-transcribe"].map(str::to_owned).to_vec(),
            utterances: vec![Utterance::text("Hello, can you help me?"), Utterance::text("Yes, please.")],
            when_out: WhenOut::Cycle,
            silence_ms: 300,
            delay_ms: 0,
            billing: Billing::Duration,
            doubt: [0.01, -0.05],
            only_below_v1: false,
            faults: Faults::default(),
        }
    }
}
