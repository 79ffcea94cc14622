//! `result.*`: what came of a call, in the names and forms of the contracts (section 5).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use vox_shared::wire::result::DisconnectedBy;

use crate::store::calls::Call;
use crate::verdict::disposition::{DecidedBy, Verdict, contact};

/// What tells of a transfer, as the worker's result names it.
const TRANSFER: [&str; 6] = [
    "transfer_destination",
    "transfer_target",
    "transfer_reason",
    "transfer_method",
    "transfer_at",
    "transfer_failed_reason",
];

/// The values of a call that ended; times are on the bot's wall. `recording` is the link that opens the recording.
pub fn values(id: &str, call: &Call, recording: Option<String>, zone: &TimeZone) -> Map<String, Value> {
    let raw = call.result.as_ref();
    let told = |name: &str| raw.and_then(|result| result.get(name)).filter(|value| !value.is_null());
    let time = |name: &str| told(name).and_then(Value::as_str).and_then(|at| local(at.parse().ok()?, zone));
    let start = time("started_at").or_else(|| local(call.created_at.0, zone));
    let end = time("ended_at").or_else(|| local(call.completed_at?.0, zone));
    let was_transferred = told("was_transferred").and_then(Value::as_bool).unwrap_or(false);
    let transcript = told("transcript").map_or_else(|| "[]".to_owned(), Value::to_string);
    let known = json!({
        "call_id": id,
        "recording_url": recording,
        "call_duration_seconds": call.duration_seconds,
        "disconnected_by": call.disconnected_by.map(DisconnectedBy::as_str),
        "disposition": call.disconnected_by.map(|by| disposition(call, by)),
        "start_time": start,
        "answer_time": time("answered_at").or_else(|| start.clone()),
        "end_time": end,
        "transcript": transcript,
        "was_transferred": if was_transferred { "yes" } else { "no" },
    });
    let mut values = known.as_object().cloned().unwrap_or_default();
    values.extend(TRANSFER.iter().filter_map(|name| Some(((*name).to_owned(), told(name)?.clone()))));
    values
}

fn local(at: Timestamp, zone: &TimeZone) -> Option<String> {
    Some(zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// The contract's word for how the call ended, or the bot's own where it has one.
fn disposition(call: &Call, by: DisconnectedBy) -> String {
    match &call.verdict {
        Some(Verdict { disposition, decided_by: DecidedBy::Bot, .. }) => disposition.clone(),
        _ => contact(by).to_owned(),
    }
}
