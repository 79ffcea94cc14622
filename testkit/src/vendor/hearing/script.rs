//! What a scripted recogniser hears, and when.

use serde::{Deserialize, Serialize};

/// What is heard in the audio. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hearing {
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
    /// Silence shorter than this never ends an utterance, whatever the session asks for.
    pub min_gap_ms: u32,
    /// Root-mean-square level of a 10 ms window, of 32768, from which it counts as speech.
    pub gate_rms: u32,
}

/// What one utterance says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Utterance {
    /// The text with its punctuation and capitals; sessions that did not ask for punctuation get it without.
    pub text: String,
    /// Exact words and times; spread evenly over the heard speech when absent.
    pub words: Option<Vec<Word>>,
    /// Confidence of the transcript and of each word; 0.99 when absent.
    pub confidence: Option<f64>,
    /// Leave `speech_final` out, as happens in noise: the client must go by `UtteranceEnd`.
    pub no_speech_final: bool,
}

/// One word of an utterance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The word with its punctuation.
    pub word: String,
    /// Start, counted from the start of the utterance.
    pub start_ms: u32,
    /// End, counted the same way.
    pub end_ms: u32,
    /// Confidence, if other than the utterance's.
    #[serde(default)]
    pub confidence: Option<f64>,
}

/// What an utterance beyond the script says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOut {
    /// The script from its start.
    #[default]
    Cycle,
    /// Nothing: an empty transcript.
    Empty,
}

impl Utterance {
    /// An utterance of this text, with every other property at its default.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Hearing {
    /// These texts in turn.
    pub fn of<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self { utterances: texts.into_iter().map(Utterance::text).collect(), ..Self::default() }
    }

    /// What the utterance with this index says.
    pub(crate) fn utterance(&self, index: usize) -> Utterance {
        match (self.utterances.get(index), self.when_out) {
            (Some(found), _) => found.clone(),
            (None, WhenOut::Cycle) if !self.utterances.is_empty() => {
                self.utterances[index % self.utterances.len()].clone()
            }
            (None, _) => Utterance::default(),
        }
    }
}

impl Default for Hearing {
    /// Utterances that become final in one piece.
    fn default() -> Self {
        Self {
            utterances: vec![Utterance::text("Hello, can you help me?"), Utterance::text("Yes, please.")],
            when_out: WhenOut::Cycle,
            interim_ms: 500,
            word_ms: 300,
            segment_ms: u32::MAX,
            min_gap_ms: 200,
            gate_rms: 300,
        }
    }
}
