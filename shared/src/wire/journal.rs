//! What a worker writes into its outbox while a call runs. Whoever opens the outbox later can tell from these whether a
//! call ended, and what it held if it did not.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::result::{CallEvent, CallResult, TranscriptEntry};
use crate::ids::{BotId, SessionId, WorkerId};

/// One record of the outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum JournalRecord {
    /// A call was accepted: from here on it owes a terminal record. Written before the config is fetched.
    Accepted(Box<Accepted>),
    /// A piece of transcript.
    Turn { session_id: SessionId, entry: TranscriptEntry },
    /// Something that happened.
    Event { session_id: SessionId, event: CallEvent },
    /// The call ended; this is delivered to the bridge. No record after it concerns the call.
    Result(Box<CallResult>),
    /// The call was refused before it began (unknown bot, outside hours): it owes nothing.
    Refused { session_id: SessionId, reason: String },
    /// A recording to upload.
    Recording(RecordingFile),
}

/// The birth of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accepted {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    pub session_id: SessionId,
    pub bot_id: BotId,
    pub worker_id: WorkerId,
    pub transport: String,
    /// RFC 3339.
    pub started_at: String,
    #[serde(default)]
    pub stream_id: Option<String>,
    #[serde(default)]
    pub caller_id: Option<String>,
    #[serde(default)]
    pub call_direction: Option<String>,
    #[serde(default)]
    pub connected_event: Option<Value>,
    /// The file that grows while the call runs, in the host's recordings directory.
    #[serde(default)]
    pub recording_file: Option<String>,
    /// The key the recording will have.
    #[serde(default)]
    pub recording_key: Option<String>,
    /// The bridge that the result goes to.
    pub bridge_url: String,
}

/// A finished recording that waits for its upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordingFile {
    pub session_id: SessionId,
    pub key: String,
    /// In the host's recordings directory.
    pub file: String,
    pub bridge_url: String,
}

impl JournalRecord {
    /// The call it concerns.
    pub fn session_id(&self) -> &SessionId {
        match self {
            Self::Accepted(a) => &a.session_id,
            Self::Turn { session_id, .. }
            | Self::Event { session_id, .. }
            | Self::Refused { session_id, .. } => session_id,
            Self::Result(r) => &r.session_id,
            Self::Recording(r) => &r.session_id,
        }
    }
}
