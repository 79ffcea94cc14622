//! What a call in a room leaves in the journal beside its transcript and events, so that another worker can go on with it when its
//! own has died. Decision 0065.

use serde::{Deserialize, Serialize};

pub use super::result::Recovered;
use super::result::{CallEvent, TurnLatency, Usage};
use crate::ids::{SessionId, WorkerId};
use crate::sealed::Sealed;

/// Where a call sits that is answered: whoever goes on with it finds its caller there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSeat {
    pub room: String,
    /// Who the caller is in the room.
    pub caller: String,
    /// Whether that is a telephone, which can be handed over, and is removed when the call ends.
    pub is_phone: bool,
    /// Whether the room is closed with the call.
    pub room_is_ours: bool,
    /// The number that was called, or calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
}

/// A worker sits in the room with the caller: the first one from the answer on, another one when it goes on with the call. Written
/// before it joins, so that one that dies over it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seated {
    pub session_id: SessionId,
    pub worker_id: WorkerId,
    /// Of this worker's turn, RFC 3339.
    pub at: String,
    /// When the call was answered, where its media clock begins. RFC 3339.
    pub answered_at: String,
    pub seat: RoomSeat,
    /// The call's config (JSON), sealed: it has the keys of vendors. Only in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Sealed>,
}

/// How a running call stands, for what its transcript and events do not say. Written with each line of the bot's and each order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub session_id: SessionId,
    /// Media clock.
    pub at_ms: u64,
    /// Events of the running call that were told so far: those that come are numbered behind them.
    pub told: u64,
    /// What models used so far, tokens.
    pub tokens: u64,
    /// What all vendors were used for so far.
    #[serde(default)]
    pub usage: Vec<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_audio_ms: Option<u64>,
    /// The following are what came since the tally before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<TurnLatency>,
    /// Interrupting speech to the decision to fall silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barge_in_ms: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<CallEvent>,
    /// What the operator told the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steered: Vec<Steered>,
}

/// An operator's word for the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steered {
    /// Media clock.
    pub at_ms: u64,
    pub text: String,
}
