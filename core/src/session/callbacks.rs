//! When the caller wishes to be called back: the tool answers it, and the record keeps what it answered last.

use serde_json::Value;
use vox_shared::phone::Number;
use vox_shared::wire::result::{CallEvent, Callback};

use super::Session;
use super::event::{ToolAnswer, ToolStatus};
use super::kind::EventKind;
use super::rules::SCHEDULE_CALLBACK;
use crate::provider::llm::ToolCall;

impl Session {
    /// A tool has answered: a later wish takes the place of an earlier one.
    pub(super) fn note_callback(&mut self, call: &ToolCall, answer: &ToolAnswer) {
        if call.name == SCHEDULE_CALLBACK
            && answer.status == ToolStatus::Ok
            && let Some(callback) = read(&answer.result)
        {
            self.callback = Some(callback);
        }
    }
}

/// The last one that these events tell of. One whose number is hidden in them is none: the wrong person would be called.
pub fn last_in(events: &[CallEvent]) -> Option<Callback> {
    let is_one = |event: &&CallEvent| {
        let said = |name: &str| event.data.get(name).and_then(Value::as_str);
        event.event == EventKind::ToolCalled.as_str()
            && said("tool") == Some(SCHEDULE_CALLBACK)
            && said("status") == Some(ToolStatus::Ok.as_str())
    };
    read(events.iter().rfind(is_one)?.data.get("output")?)
}

fn read(answer: &Value) -> Option<Callback> {
    let callback: Callback = serde_json::from_value(answer.clone()).ok()?;
    callback.number.parse::<Number>().is_ok().then_some(callback)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::spending::object;

    fn event(tool: &str, status: &str, number: &str) -> CallEvent {
        let output = json!({"at": "2026-12-01T05:00:00Z", "number": number, "note": "", "in_words": "x"});
        let data = object(json!({"tool": tool, "status": status, "output": output}));
        CallEvent { at_ms: 1, event: "tool_called".into(), why: tool.into(), data }
    }

    #[test]
    fn the_newest_that_was_noted_counts() {
        let noted = |number: &str| event(SCHEDULE_CALLBACK, "ok", number);
        let number = |events: &[CallEvent]| last_in(events).map(|callback| callback.number);
        assert_eq!(number(&[noted("+15550123"), noted("+15550124")]).as_deref(), Some("+15550124"));
        let refused = event(SCHEDULE_CALLBACK, "refused", "+15550125");
        assert_eq!(number(&[noted("+15550123"), refused]).as_deref(), Some("+15550123"));
        assert_eq!(number(&[noted("+15550123"), noted("[phone]")]), None);
        assert_eq!(number(&[event("other", "ok", "+15550123")]), None);
    }
}
