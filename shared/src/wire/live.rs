//! What a worker tells of a call while it runs (core to bridge, `POST /api/v1/internal/calls/{session_id}/events`). It may lose:
//! the call's result holds everything and repairs it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::WorkerId;

/// Most events of a report.
pub const MAX_EVENTS: usize = 32;
/// Longest text of an event, characters; the result has the rest.
pub const LONGEST_TEXT_CHARS: usize = 2_000;

/// Names of events, as the contract has them.
pub const RINGING: &str = "call.ringing";
pub const CONNECTED: &str = "call.connected";
pub const TURN: &str = "transcript.turn";
pub const TOOL_CALLED: &str = "tool.called";
pub const TRANSFER_REQUESTED: &str = "call.transfer_requested";
pub const TRANSFERRED: &str = "call.transferred";
pub const USAGE_MINUTE: &str = "usage.minute";
/// And ours: the delay of a reply in its parts, and what else the call's record has under `events`.
pub const LATENCY: &str = "turn.latency";
pub const NOTED: &str = "call.event";

/// Some events of a call, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveReport {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    /// Who has the call.
    pub worker_id: WorkerId,
    /// Events of the call that were given up so far, for want of room. Their numbers are missing.
    #[serde(default)]
    pub dropped: u64,
    pub events: Vec<LiveEvent>,
}

/// Something that happened just now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveEvent {
    /// 1, 2, 3, … of this call. A report that is sent again has the same numbers.
    pub seq: u64,
    /// RFC 3339.
    pub timestamp: String,
    pub event: String,
    #[serde(default)]
    pub data: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_golden_report_of_version_1_is_read() {
        let report: LiveReport = serde_json::from_str(include_str!("live_v1.golden.json")).unwrap();
        assert_eq!((report.version, report.worker_id.as_str(), report.dropped), (1, "w1", 2));
        let names: Vec<_> = report.events.iter().map(|e| (e.seq, e.event.as_str())).collect();
        let expected = [
            (1, RINGING),
            (2, CONNECTED),
            (3, TURN),
            (6, LATENCY),
            (7, TOOL_CALLED),
            (8, USAGE_MINUTE),
            (9, NOTED),
        ];
        assert_eq!(names, expected);
        assert_eq!(report.events[2].data["text"], "नमस्ते");
        let bare: LiveReport = serde_json::from_value(json!({"worker_id": "w1", "events": []})).unwrap();
        assert_eq!((bare.version, bare.dropped), (1, 0));
    }
}
