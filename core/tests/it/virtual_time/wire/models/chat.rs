//! Chat Completions.

use serde_json::{Value, json};
use vox_core::provider::llm::LlmEvent;

use super::{Writer, event, usage};

#[derive(Default)]
pub struct Far {
    calls: u64,
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    event(&json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }))
}

impl Writer for Far {
    fn write(&mut self, meaning: &LlmEvent) -> Vec<String> {
        match meaning {
            LlmEvent::Text(text) => vec![chunk(&json!({"content": text}), None)],
            LlmEvent::Progress => vec![chunk(&json!({"reasoning_content": "hm"}), None)],
            LlmEvent::ToolCall(call) => {
                let index = self.calls;
                self.calls += 1;
                let function = json!({"name": call.name, "arguments": ""});
                let begin = json!({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]});
                let arguments = call.arguments.to_string();
                let (first, rest) = arguments.split_at(1);
                let more = |piece: &str| {
                    chunk(&json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), None)
                };
                vec![chunk(&begin, None), more(first), more(rest)]
            }
            LlmEvent::Done { .. } => {
                let finish = if self.calls > 0 { "tool_calls" } else { "stop" };
                let mut events = vec![chunk(&json!({}), Some(finish))];
                if let Some(usage) = usage(meaning) {
                    let usage =
                        json!({"prompt_tokens": usage.tokens_in, "completion_tokens": usage.tokens_out});
                    events.push(event(&json!({"id": "chatcmpl-1", "choices": [], "usage": usage})));
                }
                events.push("data: [DONE]\n\n".into());
                events
            }
            LlmEvent::Failed(_) => Vec::new(),
        }
    }

    fn break_off(&mut self) -> String {
        event(
            &json!({"error": {"message": "The server had an error", "type": "server_error", "code": "server_error"}}),
        )
    }
}
