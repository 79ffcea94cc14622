//! The body of a request.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vox_shared::catalogue::Vendor;
use vox_shared::model::bot::LlmSettings;

use super::codec::echo;
use crate::provider::extra::Extra;
use crate::provider::llm::calls::{object, plain};
use crate::provider::llm::keepsakes::Keepsakes;
use crate::provider::llm::omitted::Omitted;
use crate::provider::llm::turns::{Conversation, Part, Speaker, Turn};
use crate::provider::llm::{LlmRequest, Role, ToolSpec};

/// How long a prompt is kept unless `extra.cache_minutes` says otherwise, and the shortest that the vendor takes.
const KEPT_MINUTES: f64 = 60.0;
const KEPT_LEAST: Duration = Duration::from_secs(60);
/// The one field that some model refuses and a reply does not depend on.
pub(super) const THINKING: &str = "thinkingConfig";
/// What the threshold of `extra.safety` is for.
const CATEGORIES: [&str; 4] = [
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
];
/// The vendor's own word for a call whose signature is not known: the conversation was another model's before.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// All of a request that does not change from turn to turn.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) model: String,
    generation: Map<String, Value>,
    thinking: Option<Value>,
    safety: Option<Value>,
    /// Whether the model signs its calls.
    signs: bool,
    /// How long a prompt is kept at a time; `None` where the vendor is to keep none.
    pub(super) kept_for: Option<Duration>,
    pub(super) omitted: Omitted,
}

impl Template {
    pub(super) fn new(vendor: &Vendor, settings: &LlmSettings, extra: &Extra<'_>) -> Self {
        let model = if settings.model.is_empty() { vendor.model } else { &settings.model };
        let model = model.strip_prefix("models/").unwrap_or(model).to_owned();
        let mut generation = Map::new();
        // In single precision 0.7 would be sent as 0.699999988079071.
        let temperature = (f64::from(settings.temperature) * 100.0).round() / 100.0;
        generation.insert("temperature".into(), temperature.into());
        generation.insert("maxOutputTokens".into(), settings.max_tokens.into());
        let level = extra.text("thinking_level").filter(|level| !level.is_empty());
        let thinking = match (level, extra.number("thinking_budget")) {
            (Some(level), _) => Some(json!({"thinkingLevel": level.to_ascii_uppercase()})),
            (None, Some(budget)) => Some(json!({"thinkingBudget": budget as i64})),
            (None, None) => least_thinking(&model),
        };
        let safety = extra.text("safety").filter(|threshold| !threshold.is_empty()).map(|threshold| {
            CATEGORIES.iter().map(|category| json!({"category": category, "threshold": threshold})).collect()
        });
        let signs = model.starts_with("gemini-") && !model.starts_with("gemini-2");
        let minutes = extra.number("cache_minutes").unwrap_or(KEPT_MINUTES);
        let kept_for = (minutes > 0.0).then(|| Duration::from_secs_f64(minutes * 60.0).max(KEPT_LEAST));
        Self { model, generation, thinking, safety, signs, kept_for, omitted: Omitted::default() }
    }

    /// The fields of a request that are the same for every caller, if the vendor may keep them.
    pub(super) fn prompt(&self, request: &LlmRequest) -> Option<Value> {
        self.kept_for?;
        let (fixed, _) = parts(request)?;
        let mut prompt = json!({"systemInstruction": system(fixed)});
        if let Some(tools) = tools(request) {
            prompt["tools"] = tools;
        }
        Some(prompt)
    }

    /// The body for a conversation; `kept` is the vendor's name of its [`Self::prompt`], which is left out then.
    pub(super) fn body(&self, request: &LlmRequest, keepsakes: &Keepsakes, kept: Option<&str>) -> Value {
        let mut conversation = Conversation::of(&request.messages);
        let mut body = Map::new();
        match kept {
            Some(name) => {
                body.insert("cachedContent".into(), name.into());
                // Beside a prompt that is kept no other stands: what is for this caller goes before what was said.
                if let Some((_, own)) = parts(request)
                    && !own.trim().is_empty()
                {
                    conversation.begin_with_note(own.trim());
                }
            }
            None => {
                if !conversation.system.trim().is_empty() {
                    body.insert("systemInstruction".into(), system(conversation.system));
                }
                if let Some(tools) = tools(request) {
                    body.insert("tools".into(), tools);
                }
            }
        }
        let contents = conversation.turns.iter().map(|turn| self.content(turn, keepsakes));
        body.insert("contents".into(), contents.collect());
        let mut generation = self.generation.clone();
        if let Some(thinking) = &self.thinking
            && !self.omitted.fields().contains(THINKING)
        {
            generation.insert(THINKING.into(), thinking.clone());
        }
        body.insert("generationConfig".into(), Value::Object(generation));
        if let Some(safety) = &self.safety {
            body.insert("safetySettings".into(), safety.clone());
        }
        Value::Object(body)
    }

    fn content(&self, turn: &Turn<'_>, keepsakes: &Keepsakes) -> Value {
        let role = match turn.speaker {
            Speaker::Caller => "user",
            Speaker::Bot => "model",
        };
        let mut parts: Vec<Value> = turn.parts.iter().map(|part| self::part(part, keepsakes)).collect();
        let is_signed = parts.iter().any(|part| part.get("thoughtSignature").is_some());
        if self.signs
            && !is_signed
            && let Some(first) = parts.iter_mut().find(|part| part.get("functionCall").is_some())
        {
            // Of calls side by side the first is signed.
            first["thoughtSignature"] = UNSIGNED.into();
        }
        json!({"role": role, "parts": parts})
    }
}

/// The least that a model can be made to think, by the vendor's pages of autumn 2026. A caller cannot wait for thoughts.
fn least_thinking(model: &str) -> Option<Value> {
    let is = |family: &str| model.starts_with(family);
    let level = |level: &str| Some(json!({ "thinkingLevel": level }));
    match model {
        _ if is("gemini-2.5-flash") => Some(json!({"thinkingBudget": 0})),
        _ if is("gemini-2.5-pro") => Some(json!({"thinkingBudget": 128})),
        _ if is("gemini-3.7-flash") || is("gemini-3.8-flash") => level("LOW"),
        _ if is("gemini-3") && model.contains("-flash") => level("MINIMAL"),
        _ if is("gemini-3") || is("gemini-4") => level("LOW"),
        // Of a model that is not known nothing is asked.
        _ => None,
    }
}

/// The prompt in two parts: what is the same for every caller, and what is not.
fn parts(request: &LlmRequest) -> Option<(&str, &str)> {
    let key = request.cache_key.as_ref()?;
    let prompt = request.messages.first().filter(|first| first.role == Role::System)?;
    let parts = prompt.text.split_at_checked(key.fixed_bytes)?;
    (!parts.0.trim().is_empty()).then_some(parts)
}

fn system(text: &str) -> Value {
    json!({"parts": [{ "text": text }]})
}

fn tools(request: &LlmRequest) -> Option<Value> {
    let declared: Value = request.tools.iter().map(declaration).collect();
    (!request.tools.is_empty()).then(|| json!([{ "functionDeclarations": declared }]))
}

fn part(part: &Part<'_>, keepsakes: &Keepsakes) -> Value {
    match part {
        Part::Said(text) => json!({ "text": text }),
        Part::Called(call) => {
            let kept = keepsakes.find(&call.id).unwrap_or_default();
            let (id, signature) = echo(&kept);
            let mut function = json!({"name": name(&call.name), "args": object(&call.arguments)});
            set(&mut function, "id", id);
            let mut part = json!({ "functionCall": function });
            set(&mut part, "thoughtSignature", signature);
            part
        }
        Part::Answered(call, text) => {
            let kept = keepsakes.find(&call.id).unwrap_or_default();
            let mut function = json!({"name": name(&call.name), "response": response(text)});
            set(&mut function, "id", echo(&kept).0);
            json!({ "functionResponse": function })
        }
    }
}

fn set(object: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        object[field] = value.into();
    }
}

/// A tool's answer as an object, which is all that the vendor takes.
fn response(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(whole @ Value::Object(_)) => whole,
        _ => json!({ "result": text }),
    }
}

/// A name begins with a letter or `_` here.
fn name(invented: &str) -> String {
    let name = plain(invented, "tool");
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return name;
    }
    format!("_{}", &name[..name.len().min(63)])
}

fn declaration(tool: &ToolSpec) -> Value {
    let mut declared = json!({"name": tool.name, "description": tool.description});
    if let Value::Object(schema) = &tool.parameters
        && !schema.is_empty()
    {
        declared["parametersJsonSchema"] = tool.parameters.clone();
    }
    declared
}

#[cfg(test)]
mod tests {
    use vox_shared::catalogue::GEMINI;

    use super::*;
    use crate::provider::llm::{CacheKey, Message, Role, ToolCall};

    fn body(model: &str, extra: Value, keepsakes: &Keepsakes) -> Value {
        let settings = LlmSettings {
            model: model.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..LlmSettings::default()
        };
        let extra = Extra::new(&GEMINI, &settings.extra).unwrap();
        Template::new(&GEMINI, &settings, &extra).body(&request(), keepsakes, None)
    }

    fn request() -> LlmRequest {
        let call = |id: &str| ToolCall { id: id.into(), name: "f".into(), arguments: json!({"a": 1}) };
        let mut assistant = Message::text(Role::Assistant, "One moment.");
        assistant.tool_calls = vec![call("c1"), call("c2")];
        let answer = |id: &str, text: &str| {
            let mut answer = Message::text(Role::Tool, text);
            answer.tool_call_id = Some(id.into());
            answer
        };
        let tool = |name: &str, parameters: Value| ToolSpec {
            name: name.into(),
            description: "d".into(),
            parameters,
        };
        LlmRequest {
            messages: vec![
                Message::text(Role::System, "s"),
                Message::text(Role::User, "u"),
                assistant,
                answer("c1", "{\"ok\":true}"),
                answer("c2", "found"),
            ],
            tools: vec![tool("f", json!({"type": "object"})), tool("g", Value::Null)],
            cache_key: Some(CacheKey { name: "k".into(), fixed_bytes: 1 }),
        }
    }

    #[test]
    fn the_whole_body() {
        let keepsakes = Keepsakes::default();
        keepsakes.keep("c1", json!({"id": "c1", "signature": "c2ln"}));
        let expected = json!({
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "u"}]},
                {"role": "model", "parts": [
                    {"text": "One moment."},
                    {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "f", "args": {"a": 1}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"ok": true}}},
                    {"functionResponse": {"name": "f", "response": {"result": "found"}}}]}],
            "tools": [{"functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}},
                {"name": "g", "description": "d"}]}],
            "generationConfig": {"temperature": 0.7, "maxOutputTokens": 256, "thinkingConfig": {"thinkingLevel": "MINIMAL"}}});
        assert_eq!(body("", json!({}), &keepsakes), expected);
    }

    #[test]
    fn a_prompt_that_is_kept_stands_in_no_question() {
        let template = |extra: Value| {
            let settings =
                LlmSettings { extra: extra.as_object().cloned().unwrap(), ..LlmSettings::default() };
            Template::new(&GEMINI, &settings, &Extra::new(&GEMINI, &settings.extra).unwrap())
        };
        let mut request = request();
        request.messages[0].text = "Be kind.\n\nThe caller is Asha.".into();
        request.messages.insert(1, Message::text(Role::Assistant, "Hello."));
        let with = |fixed_bytes: usize| LlmRequest {
            cache_key: Some(CacheKey { name: "k".into(), fixed_bytes }),
            ..request.clone()
        };
        let usual = template(json!({}));
        let prompt = usual.prompt(&with(8)).unwrap();
        assert_eq!(prompt["systemInstruction"], json!({"parts": [{"text": "Be kind."}]}));
        assert_eq!(prompt["tools"][0]["functionDeclarations"].as_array().unwrap().len(), 2);
        let body = usual.body(&with(8), &Keepsakes::default(), Some("cachedContents/1"));
        assert_eq!(body["cachedContent"], "cachedContents/1");
        assert!(body.get("systemInstruction").is_none() && body.get("tools").is_none(), "{body}");
        let first = json!({"role": "user", "parts": [
            {"text": "[Note to you, not said by the caller: The caller is Asha.]"}, {"text": "(The call begins.)"}]});
        assert_eq!(body["contents"][0], first);
        assert_eq!(
            usual.body(&with(usize::MAX), &Keepsakes::default(), None)["systemInstruction"]["parts"][0]["text"],
            request.messages[0].text
        );
        for (unkept, why) in
            [(with(0), "no part is fixed"), (with(999), "the part is longer than the prompt")]
        {
            assert_eq!(usual.prompt(&unkept), None, "{why}");
        }
        assert_eq!(
            usual.prompt(&LlmRequest { cache_key: None, ..request.clone() }),
            None,
            "it may not be kept"
        );
        assert_eq!(template(json!({"cache_minutes": 0})).prompt(&with(8)), None, "the bot wants none kept");
        let kept_for = |extra: Value| template(extra).kept_for.map(|life| life.as_secs());
        assert_eq!(kept_for(json!({})), Some(3600));
        assert_eq!(kept_for(json!({"cache_minutes": 90})), Some(5400));
        assert_eq!(kept_for(json!({"cache_minutes": 0.5})), Some(60));
    }

    #[test]
    fn calls_of_another_model_say_that_they_are_not_signed() {
        let signatures = |model: &str| {
            let body = body(model, json!({}), &Keepsakes::default());
            let parts = body["contents"][1]["parts"].as_array().unwrap().clone();
            parts.iter().map(|part| part["thoughtSignature"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(signatures("gemini-3.8-flash"), [None, Some(UNSIGNED.to_owned()), None]);
        assert_eq!(signatures("gemini-2.5-flash"), [None, None, None]);
    }

    #[test]
    fn models_are_told_to_think_least() {
        let check = |model: &str, extra: Value, expected: Value| {
            let body = body(model, extra, &Keepsakes::default());
            assert_eq!(body["generationConfig"]["thinkingConfig"], expected, "{model}");
        };
        check("gemini-2.5-flash-lite", json!({}), json!({"thinkingBudget": 0}));
        check("models/gemini-2.5-pro", json!({}), json!({"thinkingBudget": 128}));
        check("gemini-3-flash-preview", json!({}), json!({"thinkingLevel": "MINIMAL"}));
        check("gemini-3.6-flash", json!({}), json!({"thinkingLevel": "MINIMAL"}));
        check("gemini-3.8-flash", json!({}), json!({"thinkingLevel": "LOW"}));
        check("gemini-3.1-pro-preview", json!({}), json!({"thinkingLevel": "LOW"}));
        check("gemini-3.8-flash", json!({"thinking_level": "high"}), json!({"thinkingLevel": "HIGH"}));
        check("gemini-2.5-flash", json!({"thinking_budget": -1}), json!({"thinkingBudget": -1}));
        check("my-own-model", json!({}), Value::Null);
    }

    #[test]
    fn names_begin_with_a_letter() {
        assert_eq!([name("end_call"), name("9 lives"), name("-")], ["end_call", "_9_lives", "_-"]);
        assert_eq!(name(&"9".repeat(80)).len(), 64);
    }

    #[test]
    fn a_safety_threshold_is_for_every_category() {
        let body = body("", json!({"safety": "BLOCK_ONLY_HIGH"}), &Keepsakes::default());
        assert_eq!(body["safetySettings"].as_array().unwrap().len(), 4);
        assert_eq!(body["safetySettings"][3]["threshold"], "BLOCK_ONLY_HIGH");
    }
}
