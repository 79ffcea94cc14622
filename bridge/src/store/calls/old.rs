//! Bodies of older versions, and how each becomes one of the next.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use vox_shared::wire::result::DisconnectedBy;

use super::CallStatus;
use super::custody::keys_of;
use super::digest::due_last;
use crate::store::Stamp;

/// Longest that a call of the first version could last, and time for its result to come.
const LONGEST: SignedDuration = SignedDuration::from_mins(90);

/// 1 to 2: `voicemail`, `busy` and `rejected` became statuses of their own, and a call without a result got a deadline.
pub fn with_own_endings(body: &mut Map<String, Value>) -> Result<(), String> {
    match body.get("disconnected_by").cloned() {
        Some(end) => {
            let end: DisconnectedBy =
                serde_json::from_value(end).map_err(|e| format!("disconnected_by: {e}"))?;
            body.insert("status".into(), CallStatus::of(end).as_str().into());
        }
        None => {
            let began = body.get("created_at").and_then(Value::as_str).ok_or("no created_at")?;
            let began: Timestamp = began.parse().map_err(|e| format!("created_at: {e}"))?;
            let deadline = began.saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
            body.insert("deadline".into(), Stamp(deadline).to_string().into());
        }
    }
    Ok(())
}

/// 2 to 3: calls are found by both numbers.
pub fn in_custody(body: &mut Map<String, Value>) -> Result<(), String> {
    let caller = body.get("caller_id").and_then(Value::as_str).unwrap_or_default();
    let (caller, called) =
        keys_of(caller, body.get("connected_event"), body.get("result").and_then(Value::as_object));
    let mut custody = Map::new();
    custody.extend(caller.map(|key| ("caller_key".to_owned(), key.into())));
    custody.extend(called.map(|key| ("called_key".to_owned(), key.into())));
    if !custody.is_empty() {
        body.insert("custody".into(), custody.into());
    }
    Ok(())
}

/// 3 to 4: calls that have ended are found by their words, and counted.
pub fn to_be_digested(body: &mut Map<String, Value>) -> Result<(), String> {
    let is_deleted = body.get("custody").is_some_and(|custody| custody.get("deleted_at").is_some());
    if body.contains_key("completed_at") && !is_deleted {
        body.insert("digest".into(), due_last().into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(old: Value, expected: Value) {
        let mut body = old.as_object().unwrap().clone();
        with_own_endings(&mut body).unwrap();
        assert_eq!(Value::Object(body), expected);
    }

    #[test]
    fn an_ended_call_gets_its_own_status_and_a_started_one_its_deadline() {
        check(
            json!({"status": "completed", "disconnected_by": "voicemail"}),
            json!({"status": "voicemail", "disconnected_by": "voicemail"}),
        );
        check(
            json!({"status": "no_answer", "disconnected_by": "RNR"}),
            json!({"status": "no_answer", "disconnected_by": "RNR"}),
        );
        check(
            json!({"status": "started", "created_at": "2026-11-20T10:00:00.000000Z"}),
            json!({"status": "started", "created_at": "2026-11-20T10:00:00.000000Z", "deadline": "2026-11-20T11:30:00.000000Z"}),
        );
        assert!(with_own_endings(&mut Map::new()).is_err());
    }
}
