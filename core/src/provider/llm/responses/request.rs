//! The body of a request.

use serde_json::{Map, Value, json};
use vox_shared::catalogue::{OPENAI_OPTIONAL_FIELDS, Vendor};
use vox_shared::model::bot::LlmSettings;

use crate::provider::egress::chat::Thinking;
use crate::provider::extra::Extra;
use crate::provider::llm::calls::{plain, schema};
use crate::provider::llm::omitted::Omitted;
use crate::provider::llm::turns::{Conversation, Part, Speaker, Turn};
use crate::provider::llm::{LlmRequest, ToolSpec};

/// Fields that some model or server refuses and a reply does not depend on. A refusal that names one teaches us to leave it out.
pub(super) const OPTIONAL: &[&str] = OPENAI_OPTIONAL_FIELDS;

/// All of a request that does not change from turn to turn.
#[derive(Debug)]
pub(super) struct Template {
    model: String,
    /// Absent for a model that reasons: it accepts no other than its own.
    temperature: Option<f64>,
    max_tokens: u32,
    effort: Option<String>,
    verbosity: Option<String>,
    service_tier: Option<String>,
    pub(super) omitted: Omitted,
}

impl Template {
    pub(super) fn new(vendor: &Vendor, settings: &LlmSettings, extra: &Extra<'_>) -> Self {
        let given = |name: &str| extra.text(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let model = if settings.model.is_empty() { vendor.model } else { &settings.model };
        let effort = given("reasoning_effort");
        let thinking = Thinking::of(model, effort.as_deref());
        // In single precision 0.7 would be sent as 0.699999988079071.
        let temperature = (f64::from(settings.temperature) * 100.0).round() / 100.0;
        Self {
            model: model.to_owned(),
            temperature: thinking.takes_temperature.then_some(temperature),
            max_tokens: settings.max_tokens,
            effort: effort.or(thinking.effort.map(str::to_owned)),
            verbosity: given("verbosity"),
            service_tier: given("service_tier"),
            omitted: Omitted::new(extra.texts("omit")),
        }
    }

    /// The body for a conversation. The whole of it is sent each time: with `store` off the vendor keeps none.
    pub(super) fn body(&self, request: &LlmRequest) -> Value {
        let omitted = self.omitted.fields();
        let sends = |field: &str| !omitted.contains(field);
        let conversation = Conversation::of(&request.messages);
        let mut body = Map::new();
        let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
        set("model", self.model.clone().into());
        set("stream", true.into());
        if !conversation.system.trim().is_empty() {
            set("instructions", conversation.system.into());
        }
        set("input", conversation.turns.iter().flat_map(items).collect());
        if sends("include_obfuscation") {
            // Padding against an eavesdropper on the wire; it costs bandwidth in every event of a link that is encrypted.
            set("stream_options", json!({"include_obfuscation": false}));
        }
        if !request.tools.is_empty() {
            set("tools", request.tools.iter().map(|spec| tool(spec, sends("strict"))).collect());
            set("tool_choice", "auto".into());
            set("parallel_tool_calls", true.into());
        }
        if let Some(temperature) = self.temperature {
            set("temperature", temperature.into());
        }
        set("max_output_tokens", self.max_tokens.into());
        if let Some(effort) = self.effort.as_ref().filter(|_| sends("reasoning_effort")) {
            set("reasoning", json!({ "effort": effort }));
        }
        if let Some(verbosity) = self.verbosity.as_ref().filter(|_| sends("verbosity")) {
            set("text", json!({ "verbosity": verbosity }));
        }
        if let Some(tier) = &self.service_tier {
            set("service_tier", tier.clone().into());
        }
        if let Some(key) = &request.cache_key {
            set("prompt_cache_key", key.name.clone().into());
        }
        set("store", false.into());
        body.retain(|field, _| sends(field));
        Value::Object(body)
    }
}

/// A turn as the items that it consists of.
fn items(turn: &Turn<'_>) -> Vec<Value> {
    let (role, kind) = match turn.speaker {
        Speaker::Caller => ("user", "input_text"),
        Speaker::Bot => ("assistant", "output_text"),
    };
    let item = |part: &Part<'_>| match part {
        Part::Said(text) => json!({"role": role, "content": [{"type": kind, "text": text}]}),
        Part::Called(call) => {
            let arguments = match &call.arguments {
                Value::String(unparsed) => unparsed.clone(),
                parsed => parsed.to_string(),
            };
            let (id, name) = (plain(&call.id, "call"), plain(&call.name, "tool"));
            json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
        }
        Part::Answered(call, text) => {
            json!({"type": "function_call_output", "call_id": plain(&call.id, "call"), "output": text})
        }
    };
    turn.parts.iter().map(item).collect()
}

fn tool(tool: &ToolSpec, sends_strict: bool) -> Value {
    let parameters = schema(&tool.parameters);
    let mut tool = json!({"type": "function", "name": tool.name, "description": tool.description, "parameters": parameters});
    if sends_strict {
        tool["strict"] = false.into();
    }
    tool
}

#[cfg(test)]
mod tests {
    use vox_shared::catalogue::OPENAI;

    use super::*;
    use crate::provider::llm::{CacheKey, Message, Role, ToolCall};

    fn body(model: &str, extra: Value) -> Value {
        let call = ToolCall { id: "c1".into(), name: "f".into(), arguments: json!({"a": 1}) };
        let mut assistant = Message::text(Role::Assistant, "One moment.");
        assistant.tool_calls = vec![call];
        let mut answer = Message::text(Role::Tool, "{}");
        answer.tool_call_id = Some("c1".into());
        let request = LlmRequest {
            messages: vec![
                Message::text(Role::System, "s"),
                Message::text(Role::User, "u"),
                assistant,
                answer,
            ],
            tools: vec![ToolSpec { name: "f".into(), description: "d".into(), parameters: Value::Null }],
            cache_key: Some(CacheKey { name: "k".into(), fixed_bytes: 1 }),
        };
        let settings = LlmSettings {
            model: model.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..LlmSettings::default()
        };
        Template::new(&OPENAI, &settings, &Extra::new(&OPENAI, &settings.extra).unwrap()).body(&request)
    }

    #[test]
    fn the_whole_body() {
        let expected = json!({
            "model": "gpt-5.4-mini", "stream": true, "instructions": "s",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
                {"role": "assistant", "content": [{"type": "output_text", "text": "One moment."}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "function_call_output", "call_id": "c1", "output": "{}"}],
            "stream_options": {"include_obfuscation": false},
            "tools": [{"type": "function", "name": "f", "description": "d",
                "parameters": {"type": "object", "properties": {}}, "strict": false}],
            "tool_choice": "auto", "parallel_tool_calls": true, "temperature": 0.7, "max_output_tokens": 256,
            "reasoning": {"effort": "none"}, "prompt_cache_key": "k", "store": false});
        assert_eq!(body("", json!({})), expected);
    }

    #[test]
    fn wishes_are_passed_on_and_fields_left_out() {
        let asked = body(
            "gpt-6-sol",
            json!({"reasoning_effort": "low", "verbosity": "low", "omit": ["store", "strict"]}),
        );
        assert_eq!(
            (&asked["reasoning"]["effort"], &asked["text"]["verbosity"]),
            (&json!("low"), &json!("low"))
        );
        assert!(asked.get("temperature").is_none() && asked.get("store").is_none());
        assert!(asked["tools"][0].get("strict").is_none());
        let without =
            body("", json!({"omit": ["include_obfuscation", "reasoning_effort", "prompt_cache_key"]}));
        for field in ["stream_options", "reasoning", "prompt_cache_key"] {
            assert!(without.get(field).is_none(), "{field}");
        }
    }
}
