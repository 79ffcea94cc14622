//! The body of a request.

use serde_json::{Map, Value, json};
use vox_shared::catalogue::{OPENAI_OPTIONAL_FIELDS, Vendor};
use vox_shared::model::bot::LlmSettings;

use crate::provider::egress::chat::Thinking;
use crate::provider::extra::Extra;
use crate::provider::llm::calls::{plain, schema};
use crate::provider::llm::omitted::Omitted;
use crate::provider::llm::{LlmRequest, Message, Role, ToolCall, ToolSpec};
use crate::provider::{Failure, FailureClass};

/// Fields that some compatible server refuses and a reply does not depend on. A refusal that names one teaches us to leave it out.
pub(super) const OPTIONAL: &[&str] = OPENAI_OPTIONAL_FIELDS;

/// All of a request that does not change from turn to turn.
#[derive(Debug)]
pub(super) struct Template {
    model: String,
    /// Absent for a model that reasons: it accepts no other than its own.
    temperature: Option<f32>,
    max_tokens: u32,
    /// `reasoning_effort` and its like, passed on as they are.
    passed_on: Vec<(&'static str, String)>,
    legacy_max_tokens: bool,
    pub(super) omitted: Omitted,
}

impl Template {
    pub(super) fn new(
        vendor: &'static Vendor,
        settings: &LlmSettings,
        extra: &Extra<'_>,
    ) -> Result<Self, Failure> {
        let mut passed_on = Vec::new();
        for field in ["reasoning_effort", "verbosity", "service_tier"] {
            if let Some(value) = extra.text(field).filter(|value| !value.is_empty()) {
                passed_on.push((field, value.to_owned()));
            }
        }
        if !(0.0..=2.0).contains(&settings.temperature) {
            let detail = format!("{}: temperature must be from 0 to 2", vendor.name);
            return Err(Failure::new(FailureClass::Refused, detail));
        }
        let model = if settings.model.is_empty() { vendor.model } else { &settings.model };
        let effort = passed_on
            .iter()
            .find(|(field, _)| *field == "reasoning_effort")
            .map(|(_, effort)| effort.as_str());
        let thinking = Thinking::of(model, effort);
        if let (None, Some(effort)) = (effort, thinking.effort) {
            passed_on.push(("reasoning_effort", effort.to_owned()));
        }
        Ok(Self {
            model: model.to_owned(),
            temperature: thinking.takes_temperature.then_some(settings.temperature),
            max_tokens: settings.max_tokens,
            passed_on,
            legacy_max_tokens: extra.flag("legacy_max_tokens").unwrap_or(false),
            omitted: Omitted::new(
                extra.texts("omit").into_iter().chain(vendor.undocumented_fields().iter().copied()),
            ),
        })
    }

    /// The body for a conversation.
    pub(super) fn body(&self, request: &LlmRequest) -> Value {
        let omitted = self.omitted.fields();
        let sends = |field: &str| !omitted.contains(field);
        let mut body = Map::new();
        body.insert("model".into(), self.model.clone().into());
        body.insert("stream".into(), true.into());
        body.insert("messages".into(), request.messages.iter().map(message).collect());
        let mut stream_options = json!({"include_usage": true});
        if sends("include_obfuscation") {
            // Padding against an eavesdropper on the wire; it costs bandwidth in every chunk of a link that is encrypted.
            stream_options["include_obfuscation"] = false.into();
        }
        body.insert("stream_options".into(), stream_options);
        if !request.tools.is_empty() {
            body.insert(
                "tools".into(),
                request.tools.iter().map(|spec| tool(spec, sends("strict"))).collect(),
            );
            body.insert("tool_choice".into(), "auto".into());
            body.insert("parallel_tool_calls".into(), true.into());
        }
        if let Some(temperature) = self.temperature {
            // In single precision 0.7 would be sent as 0.699999988079071.
            body.insert("temperature".into(), json!((f64::from(temperature) * 100.0).round() / 100.0));
        }
        let legacy = self.legacy_max_tokens || !sends("max_completion_tokens");
        body.insert(
            if legacy { "max_tokens" } else { "max_completion_tokens" }.into(),
            self.max_tokens.into(),
        );
        for (field, value) in &self.passed_on {
            body.insert((*field).into(), value.clone().into());
        }
        if let Some(key) = &request.cache_key {
            body.insert("prompt_cache_key".into(), key.name.clone().into());
        }
        body.insert("store".into(), false.into());
        body.retain(|field, _| sends(field));
        Value::Object(body)
    }
}

fn message(message: &Message) -> Value {
    match message.role {
        Role::System => json!({"role": "system", "content": message.text}),
        Role::User => json!({"role": "user", "content": message.text}),
        Role::Tool => {
            json!({"role": "tool", "tool_call_id": message.tool_call_id.as_deref().unwrap_or_default(), "content": message.text})
        }
        Role::Assistant if message.tool_calls.is_empty() => {
            json!({"role": "assistant", "content": message.text})
        }
        Role::Assistant => {
            let content = if message.text.is_empty() { Value::Null } else { message.text.clone().into() };
            let calls: Vec<Value> = message.tool_calls.iter().map(tool_call).collect();
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
    }
}

fn tool_call(call: &ToolCall) -> Value {
    let arguments = match &call.arguments {
        Value::String(unparsed) => unparsed.clone(),
        parsed => parsed.to_string(),
    };
    let name = plain(&call.name, "tool");
    json!({"id": call.id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn tool(tool: &ToolSpec, sends_strict: bool) -> Value {
    let parameters = schema(&tool.parameters);
    let mut function = json!({"name": tool.name, "description": tool.description, "parameters": parameters});
    if sends_strict {
        function["strict"] = false.into();
    }
    json!({"type": "function", "function": function})
}

#[cfg(test)]
mod tests {
    use vox_shared::catalogue::OPENAI;

    use super::*;
    use crate::provider::llm::CacheKey;

    fn body(extra: Value, request: &LlmRequest) -> Value {
        let settings = LlmSettings { extra: extra.as_object().cloned().unwrap(), ..LlmSettings::default() };
        Template::new(&OPENAI, &settings, &Extra::new(&OPENAI, &settings.extra).unwrap())
            .unwrap()
            .body(request)
    }

    fn request() -> LlmRequest {
        let call = ToolCall { id: "c1".into(), name: "f".into(), arguments: json!({"a": 1}) };
        let mut assistant = Message::text(Role::Assistant, "");
        assistant.tool_calls = vec![call];
        let mut answer = Message::text(Role::Tool, "{}");
        answer.tool_call_id = Some("c1".into());
        LlmRequest {
            messages: vec![
                Message::text(Role::System, "s"),
                Message::text(Role::User, "u"),
                assistant,
                answer,
            ],
            tools: vec![ToolSpec { name: "f".into(), description: "d".into(), parameters: Value::Null }],
            cache_key: Some(CacheKey { name: "k".into(), fixed_bytes: 1 }),
        }
    }

    #[test]
    fn the_whole_body() {
        let expected = json!({
            "model": "gpt-5.4-mini", "stream": true,
            "stream_options": {"include_usage": true, "include_obfuscation": false},
            "messages": [
                {"role": "system", "content": "s"}, {"role": "user", "content": "u"},
                {"role": "assistant", "content": null,
                 "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "{}"}],
            "tools": [{"type": "function", "function": {"name": "f", "description": "d",
                "parameters": {"type": "object", "properties": {}}, "strict": false}}],
            "tool_choice": "auto", "parallel_tool_calls": true,
            "temperature": 0.7, "max_completion_tokens": 256, "reasoning_effort": "none",
            "prompt_cache_key": "k", "store": false});
        assert_eq!(body(json!({}), &request()), expected);
    }

    #[test]
    fn models_that_reason_are_told_not_to() {
        let check = |model: &str, asked: Value, effort: Value, temperature: Value| {
            let extra = json!({ "reasoning_effort": asked });
            let extra = extra.as_object().cloned().unwrap();
            let settings = LlmSettings { model: model.into(), extra, ..LlmSettings::default() };
            let body = Template::new(&OPENAI, &settings, &Extra::new(&OPENAI, &settings.extra).unwrap())
                .unwrap()
                .body(&request());
            assert_eq!((&body["reasoning_effort"], &body["temperature"]), (&effort, &temperature), "{model}");
        };
        check("gpt-5.4-mini", Value::Null, json!("none"), json!(0.7));
        check("gpt-6-luna", json!("low"), json!("low"), Value::Null);
        check("gpt-5-mini", Value::Null, json!("minimal"), Value::Null);
        check("o4-mini", Value::Null, json!("low"), Value::Null);
        check("gpt-4o-mini", Value::Null, Value::Null, json!(0.7));
        check("openai/gpt-oss-120b", json!("low"), json!("low"), json!(0.7));
    }

    #[test]
    fn fields_can_be_left_out() {
        let omit = json!({"omit": ["store", "stream_options", "temperature", "reasoning_effort"], "legacy_max_tokens": true});
        let body = body(omit, &LlmRequest { tools: Vec::new(), cache_key: None, ..request() });
        let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["max_tokens", "messages", "model", "stream"]);
    }

    #[test]
    fn a_refused_field_stays_out() {
        let settings = LlmSettings::default();
        let template =
            Template::new(&OPENAI, &settings, &Extra::new(&OPENAI, &settings.extra).unwrap()).unwrap();
        assert!(template.omitted.leave_out("openai", "max_completion_tokens"));
        assert!(
            !template.omitted.leave_out("openai", "max_completion_tokens"),
            "a second refusal must not loop"
        );
        let body = template.body(&request());
        assert_eq!(body["max_tokens"], 256);
        assert!(body.get("max_completion_tokens").is_none());
    }
}
