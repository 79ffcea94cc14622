//! What those learn who watch a call, and what is left of it at its end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vox_shared::wire::result::{CallEvent, Callback, DisconnectedBy, TranscriptEntry, TurnLatency, Usage};

/// What a watcher of the call is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A final line with the turn, speaker and start of one before it takes its place.
    Transcript {
        entry: TranscriptEntry,
        is_final: bool,
    },
    BotStarted {
        turn: u32,
    },
    BotStopped {
        turn: u32,
    },
    Interrupted {
        turn: u32,
        heard: String,
    },
    Metrics(TurnLatency),
}

/// All that the conversation leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub disconnected_by: DisconnectedBy,
    pub duration: Duration,
    pub transcript: Vec<TranscriptEntry>,
    pub events: Vec<CallEvent>,
    pub why: Vec<CallEvent>,
    pub latency: Vec<TurnLatency>,
    /// Answer to the first audible sample.
    pub first_audio: Option<Duration>,
    /// Interrupting speech to the decision to fall silent, each time.
    pub barge_in: Vec<Duration>,
    pub usage: Vec<Usage>,
    /// The newest try to hand the caller over.
    #[serde(default)]
    pub transfer: Option<Transfer>,
    /// When the caller wishes to be called back, as it was noted last.
    #[serde(default)]
    pub callback: Option<Callback>,
    pub error: Option<String>,
}

/// A try to hand the caller over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    pub to: String,
    /// How the line does it: [`super::super::rules::Rules::transfers`].
    pub method: String,
    /// Media time.
    pub at: Duration,
    /// Why it failed, if it did.
    pub failed: Option<String>,
    /// The person talked with the caller, whoever ended the call.
    #[serde(default)]
    pub done: bool,
}
