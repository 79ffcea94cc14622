//! Servers that speak this vendor's protocol less tidily than the vendor does.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One way in which a compatible server departs from the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// The stream ends without saying why.
    NoFinishReason,
    /// The stream ends without `[DONE]`.
    NoDone,
    /// Keep-alives stand among the events, as comments and as data.
    KeepAlives,
    /// Lines end with CR LF, and no space follows a colon.
    CarriageReturns,
    /// The model thinks aloud before it answers, in a field of its own.
    ThinksFirst,
    /// The answer comes in one body, though a stream was asked for.
    InOnePiece,
}

/// How many pieces of thought come before the answer.
const THOUGHTS: usize = 12;

impl Habit {
    /// The chunks of a stream as a server with these habits sends them.
    pub(crate) fn bend(habits: &[Self], mut chunks: Vec<Value>) -> Vec<Value> {
        if habits.contains(&Self::ThinksFirst) {
            let thought = json!({"object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"content": null, "reasoning_content": "Hm. "}, "finish_reason": null}]});
            let after_role = chunks.len().min(1);
            chunks.splice(after_role..after_role, std::iter::repeat_n(thought, THOUGHTS));
        }
        if habits.contains(&Self::NoFinishReason) {
            chunks.retain(|chunk| chunk["choices"][0]["finish_reason"].is_null());
        }
        chunks
    }

    /// One event on the wire.
    pub(crate) fn write(habits: &[Self], data: &str) -> String {
        let mut text = format!("data: {data}\n\n");
        if habits.contains(&Self::KeepAlives) {
            text = format!(
                ": processing\n\ndata: : keep-alive\n\ndata: \n\ndata: {{}}\n\nevent: ping\ndata: {{\"type\": \"ping\"}}\n\n{text}"
            );
        }
        if habits.contains(&Self::CarriageReturns) {
            text = text.replace("data: ", "data:").replace('\n', "\r\n");
        }
        text
    }
}
