//! What a worker writes into its outbox while a call runs. Whoever opens the outbox later can tell from these whether a
//! call ended, and what it held if it did not.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::proof::Proof;
use super::result::{CallEvent, CallResult, TranscriptEntry};
use super::seat::{Seated, Tally};
use crate::ids::{BotId, SessionId, WorkerId};
use crate::trace::Place;

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
    /// A worker sits in a room with the caller, and another one can go on from there.
    Seated(Box<Seated>),
    /// How the call stands.
    Tally(Box<Tally>),
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
    /// Ours, of a telephone call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<String>,
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
    /// The trace that the call is part of.
    #[serde(default, deserialize_with = "crate::trace::lenient", skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Place>,
    /// What the call is delivered with. The token is in a second record of the same call: the first is written before the config
    /// has come.
    #[serde(default, skip_serializing_if = "Proof::is_empty")]
    pub proof: Proof,
}

/// A finished recording that waits for its upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordingFile {
    pub session_id: SessionId,
    pub key: String,
    /// In the host's recordings directory.
    pub file: String,
    pub bridge_url: String,
    /// The trace that the call is part of.
    #[serde(default, deserialize_with = "crate::trace::lenient", skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Place>,
    /// What it is delivered with.
    #[serde(default, skip_serializing_if = "Proof::is_empty")]
    pub proof: Proof,
}

impl JournalRecord {
    /// The call it concerns.
    pub fn session_id(&self) -> &SessionId {
        match self {
            Self::Accepted(a) => &a.session_id,
            Self::Turn { session_id, .. }
            | Self::Event { session_id, .. }
            | Self::Refused { session_id, .. } => session_id,
            Self::Seated(s) => &s.session_id,
            Self::Tally(t) => &t.session_id,
            Self::Result(r) => &r.session_id,
            Self::Recording(r) => &r.session_id,
        }
    }
}

/// What a deliverer needs to know of a record. It reads no more: what a newer worker wrote beside this reaches the bridge as
/// it was written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Label {
    pub record: Labelled,
    pub session_id: SessionId,
    /// Of a result.
    #[serde(default)]
    pub recording_key: Option<String>,
    /// Of a result or a recording.
    #[serde(default, deserialize_with = "crate::trace::lenient")]
    pub traceparent: Option<Place>,
    /// Of a result or a recording.
    #[serde(default)]
    pub proof: Proof,
}

/// The kinds of [`JournalRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Labelled {
    Accepted,
    Turn,
    Event,
    Seated,
    Tally,
    Result,
    Refused,
    Recording,
}

/// How the payload of a result begins: what is delivered begins behind it.
const RESULT_TAG: &[u8] = br#"{"record":"result","#;
/// How the proof begins, which is the first field behind it if there is one, and how it ends: no value of it has such characters.
const PROOF_TAG: &[u8] = br#""proof":{"#;
const PROOF_END: &[u8] = b"},";

/// The body of a delivery: the bytes of a stored result without the tag that tells it from other records, and without the proof,
/// which goes beside it. One that begins otherwise is delivered as it is; the bridge knows both.
pub fn result_body(mut payload: Vec<u8>) -> Vec<u8> {
    if payload.starts_with(RESULT_TAG) {
        payload.drain(1..RESULT_TAG.len());
    }
    if payload[payload.len().min(1)..].starts_with(PROOF_TAG)
        && let Some(length) = payload.windows(PROOF_END.len()).position(|bytes| bytes == PROOF_END)
    {
        payload.drain(1..length + PROOF_END.len());
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::super::result::DisconnectedBy;
    use super::super::seat::RoomSeat;
    use super::*;

    /// As a worker of the next version may write it.
    const NEWER: &str = include_str!("journal_result_v2.golden.json");

    #[test]
    fn a_newer_result_is_delivered_byte_for_byte() {
        let payload = NEWER.trim_end().as_bytes().to_vec();
        let body = String::from_utf8(result_body(payload)).unwrap();
        let rest = NEWER.trim_end().strip_prefix(r#"{"record":"result","#).unwrap();
        assert_eq!(body, format!("{{{rest}"));
        assert!(body.contains(r#""added_later":{"n":1.50}"#), "{body}");
        let result: CallResult = serde_json::from_str(&body).unwrap();
        assert_eq!(result.session_id.to_string(), "call_00000000000000000000000001");
    }

    #[test]
    fn what_is_written_today_loses_its_tag_and_keeps_the_rest() {
        let result = CallResult::bare("call_1".parse().unwrap(), DisconnectedBy::Bot);
        let stored = serde_json::to_vec(&JournalRecord::Result(Box::new(result.clone()))).unwrap();
        assert_eq!(result_body(stored), serde_json::to_vec(&result).unwrap());
        assert_eq!(result_body(br#"{"session_id":"x"}"#.to_vec()), br#"{"session_id":"x"}"#);
        assert_eq!(result_body(Vec::new()), b"");
    }

    #[test]
    fn the_proof_goes_beside_a_result_and_not_in_it() {
        let mut result = CallResult::bare("call_1".parse().unwrap(), DisconnectedBy::Bot);
        let bare = serde_json::to_vec(&result).unwrap();
        result.proof = Proof {
            call_token: Some("a.b-c_d".into()),
            claim: Some("e-f_g".into()),
            bridge_url: Some("https://bridge.example".into()),
        };
        let stored = serde_json::to_vec(&JournalRecord::Result(Box::new(result.clone()))).unwrap();
        let label: Label = serde_json::from_slice(&stored).unwrap();
        assert_eq!(label.proof, result.proof);
        assert_eq!(result_body(stored), bare);
        assert_eq!(result_body(serde_json::to_vec(&result).unwrap()), bare);
    }

    #[test]
    fn every_record_has_its_label() {
        let session_id: SessionId = "call_1".parse().unwrap();
        let event = CallEvent { at_ms: 1, event: "e".into(), why: "w".into(), data: serde_json::Map::new() };
        let file = "f".to_owned();
        let recording = RecordingFile {
            session_id: session_id.clone(),
            key: file.clone(),
            file,
            bridge_url: String::new(),
            traceparent: None,
            proof: Proof::default(),
        };
        let mut result = CallResult::bare(session_id.clone(), DisconnectedBy::Bot);
        result.recording_key = Some("k".into());
        let seat =
            RoomSeat { room: "r".into(), caller: "c".into(), is_phone: false, room_is_ours: true, did: None };
        let at = "2026-11-20T10:00:00Z".to_owned();
        let seated = Seated {
            session_id: session_id.clone(),
            worker_id: "w".parse().unwrap(),
            at: at.clone(),
            answered_at: at,
            seat,
            config: None,
        };
        let records = [
            (JournalRecord::Event { session_id: session_id.clone(), event }, Labelled::Event),
            (JournalRecord::Seated(Box::new(seated)), Labelled::Seated),
            (JournalRecord::Result(Box::new(result)), Labelled::Result),
            (
                JournalRecord::Refused { session_id: session_id.clone(), reason: "r".into() },
                Labelled::Refused,
            ),
            (JournalRecord::Recording(recording), Labelled::Recording),
        ];
        for (record, kind) in records {
            let label: Label = serde_json::from_slice(&serde_json::to_vec(&record).unwrap()).unwrap();
            assert_eq!((label.record, &label.session_id), (kind, &session_id));
            assert_eq!(label.recording_key.is_some(), kind == Labelled::Result);
        }
    }
}
