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
    let answered = || local(call.names.as_ref()?.answered_at?.0, zone);
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
        "answer_time": time("answered_at").or_else(answered).or_else(|| start.clone()),
        "end_time": end,
        "transcript": transcript,
        "was_transferred": if was_transferred { "yes" } else { "no" },
    });
    let mut values = known.as_object().cloned().unwrap_or_default();
    values.extend(told("callback").into_iter().flat_map(|callback| of_callback(callback, zone)));
    values.extend(TRANSFER.iter().filter_map(|name| Some(((*name).to_owned(), told(name)?.clone()))));
    values
}

/// When the caller wishes to be called back, whom to call, and what about.
fn of_callback(callback: &Value, zone: &TimeZone) -> Vec<(String, Value)> {
    let text = |name: &str| callback.get(name).and_then(Value::as_str);
    let at = text("at").and_then(|at| local(at.parse().ok()?, zone)).map(Value::from);
    let named = [("callback_at", at), ("callback_number", text("number").map(Value::from))];
    let note = ("callback_note", text("note").map(Value::from));
    let all = named.into_iter().chain([note]);
    all.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that a worker told of so. It was answered at 10:00:03 by what began it.
    fn call(result: Value) -> Call {
        let call = json!({
            "tenant_id": "default", "bot_id": "faq", "status": "completed", "caller_id": "+15550123",
            "created_at": "2026-11-20T10:00:00.000000Z", "completed_at": "2026-11-20T10:09:00.000000Z",
            "disconnected_by": result["disconnected_by"], "duration_seconds": 12.5,
            "names": {"answered_at": "2026-11-20T10:00:03.000000Z"}, "result": result,
        });
        serde_json::from_value(call).unwrap()
    }

    fn values_of(call: &Call, recording: Option<&str>) -> Value {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        values("call_1", call, recording.map(str::to_owned), &zone).into()
    }

    /// Every variable of the contract, with a value of its own.
    #[test]
    fn a_transferred_call_has_every_value_of_the_contract() {
        let said =
            json!([{"turn": 0, "speaker": "bot", "text": "\"Hello\"", "started_ms": 0, "ended_ms": 900}]);
        let told = json!({
            "disconnected_by": "transfer_to_agent", "transcript": said, "was_transferred": true,
            "started_at": "2026-11-20T18:29:59Z", "answered_at": "2026-11-20T18:30:04.9Z",
            "ended_at": "2026-11-20T20:00:00+01:00", "transfer_destination": "+15550199", "transfer_target": "sales",
            "transfer_reason": "wants a person", "transfer_method": "dial", "transfer_at": 61.5,
            "transfer_failed_reason": "nobody took the first one",
            "callback": {"at": "2026-11-21T05:00:00Z", "number": "+15550124", "note": ""},
        });
        let expected = json!({
            "call_id": "call_1", "recording_url": "https://vox.test/r/1", "call_duration_seconds": 12.5,
            "disconnected_by": "transfer_to_agent", "disposition": "Unknown", "start_time": "2026-11-20 23:59:59",
            "answer_time": "2026-11-21 00:00:04", "end_time": "2026-11-21 00:30:00", "transcript": said.to_string(),
            "was_transferred": "yes", "transfer_destination": "+15550199", "transfer_target": "sales",
            "transfer_reason": "wants a person", "transfer_method": "dial", "transfer_at": 61.5,
            "transfer_failed_reason": "nobody took the first one",
            "callback_at": "2026-11-21 10:30:00", "callback_number": "+15550124", "callback_note": "",
        });
        assert_eq!(values_of(&call(told), Some("https://vox.test/r/1")), expected);
    }

    #[test]
    fn what_the_worker_does_not_say_is_taken_from_the_call_or_is_absent() {
        let mut call = call(json!({"disconnected_by": "customer", "transfer_reason": null}));
        let expected = json!({
            "call_id": "call_1", "recording_url": null, "call_duration_seconds": 12.5, "disconnected_by": "customer",
            "disposition": "Connected", "start_time": "2026-11-20 15:30:00", "answer_time": "2026-11-20 15:30:03",
            "end_time": "2026-11-20 15:39:00", "transcript": "[]", "was_transferred": "no",
        });
        assert_eq!(values_of(&call, None), expected);
        call.names = None;
        assert_eq!(values_of(&call, None)["answer_time"], expected["start_time"]);
    }

    #[test]
    fn a_disposition_is_the_contracts_word_unless_the_bot_has_one() {
        for (by, word) in [
            ("customer", "Connected"),
            ("bot", "Connected"),
            ("timeout", "Connected"),
            ("error", "Failed"),
            ("no_answer", "Unknown"),
            ("voicemail", "Unknown"),
        ] {
            let mut call = call(json!({"disconnected_by": by}));
            for (decided_by, expected) in [("rule", word), ("outcome", word), ("bot", "Own")] {
                let verdict = json!({
                    "disposition": "Own", "decided_by": decided_by, "reached": true, "because": "customer_spoke"
                });
                call.verdict = Some(serde_json::from_value(verdict).unwrap());
                assert_eq!(values_of(&call, None)["disposition"], expected, "{by} {decided_by}");
            }
        }
    }
}
