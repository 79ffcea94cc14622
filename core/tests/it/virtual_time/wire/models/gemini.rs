//! `streamGenerateContent`, of the Gemini API and of Vertex AI.

use serde_json::{Value, json};
use vox_core::provider::llm::LlmEvent;

use super::{Writer, event, usage};

pub struct Far;

fn piece(part: &Value) -> String {
    let content = json!({"role": "model", "parts": [part]});
    event(&json!({"candidates": [{"index": 0, "content": content}], "modelVersion": "m"}))
}

impl Writer for Far {
    fn write(&mut self, meaning: &LlmEvent) -> Vec<String> {
        match meaning {
            LlmEvent::Text(text) => vec![piece(&json!({"text": text}))],
            LlmEvent::Progress => vec![piece(&json!({"text": "hm", "thought": true}))],
            LlmEvent::ToolCall(call) => {
                let called = json!({"id": call.id, "name": call.name, "args": call.arguments});
                vec![piece(&json!({"functionCall": called, "thoughtSignature": "c2ln"}))]
            }
            LlmEvent::Done { .. } => {
                let content = json!({"role": "model", "parts": [{"text": ""}]});
                let mut last =
                    json!({"candidates": [{"index": 0, "content": content, "finishReason": "STOP"}]});
                if let Some(usage) = usage(meaning) {
                    last["usageMetadata"] = json!({"promptTokenCount": usage.tokens_in, "candidatesTokenCount": usage.tokens_out});
                }
                vec![event(&last)]
            }
            LlmEvent::Failed(_) => Vec::new(),
        }
    }

    fn break_off(&mut self) -> String {
        event(
            &json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}),
        )
    }
}
