//! The body of a request.

use http::header::HeaderValue;
use serde_json::{Map, Value, json};
use vox_shared::catalogue::{ANTHROPIC, ANTHROPIC_OPTIONAL_FIELDS};
use vox_shared::model::bot::LlmSettings;

use super::NAME;
use crate::provider::extra::Extra;
use crate::provider::llm::calls::{object, plain, schema};
use crate::provider::llm::keepsakes::Keepsakes;
use crate::provider::llm::omitted::Omitted;
use crate::provider::llm::turns::{Conversation, Part, Speaker, Turn};
use crate::provider::llm::{CacheKey, LlmRequest, ToolCall, ToolSpec};
use crate::provider::{Failure, FailureClass};

/// Fields that some model or server refuses and a reply does not depend on. A refusal that names one teaches us to leave it out.
pub(super) const OPTIONAL: &[&str] = ANTHROPIC_OPTIONAL_FIELDS;
/// The version of the interface that all models and all servers take.
const VERSION: &str = "2023-06-01";

/// The version that is asked for.
pub(super) fn version(extra: &Extra<'_>) -> Result<HeaderValue, Failure> {
    let version = extra.text("version").filter(|version| !version.is_empty()).unwrap_or(VERSION);
    HeaderValue::from_str(version).map_err(|_| {
        let detail = format!("{NAME}: extra.version must be a date such as {VERSION}");
        Failure::new(FailureClass::Refused, detail)
    })
}

/// All of a request that does not change from turn to turn.
#[derive(Debug)]
pub(super) struct Template {
    model: String,
    /// Only for models that take one.
    temperature: Option<f64>,
    max_tokens: u32,
    thinking: Option<String>,
    effort: Option<String>,
    /// How long the vendor keeps what it caches, where that is not five minutes.
    cache_ttl: Option<String>,
    pub(super) omitted: Omitted,
}

impl Template {
    pub(super) fn new(settings: &LlmSettings, extra: &Extra<'_>) -> Self {
        let model = if settings.model.is_empty() { ANTHROPIC.model } else { &settings.model };
        let given = |name: &str| extra.text(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let manner = Manner::of(model);
        let effort = given("effort").or(manner.effort.map(str::to_owned));
        let asked = given("thinking");
        // A model that can be kept from thinking cannot be at its highest efforts.
        let is_high = matches!(effort.as_deref(), Some("xhigh" | "max"));
        let least = manner.thinking.filter(|least| !(is_high && *least == "disabled"));
        let is_newer = extra.text("version").is_some_and(|version| version > VERSION);
        // In single precision 0.7 would be sent as 0.699999988079071. The bot's scale ends at 2, the vendor's at 1.
        let temperature = ((f64::from(settings.temperature) * 100.0).round() / 100.0).clamp(0.0, 1.0);
        Self {
            model: model.to_owned(),
            temperature: (manner.takes_temperature && !is_newer).then_some(temperature),
            max_tokens: settings.max_tokens,
            thinking: asked.or(least.map(str::to_owned)),
            effort,
            cache_ttl: given("cache_ttl").filter(|ttl| ttl != "5m"),
            omitted: Omitted::new(extra.texts("omit")),
        }
    }

    /// The body for a conversation.
    pub(super) fn body(&self, request: &LlmRequest, keepsakes: &Keepsakes) -> Value {
        let omitted = self.omitted.fields();
        let caches = request.cache_key.as_ref().filter(|_| !omitted.contains("cache_control"));
        let conversation = Conversation::of(&request.messages);
        let mut body = Map::new();
        body.insert("model".into(), self.model.clone().into());
        body.insert("max_tokens".into(), self.max_tokens.into());
        body.insert("stream".into(), true.into());
        if !request.tools.is_empty() {
            body.insert("tools".into(), request.tools.iter().map(tool).collect());
            body.insert("tool_choice".into(), json!({"type": "auto"}));
        }
        if !conversation.system.trim().is_empty() {
            body.insert("system".into(), self.system(conversation.system, caches));
        }
        let mut messages: Vec<Value> =
            conversation.turns.iter().map(|turn| message(turn, keepsakes)).collect();
        if caches.is_some()
            && let Some(block) =
                messages.last_mut().and_then(|last| last["content"].as_array_mut()?.last_mut())
        {
            // The next turn begins with all of this one.
            block["cache_control"] = self.breakpoint();
        }
        body.insert("messages".into(), messages.into());
        if let Some(temperature) = self.temperature {
            body.insert("temperature".into(), temperature.into());
        }
        if let Some(thinking) = &self.thinking {
            body.insert("thinking".into(), json!({ "type": thinking }));
        }
        if let Some(effort) = &self.effort {
            body.insert("output_config".into(), json!({ "effort": effort }));
        }
        body.retain(|field, _| !omitted.contains(field));
        Value::Object(body)
    }

    /// The prompt, cut where the part ends that is the same for every caller: only that part is found again in other calls.
    fn system(&self, system: &str, caches: Option<&CacheKey>) -> Value {
        let (fixed, own) =
            caches.and_then(|key| system.split_at_checked(key.fixed_bytes)).unwrap_or(("", system));
        let mut blocks = Vec::new();
        if !fixed.trim().is_empty() {
            blocks.push(json!({"type": "text", "text": fixed, "cache_control": self.breakpoint()}));
        }
        if !own.trim().is_empty() {
            blocks.push(json!({"type": "text", "text": own}));
        }
        blocks.into()
    }

    fn breakpoint(&self) -> Value {
        match &self.cache_ttl {
            Some(ttl) => json!({"type": "ephemeral", "ttl": ttl}),
            None => json!({"type": "ephemeral"}),
        }
    }
}

/// How little a model can be made to think, by the vendor's pages of autumn 2026. A caller cannot wait for thoughts.
struct Manner {
    thinking: Option<&'static str>,
    effort: Option<&'static str>,
    takes_temperature: bool,
}

impl Manner {
    fn of(model: &str) -> Self {
        let is = |family: &str| model.starts_with(family);
        // Of a model that is not known nothing is asked.
        let (thinking, effort) = match model {
            _ if is("claude-haiku-5") || model == "claude-sonnet-5" => (Some("disabled"), Some("low")),
            _ if is("claude-sonnet-5-5") => (Some("between_tools"), Some("low")),
            _ if is("claude-opus-5") => (None, Some("low")),
            _ => (None, None),
        };
        let older = ["claude-haiku-4", "claude-sonnet-4", "claude-opus-4-5", "claude-opus-4-6", "claude-3"];
        let takes_temperature = older.into_iter().any(is) || !is("claude-");
        Self { thinking, effort, takes_temperature }
    }
}

fn message(turn: &Turn<'_>, keepsakes: &Keepsakes) -> Value {
    let role = match turn.speaker {
        Speaker::Caller => "user",
        Speaker::Bot => "assistant",
    };
    let calls = turn.parts.iter().position(|part| matches!(part, Part::Called(_)));
    let (said, called) = turn.parts.split_at(calls.unwrap_or(turn.parts.len()));
    let (first, later) = thoughts(called.first(), keepsakes);
    let blocks = first.into_iter().chain(said.iter().map(block)).chain(later).chain(called.iter().map(block));
    json!({"role": role, "content": blocks.collect::<Vec<_>>()})
}

/// What the model thought before it spoke and after, of a turn whose first call this is: it wants that back unchanged, and in its place.
fn thoughts(first: Option<&Part<'_>>, keepsakes: &Keepsakes) -> (Vec<Value>, Vec<Value>) {
    let Some(Part::Called(call)) = first else { return (Vec::new(), Vec::new()) };
    let Some(Value::Array(mut thoughts)) = keepsakes.find(&call.id) else { return (Vec::new(), Vec::new()) };
    match thoughts.iter().position(Value::is_null) {
        Some(words) => {
            let later = thoughts.split_off(words + 1);
            thoughts.pop();
            (thoughts, later)
        }
        None => (thoughts, Vec::new()),
    }
}

fn block(part: &Part<'_>) -> Value {
    match part {
        Part::Said(text) => json!({"type": "text", "text": text}),
        Part::Called(call) => {
            json!({"type": "tool_use", "id": id(call), "name": plain(&call.name, "tool"), "input": object(&call.arguments)})
        }
        Part::Answered(call, text) => {
            json!({"type": "tool_result", "tool_use_id": id(call), "content": text})
        }
    }
}

fn id(call: &ToolCall) -> String {
    plain(&call.id, "call")
}

fn tool(tool: &ToolSpec) -> Value {
    let mut schema = schema(&tool.parameters);
    schema["type"] = "object".into();
    json!({"name": tool.name, "description": tool.description, "input_schema": schema})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::llm::{Message, Role};

    fn body(model: &str, extra: Value, request: &LlmRequest) -> Value {
        let settings = LlmSettings {
            model: model.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..LlmSettings::default()
        };
        let extra = Extra::new(&ANTHROPIC, &settings.extra).unwrap();
        Template::new(&settings, &extra).body(request, &Keepsakes::default())
    }

    fn request() -> LlmRequest {
        let call = ToolCall { id: "call.1".into(), name: "f".into(), arguments: json!({"a": 1}) };
        let mut assistant = Message::text(Role::Assistant, "");
        assistant.tool_calls = vec![call];
        let mut answer = Message::text(Role::Tool, "{}");
        answer.tool_call_id = Some("call.1".into());
        let fixed = "Be kind.";
        LlmRequest {
            messages: vec![
                Message::text(Role::System, format!("{fixed}\n\nTalk to Asha.")),
                Message::text(Role::User, "u"),
                assistant,
                answer,
            ],
            tools: vec![ToolSpec { name: "f".into(), description: "d".into(), parameters: Value::Null }],
            cache_key: Some(CacheKey { name: "k".into(), fixed_bytes: fixed.len() }),
        }
    }

    #[test]
    fn the_whole_body() {
        let kept = json!({"type": "ephemeral"});
        let expected = json!({
            "model": "claude-haiku-5-5", "max_tokens": 256, "stream": true,
            "system": [
                {"type": "text", "text": "Be kind.", "cache_control": kept},
                {"type": "text", "text": "\n\nTalk to Asha."}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "{}", "cache_control": kept}]}],
            "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}}],
            "tool_choice": {"type": "auto"},
            "thinking": {"type": "disabled"}, "output_config": {"effort": "low"}});
        assert_eq!(body("", json!({}), &request()), expected);
    }

    #[test]
    fn what_may_not_be_kept_has_no_breakpoint() {
        let plain = LlmRequest { cache_key: None, ..request() };
        assert!(!body("", json!({}), &plain).to_string().contains("cache_control"));
        assert!(
            !body("", json!({"omit": ["cache_control"]}), &request()).to_string().contains("cache_control")
        );
        let long = body("", json!({"cache_ttl": "1h"}), &request()).to_string();
        assert_eq!(long.matches(r#""ttl":"1h""#).count(), 2, "{long}");
    }

    #[test]
    fn models_are_told_to_think_least() {
        let check = |model: &str, extra: Value, thinking: Value, effort: Value, temperature: Value| {
            let body = body(model, extra, &request());
            let found = (&body["thinking"]["type"], &body["output_config"]["effort"], &body["temperature"]);
            assert_eq!(found, (&thinking, &effort, &temperature), "{model}");
        };
        let none = || Value::Null;
        check("claude-haiku-5-5", json!({}), json!("disabled"), json!("low"), none());
        check("claude-haiku-5-5", json!({"effort": "max"}), none(), json!("max"), none());
        check("claude-haiku-5-5", json!({"thinking": "adaptive"}), json!("adaptive"), json!("low"), none());
        check("claude-sonnet-5-5", json!({}), json!("between_tools"), json!("low"), none());
        check("claude-opus-5-5", json!({}), none(), json!("low"), none());
        check("claude-haiku-4-5", json!({}), none(), none(), json!(0.7));
        check("claude-haiku-4-5", json!({"version": "2026-10-21"}), none(), none(), none());
        check("my-own-model", json!({}), none(), none(), json!(0.7));
    }

    #[test]
    fn thoughts_go_back_with_the_results() {
        let settings = LlmSettings::default();
        let keepsakes = Keepsakes::default();
        let thought = json!({"type": "thinking", "thinking": "Hm.", "signature": "s"});
        keepsakes.keep("call.1", json!([thought]));
        let template = Template::new(&settings, &Extra::new(&ANTHROPIC, &settings.extra).unwrap());
        let body = template.body(&request(), &keepsakes);
        let content = &body["messages"][1]["content"];
        assert_eq!((&content[0], &content[1]["type"]), (&thought, &json!("tool_use")));
        keepsakes.keep("call.1", json!([thought, null, thought]));
        let mut spoke = request();
        spoke
            .messages
            .iter_mut()
            .filter(|m| m.role == Role::Assistant)
            .for_each(|m| m.text = "One moment.".into());
        let body = template.body(&spoke, &keepsakes);
        let blocks = body["messages"][1]["content"].as_array().unwrap();
        let kinds: Vec<&str> = blocks.iter().take(4).map(|block| block["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["thinking", "text", "thinking", "tool_use"]);
    }
}
