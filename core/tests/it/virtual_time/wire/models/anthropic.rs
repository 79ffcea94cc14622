//! Messages.

use serde_json::{Value, json};
use vox_core::provider::llm::LlmEvent;

use super::{Writer, named, usage};

#[derive(Default)]
pub struct Far {
    begun: bool,
    blocks: u64,
    /// The block that is open, and whether it is one of text.
    open: Option<(u64, bool)>,
    calls: bool,
}

impl Far {
    fn begin(&mut self, events: &mut Vec<String>) {
        if !std::mem::replace(&mut self.begun, true) {
            let usage = json!({"input_tokens": 10, "output_tokens": 1});
            let message =
                json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage});
            events.push(named(&json!({"type": "message_start", "message": message})));
        }
    }

    fn close(&mut self, events: &mut Vec<String>) {
        if let Some((index, _)) = self.open.take() {
            events.push(named(&json!({"type": "content_block_stop", "index": index})));
        }
    }

    fn block(&mut self, block: &Value, is_text: bool, events: &mut Vec<String>) -> u64 {
        self.close(events);
        let index = self.blocks;
        self.blocks += 1;
        self.open = Some((index, is_text));
        events.push(named(&json!({"type": "content_block_start", "index": index, "content_block": block})));
        index
    }
}

fn delta(index: u64, delta: &Value) -> String {
    named(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

impl Writer for Far {
    fn write(&mut self, meaning: &LlmEvent) -> Vec<String> {
        let mut events = Vec::new();
        self.begin(&mut events);
        match meaning {
            LlmEvent::Text(text) => {
                let index = match self.open {
                    Some((index, true)) => index,
                    _ => self.block(&json!({"type": "text", "text": ""}), true, &mut events),
                };
                events.push(delta(index, &json!({"type": "text_delta", "text": text})));
            }
            LlmEvent::Progress => events.push(named(&json!({"type": "ping"}))),
            LlmEvent::ToolCall(call) => {
                self.calls = true;
                let block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
                let index = self.block(&block, false, &mut events);
                let arguments = call.arguments.to_string();
                let (first, rest) = arguments.split_at(1);
                for piece in [first, rest] {
                    events.push(delta(index, &json!({"type": "input_json_delta", "partial_json": piece})));
                }
            }
            LlmEvent::Done { .. } => {
                self.close(&mut events);
                let reason = if self.calls { "tool_use" } else { "end_turn" };
                let tokens = usage(meaning).map_or(0, |usage| usage.tokens_out);
                events.push(named(&json!({
                    "type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": tokens}
                })));
                events.push(named(&json!({"type": "message_stop"})));
            }
            LlmEvent::Failed(_) => {}
        }
        events
    }

    fn break_off(&mut self) -> String {
        named(&json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
    }
}
