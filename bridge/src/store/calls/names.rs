//! What the carrier and the line call a call: the number that was called, the carrier's own id, the room, and when somebody picked up.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::custody::CALLED;
use crate::store::Stamp;

/// Where a carrier's own id may stand, in a first message or in a result.
const EXTERNAL: [&str; 8] = [
    "external_call_id",
    "call_sid",
    "callSid",
    "CallSid",
    "call_uuid",
    "callUuid",
    "CallUUID",
    "call_control_id",
];
/// Longest name kept, characters.
const MAX_NAME: usize = 128;

/// See the module. Each is absent until somebody says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_call_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Stamp>,
}

impl Names {
    /// What the fields of a first message or of a result say.
    pub fn told(fields: &Map<String, Value>) -> Self {
        let text = |names: &[&str]| {
            let found = names.iter().filter_map(|name| fields.get(*name)?.as_str());
            let named = found.map(str::trim).find(|text| !text.is_empty());
            named.map(|text| text.chars().take(MAX_NAME).collect::<String>())
        };
        Self {
            to_number: text(&CALLED),
            external_call_id: text(&EXTERNAL),
            room_name: text(&["room_name"]),
            answered_at: text(&["answered_at"]).and_then(|at| at.parse().ok()).map(Stamp),
        }
    }

    /// What was said later counts, and leaves alone what it does not say.
    #[must_use]
    pub fn or_newer(self, newer: Self) -> Self {
        Self {
            to_number: newer.to_number.or(self.to_number),
            external_call_id: newer.external_call_id.or(self.external_call_id),
            room_name: newer.room_name.or(self.room_name),
            answered_at: newer.answered_at.or(self.answered_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(fields: Value) -> Names {
        Names::told(fields.as_object().unwrap())
    }

    #[test]
    fn a_name_is_found_however_the_carrier_spells_it_and_a_later_one_counts() {
        let first =
            told(json!({"callSid": " CA1 ", "did": "+15550100", "room_name": 7, "answered_at": "soon"}));
        assert_eq!(
            (first.external_call_id.as_deref(), first.to_number.as_deref()),
            (Some("CA1"), Some("+15550100"))
        );
        assert_eq!(
            (&first.room_name, &first.answered_at),
            (&None, &None),
            "what is no text or no time is left out"
        );
        let both =
            first.or_newer(told(json!({"room_name": "call-1", "answered_at": "2026-11-29T10:00:00Z"})));
        assert_eq!(both.external_call_id.as_deref(), Some("CA1"));
        assert_eq!((both.room_name.as_deref(), both.answered_at.is_some()), (Some("call-1"), true));
        assert_eq!(
            told(json!({"external_call_id": "x".repeat(500)})).external_call_id.unwrap().len(),
            MAX_NAME
        );
    }
}
