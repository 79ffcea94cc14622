//! The form of an event: the contract's envelope `{event, timestamp, data}`, with the event's number in its call.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use vox_shared::wire::live::{self, LiveEvent};
use vox_shared::wire::result::DisconnectedBy;

use super::news::{End, Whose};
use crate::store::calls::CallStatus;

/// Numbers are missing in a stream.
pub const GAP: &str = "gap";
/// The last event of a call's stream.
pub const ENDED: &str = "call.ended";
const FAILED: &str = "call.failed";

/// An event, ready to be sent.
#[derive(Clone, Debug)]
pub struct Told {
    pub name: String,
    /// In its call; of what this bridge says itself, none.
    pub seq: Option<u64>,
    pub json: String,
}

/// What a worker told, with what only the bridge knows.
pub fn of_worker(whose: &Whose, event: LiveEvent) -> Told {
    let LiveEvent { seq, timestamp, event, mut data } = event;
    data.insert("call_id".into(), whose.session_id.as_str().into());
    if matches!(event.as_str(), live::RINGING | live::USAGE_MINUTE) {
        data.insert("tenant_id".into(), whose.tenant_id.as_str().into());
    }
    if let Some(to) = whose.to.as_deref().filter(|_| event == live::RINGING) {
        data.entry("to").or_insert_with(|| to.into());
    }
    if event == live::TURN {
        data.insert("timestamp".into(), timestamp.clone().into());
    }
    let json = json!({"event": event, "timestamp": timestamp, "seq": seq, "data": data}).to_string();
    Told { name: event, seq: Some(seq), json }
}

/// Events from `from` to `to`, both included, are missing.
pub fn gap(whose: &Whose, (from, to): (u64, u64), at: Timestamp) -> Told {
    own(GAP, at, json!({"call_id": whose.session_id, "from": from, "to": to}))
}

/// An unknown number of events is missing in a tenant's stream.
pub fn lost(at: Timestamp) -> Told {
    own(GAP, at, Value::Object(Map::new()))
}

/// What is said of a call's end: that nobody was talked to, if so, and the end itself, which is always the last.
pub fn end(whose: &Whose, end: &End, at: Timestamp) -> Vec<Told> {
    let mut told = Vec::new();
    if let Some(reason) = failure(end.disconnected_by) {
        told.push(own(FAILED, at, json!({"call_id": whose.session_id, "reason": reason})));
    }
    let data = json!({
        "call_id": whose.session_id, "duration_seconds": end.duration_seconds, "end_reason": end.disconnected_by,
    });
    told.push(own(ENDED, at, data));
    told
}

/// The contract's word for a call in which nobody was talked to.
fn failure(end: DisconnectedBy) -> Option<&'static str> {
    Some(match CallStatus::of(end) {
        CallStatus::Started | CallStatus::Completed => return None,
        CallStatus::NoAnswer => "no_answer",
        CallStatus::Busy => "busy",
        CallStatus::Rejected => "rejected",
        CallStatus::Voicemail => "voicemail",
        CallStatus::Failed => "error",
    })
}

/// What a bridge says itself.
pub fn own(name: &str, at: Timestamp, data: Value) -> Told {
    let json = json!({"event": name, "timestamp": at.to_string(), "data": data}).to_string();
    Told { name: name.to_owned(), seq: None, json }
}
