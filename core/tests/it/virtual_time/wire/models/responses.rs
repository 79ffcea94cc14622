//! Responses.

use serde_json::json;
use vox_core::provider::llm::LlmEvent;

use super::{Writer, named, usage};

#[derive(Default)]
pub struct Far {
    items: u64,
    speaks: bool,
}

impl Far {
    /// The message in which the words come.
    fn message(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.speaks, true) {
            return None;
        }
        let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": []});
        let index = self.items;
        self.items += 1;
        Some(named(&json!({"type": "response.output_item.added", "output_index": index, "item": item})))
    }
}

impl Writer for Far {
    fn write(&mut self, meaning: &LlmEvent) -> Vec<String> {
        match meaning {
            LlmEvent::Text(text) => {
                let delta = named(&json!({
                    "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text
                }));
                self.message().into_iter().chain([delta]).collect()
            }
            LlmEvent::Progress => {
                vec![named(&json!({"type": "response.reasoning_summary_text.delta", "delta": "hm"}))]
            }
            LlmEvent::ToolCall(call) => {
                let index = self.items;
                self.items += 1;
                let arguments = call.arguments.to_string();
                let (first, rest) = arguments.split_at(1);
                let item = |arguments: &str| json!({"type": "function_call", "id": "fc_1", "call_id": call.id, "name": call.name, "arguments": arguments});
                let more = |piece: &str| {
                    named(
                        &json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": piece}),
                    )
                };
                vec![
                    named(
                        &json!({"type": "response.output_item.added", "output_index": index, "item": item("")}),
                    ),
                    more(first),
                    more(rest),
                    named(
                        &json!({"type": "response.function_call_arguments.done", "output_index": index, "arguments": arguments}),
                    ),
                    named(
                        &json!({"type": "response.output_item.done", "output_index": index, "item": item(&arguments)}),
                    ),
                ]
            }
            LlmEvent::Done { .. } => {
                let usage = usage(meaning)
                    .map(|usage| json!({"input_tokens": usage.tokens_in, "output_tokens": usage.tokens_out}));
                let response = json!({"id": "resp_1", "status": "completed", "usage": usage});
                vec![named(&json!({"type": "response.completed", "response": response}))]
            }
            LlmEvent::Failed(_) => Vec::new(),
        }
    }

    fn break_off(&mut self) -> String {
        named(&json!({"type": "error", "code": "server_error", "message": "The server had an error"}))
    }
}
