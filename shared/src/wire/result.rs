//! The result of a call (core to bridge, `POST /api/v1/call-results`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answered::AnsweredBy;
use super::proof::Proof;
use crate::ids::{BotId, SessionId, WorkerId};
use crate::trace::Place;

/// Who or what ended a call. The words are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisconnectedBy {
    Bot,
    Customer,
    Voicemail,
    /// Answered, but the caller never spoke ("ringing, no response").
    #[serde(rename = "RNR")]
    Rnr,
    OutsideHours,
    Timeout,
    Error,
    NoAnswer,
    Rejected,
    Busy,
    TransferToAgent,
    WorkerLost,
}

impl DisconnectedBy {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Customer => "customer",
            Self::Voicemail => "voicemail",
            Self::Rnr => "RNR",
            Self::OutsideHours => "outside_hours",
            Self::Timeout => "timeout",
            Self::Error => "error",
            Self::NoAnswer => "no_answer",
            Self::Rejected => "rejected",
            Self::Busy => "busy",
            Self::TransferToAgent => "transfer_to_agent",
            Self::WorkerLost => "worker_lost",
        }
    }
}

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Caller,
    Bot,
    Agent,
    System,
}

/// A word with its place on the call's media clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    pub started_ms: u64,
    pub ended_ms: u64,
}

/// Characters that one line of a transcript holds at most: a recogniser that never ends a sentence must not fill the outbox.
pub const LONGEST_LINE_CHARS: usize = 8_000;

/// One utterance. Times are milliseconds on the media clock, which is also the recording's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptEntry {
    pub turn: u32,
    pub speaker: Speaker,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    pub started_ms: u64,
    pub ended_ms: u64,
    #[serde(default)]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Of a line of the bot: which bot said it, once the call went from bot to bot. Without it the one that the call began with did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<BotId>,
}

/// Something that happened, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    pub at_ms: u64,
    /// Snake case, from the documented list.
    pub event: String,
    /// The rule, probability or timer that caused it.
    pub why: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

/// The delay of one reply, in parts that add up. Milliseconds; wire to ear: from the acoustic end of the caller's
/// speech to the first audible sample of the reply, both on the recording's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnLatency {
    pub turn: u32,
    /// Acoustic end to the decision that the turn is over.
    pub endpoint_ms: f64,
    /// Decision to final transcript.
    pub stt_ms: f64,
    /// Request to the model's first token.
    pub llm_ms: f64,
    pub rag_ms: f64,
    pub tool_ms: f64,
    /// First token to first speakable piece.
    pub sentence_ms: f64,
    /// Piece sent to the voice until its first audio.
    pub tts_ms: f64,
    /// All that is ours: scheduling, queues, leading silence of the voice.
    pub platform_ms: f64,
    /// Known delay of the transport (a carrier's chunk).
    pub transport_ms: f64,
    /// The sum, measured by itself.
    pub total_ms: f64,
    /// Who answered in the end: the places of recogniser, model and voice in the lists of `pipeline_config`, 0 the first.
    pub stt_place: usize,
    pub llm_place: usize,
    pub tts_place: usize,
}

/// What one vendor was used for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub provider: String,
    pub model: String,
    /// `stt`, `llm` or `tts`.
    pub kind: String,
    pub seconds: f64,
    pub tokens_in: u64,
    pub tokens_out: u64,
    /// What came from the vendor's cache, a part of `tokens_in`.
    pub tokens_cached: u64,
    /// What the vendor wrote to its cache, another part of `tokens_in`.
    #[serde(skip_serializing_if = "is_none")]
    pub tokens_cache_write: u64,
    pub characters: u64,
    pub requests: u64,
    /// Times it failed: a request, a stream, or its opening.
    pub failures: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Latency of the whole call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatencySummary {
    pub answer_to_first_audio_ms: Option<f64>,
    pub wire_to_ear_p50_ms: Option<f64>,
    pub wire_to_ear_max_ms: Option<f64>,
    /// The caller's interrupting speech to silence on the wire, each time.
    pub barge_in_ms: Vec<f64>,
    /// How late 20 ms frames left, 99th percentile.
    pub frame_lateness_p99_ms: f64,
    /// Bot frames that were due while the voice had none.
    pub underruns: u64,
}

/// The terminal record of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallResult {
    /// What it is delivered with; it stays behind. First, so that whoever delivers finds it ([`super::journal::result_body`]).
    #[serde(default, skip_serializing_if = "Proof::is_empty")]
    pub proof: Proof,
    #[serde(default = "super::wire_version")]
    pub version: u32,
    pub session_id: SessionId,
    /// With the session id, the key of a delivery: the same pair is the same fact.
    #[serde(default)]
    pub seq: u64,
    #[serde(default)]
    pub bot_id: Option<BotId>,
    #[serde(default)]
    pub worker_id: Option<WorkerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<String>,
    pub call_duration_seconds: f64,
    pub disconnected_by: DisconnectedBy,
    /// `incoming` or `outgoing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_direction: Option<String>,
    /// `ws`, `exotel`, `talk`, `livekit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    #[serde(default)]
    pub transcript: Vec<TranscriptEntry>,
    #[serde(default)]
    pub events: Vec<CallEvent>,
    #[serde(default)]
    pub intents: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_access_token: Option<String>,
    #[serde(default)]
    pub latency: LatencySummary,
    #[serde(default)]
    pub latency_samples: Vec<TurnLatency>,
    #[serde(default)]
    pub usage_metrics: Vec<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_cache_summary: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_event: Option<Value>,
    #[serde(default)]
    pub was_transferred: bool,
    /// To whom the caller was to be handed over last: a number, as it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_destination: Option<String>,
    /// How the line hands callers over: `websocket_reverse_transfer`, `livekit_sip_refer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_method: Option<String>,
    /// When that was begun, seconds after the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_at: Option<f64>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_failed_reason: Option<String>,
    /// When the caller wishes to be called back, as the bot noted it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
    /// Of a call that was placed: who answered it, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Box<AnsweredBy>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Value>,
    /// Each start and stop of speech with its cause.
    #[serde(default)]
    pub why: Vec<CallEvent>,
    /// The workers that went on with the call when the one before them had died, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovered: Vec<Recovered>,
    /// What went wrong, for `error` and `worker_lost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The trace that the call is part of.
    #[serde(default, deserialize_with = "crate::trace::lenient", skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Place>,
}

impl CallResult {
    /// A record with nothing but how it ended.
    pub fn bare(session_id: SessionId, disconnected_by: DisconnectedBy) -> Self {
        Self {
            proof: Proof::default(),
            version: super::WIRE_VERSION,
            session_id,
            seq: 0,
            bot_id: None,
            worker_id: None,
            stream_id: None,
            caller_id: None,
            from_number: None,
            call_duration_seconds: 0.0,
            disconnected_by,
            call_direction: None,
            transport: None,
            started_at: None,
            ended_at: None,
            transcript: Vec::new(),
            events: Vec::new(),
            intents: Vec::new(),
            recording_url: None,
            recording_key: None,
            recording_access_token: None,
            latency: LatencySummary::default(),
            latency_samples: Vec::new(),
            usage_metrics: Vec::new(),
            llm_cache_summary: None,
            pipeline_config: None,
            connected_event: None,
            was_transferred: false,
            transfer_destination: None,
            transfer_method: None,
            transfer_at: None,
            transfer_failed_reason: None,
            callback: None,
            answered_by: None,
            routing: None,
            why: Vec::new(),
            recovered: Vec::new(),
            error: None,
            traceparent: None,
        }
    }
}

/// The caller wishes to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// RFC 3339, UTC.
    pub at: String,
    /// Whom to call: `+`, country code and number where they are known.
    pub number: String,
    /// What it is about, in the bot's words; may be empty.
    #[serde(default)]
    pub note: String,
}

/// A worker went on with the call of one that had died.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// RFC 3339.
    pub at: String,
    /// Media clock.
    pub at_ms: u64,
    /// Who went on.
    pub worker_id: WorkerId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_result_of_version_1_is_read() {
        let result: CallResult = serde_json::from_str(include_str!("result_v1.golden.json")).unwrap();
        assert_eq!(result.disconnected_by, DisconnectedBy::Rnr);
        assert_eq!(result.transcript.len(), 1);
        assert_eq!(serde_json::to_value(DisconnectedBy::Rnr).unwrap(), "RNR");
        assert_eq!(serde_json::to_value(result.disconnected_by).unwrap(), result.disconnected_by.as_str());
    }
}
