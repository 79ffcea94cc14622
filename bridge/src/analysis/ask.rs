//! One question to one model, by Chat Completions, answered in one piece with one JSON object.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use url::Url;
use vox_egress::chat::{self, Address, Thinking};
use vox_egress::{Egress, Failure, FailureClass, http_failure, secret_header};
use vox_shared::catalogue::{OPENAI, OPENAI_OPTIONAL_FIELDS};
use vox_shared::egress::HostRules;
use vox_shared::json::is_deeper_than;
use vox_shared::model::bot::LlmSettings;

use crate::billing::cost::Quantities;

/// From the connection to the last byte of the answer, all that a server makes us learn on the way included.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Longest body of an answer, bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest object that is kept of it, bytes of JSON.
pub const MAX_OBJECT_BYTES: usize = 64 * 1024;
/// Deepest one, levels.
const MAX_DEPTH: usize = 32;
/// Longest answer that a model is asked for, tokens; what a bot says in a call is far shorter, so its own limit does not count here.
pub const MAX_TOKENS: u32 = 4_000;
/// Where the form of the answer is asked for. Not every compatible server knows it, and without it a good model gives JSON as well.
const RESPONSE_FORMAT: &str = "response_format";

/// The form of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Any object.
    Object,
    Schema {
        name: &'static str,
        schema: Value,
        strict: bool,
    },
}

/// A question.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub instructions: String,
    /// What the question is about, in a message of its own.
    pub material: String,
    pub form: Form,
}

/// What a model answered, or why it did not; what it was used for counts in both cases.
#[derive(Debug)]
pub struct Reply {
    pub answer: Result<Map<String, Value>, Failure>,
    pub used: Quantities,
    /// The vendor's name and the model's.
    pub by: (&'static str, String),
}

/// Ask a model, which has so long to answer; at an address of the tenant's own only within the tenant's egress rules.
pub async fn ask(
    through: (&Egress, &HostRules),
    settings: &LlmSettings,
    prompt: &Prompt,
    deadline: Duration,
) -> Reply {
    let model = if settings.model.is_empty() { OPENAI.model } else { &settings.model };
    let mut used = Quantities::default();
    let answer = match Client::new(through, settings, model) {
        Ok(mut client) => match timeout(deadline, client.exchange(prompt)).await {
            Ok(Ok(body)) => {
                used = usage(&body["usage"]);
                object(&body)
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(late(deadline)),
        },
        Err(failure) => Err(failure),
    };
    Reply { answer, used, by: (OPENAI.name, model.to_owned()) }
}

struct Client<'a> {
    egress: &'a Egress,
    /// Of the tenant, where the address is its own.
    rules: Option<&'a HostRules>,
    settings: &'a LlmSettings,
    model: &'a str,
    address: Address,
    /// Fields that the server refused, or that the operator leaves out.
    omitted: BTreeSet<String>,
    /// The server knows JSON and no schemas.
    no_schema: bool,
}

impl<'a> Client<'a> {
    fn new(
        (egress, rules): (&'a Egress, &'a HostRules),
        settings: &'a LlmSettings,
        model: &'a str,
    ) -> Result<Self, Failure> {
        let refused = |detail: String| Failure::new(FailureClass::Refused, detail);
        if settings.provider != OPENAI.name {
            return Err(refused(format!(
                "this version cannot ask `{}` about calls; give the bot a fallback of `{}`",
                settings.provider, OPENAI.name
            )));
        }
        if let Some(fault) = OPENAI.setting_faults(&settings.extra).into_iter().next() {
            return Err(refused(format!("{}: {} {}", OPENAI.name, fault.field, fault.message)));
        }
        if let Some(fault) = OPENAI.key_fault(settings.api_key.expose(), &settings.extra) {
            return Err(Failure::new(FailureClass::Unauthorised, fault));
        }
        let own = settings.extra.get("base_url").and_then(Value::as_str).map(str::trim);
        let own = own.filter(|url| !url.is_empty());
        let base = Url::parse(own.unwrap_or(OPENAI.home));
        let base = base.map_err(|_| refused("extra.base_url is no address".into()))?;
        let omit = settings.extra.get("omit").and_then(Value::as_array).into_iter().flatten();
        let omitted = omit.filter_map(Value::as_str).map(str::to_owned).collect();
        let rules = own.map(|_| rules);
        Ok(Self { egress, rules, settings, model, address: Address::new(base), omitted, no_schema: false })
    }

    /// Ask. When the server names a field that it does not know, ask again without it, when it has no such route, ask below `/v1`. The
    /// body that is answered is JSON.
    async fn exchange(&mut self, prompt: &Prompt) -> Result<Value, Failure> {
        let optional: Vec<&str> = OPENAI_OPTIONAL_FIELDS.iter().copied().chain([RESPONSE_FORMAT]).collect();
        loop {
            let body = self.body(prompt);
            let url = self.address.route(&["chat", "completions"]);
            let sending = self.request(url.clone())?.json(&body).send();
            let response = sending.await.map_err(http_failure)?;
            if response.status().is_success() {
                let text = read(response).await?;
                match serde_json::from_slice(&text) {
                    Ok(body) => return Ok(body),
                    // A gateway's page: the route is elsewhere.
                    Err(_) if text.trim_ascii_start().starts_with(b"<") && self.address.turn(&url) => {
                        continue;
                    }
                    Err(_) => return Err(malformed("the answer is no JSON")),
                }
            }
            let refusal = chat::read_refusal(response).await;
            let learnt = chat::unknown_field(&refusal, &body, &optional)
                .is_some_and(|field| self.learn(field, prompt));
            let turned = chat::has_no_route(&refusal) && self.address.turn(&url);
            if !learnt && !turned {
                return Err(chat::http_refusal(OPENAI.name, &refusal));
            }
        }
    }

    /// The server refuses a field; false when there is nothing to be done about it.
    fn learn(&mut self, field: &str, prompt: &Prompt) -> bool {
        if field == RESPONSE_FORMAT && !self.no_schema && matches!(prompt.form, Form::Schema { .. }) {
            self.no_schema = true;
            return true;
        }
        self.omitted.insert(field.to_owned())
    }

    fn body(&self, prompt: &Prompt) -> Value {
        let text = |name: &str| {
            let value = self.settings.extra.get(name).and_then(Value::as_str);
            value.filter(|value| !value.is_empty())
        };
        let asked = text("reasoning_effort");
        let thinking = Thinking::of(self.model, asked);
        let legacy = self.settings.extra.get("legacy_max_tokens").and_then(Value::as_bool).unwrap_or(false)
            || self.omitted.contains("max_completion_tokens");
        let longest = if legacy { "max_tokens" } else { "max_completion_tokens" };
        let mut body = json!({
            "model": self.model,
            "messages": [
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.material},
            ],
            longest: MAX_TOKENS,
            RESPONSE_FORMAT: self.response_format(&prompt.form),
            "store": false,
        });
        let effort = asked.or(thinking.effort).map(Value::from);
        let same = |name: &str| text(name).map(Value::from);
        let temperature = thinking.takes_temperature.then(|| 0.into());
        let more = [
            ("temperature", temperature),
            ("reasoning_effort", effort),
            ("verbosity", same("verbosity")),
            ("service_tier", same("service_tier")),
        ];
        if let Value::Object(fields) = &mut body {
            fields.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            fields.retain(|name, _| !self.omitted.contains(name));
        }
        body
    }

    fn response_format(&self, form: &Form) -> Value {
        match form {
            Form::Schema { name, schema, strict } if !self.no_schema => {
                json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}})
            }
            _ => json!({"type": "json_object"}),
        }
    }

    fn request(&self, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        let request = match self.rules {
            Some(rules) => self.egress.request_under(rules, Method::POST, url)?,
            None => self.egress.request(Method::POST, url)?,
        };
        let key = self.settings.api_key.expose().trim();
        if key.is_empty() {
            return Ok(request);
        }
        Ok(request.header(AUTHORIZATION, secret_header(OPENAI.name, &format!("Bearer {key}"))?))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(http_failure)? {
        if body.len() + piece.len() > MAX_BODY_BYTES {
            return Err(malformed(&format!("the answer is longer than {MAX_BODY_BYTES} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn late(deadline: Duration) -> Failure {
    let detail = format!("{}: no whole answer within {} s", OPENAI.name, deadline.as_secs_f64());
    Failure::new(FailureClass::TimedOut, detail)
}

fn malformed(what: &str) -> Failure {
    Failure::new(FailureClass::Malformed, format!("{}: {what}", OPENAI.name))
}

/// The object in the first choice.
fn object(body: &Value) -> Result<Map<String, Value>, Failure> {
    let choice = &body["choices"][0];
    let message = &choice["message"];
    if choice["finish_reason"] == "content_filter"
        || message["refusal"].as_str().is_some_and(|text| !text.is_empty())
    {
        return Err(Failure::new(
            FailureClass::Refused,
            format!("{}: the model declined to answer", OPENAI.name),
        ));
    }
    if matches!(choice["finish_reason"].as_str(), Some("length" | "max_tokens")) {
        return Err(malformed(&format!("the answer was cut at {MAX_TOKENS} tokens")));
    }
    let text = content(&message["content"]);
    if text.trim().is_empty() {
        return Err(malformed("the answer is empty"));
    }
    // A NUL is no text for every store.
    let text = bare(&text).replace("\\u0000", "\\ufffd");
    if is_deeper_than(text.as_bytes(), MAX_DEPTH) {
        return Err(malformed(&format!("the object nests deeper than {MAX_DEPTH} levels")));
    }
    let value: Value = serde_json::from_str(&text).map_err(|_| malformed("the model's text is no JSON"))?;
    let Value::Object(object) = value else { return Err(malformed("the model's text is no JSON object")) };
    if text.len() > MAX_OBJECT_BYTES {
        return Err(malformed(&format!("the object is longer than {MAX_OBJECT_BYTES} bytes")));
    }
    Ok(object)
}

/// Text, or parts of which those of text count.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The object without the fence and the sentence that models put around it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    match (text.find('{'), text.rfind('}')) {
        (Some(begin), Some(end)) if begin < end => &text[begin..=end],
        _ => text,
    }
}

/// What the vendor counted; one that counts nothing was still asked.
fn usage(value: &Value) -> Quantities {
    const MOST: u64 = 10_000_000_000;
    let count = |value: &Value| i64::try_from(value.as_u64().unwrap_or(0).min(MOST)).unwrap_or(0);
    let tokens_in = count(&value["prompt_tokens"]);
    let of_input = |name: &str| count(&value["prompt_tokens_details"][name]);
    let tokens_cached = of_input("cached_tokens").min(tokens_in);
    Quantities {
        tokens_in,
        tokens_out: count(&value["completion_tokens"]),
        tokens_cached,
        tokens_cache_write: of_input("cache_write_tokens").min(tokens_in - tokens_cached),
        requests: 1,
        ..Quantities::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: Value, finish: &str, expected: Result<Value, &str>) {
        let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}]});
        match (object(&body), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(Value::Object(found), expected),
            (Err(failure), Err(part)) => assert!(failure.detail.contains(part), "{failure}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn an_object_is_found_in_what_models_write_around_it() {
        let say = |text: &str| json!({"role": "assistant", "content": text});
        check(say("{\"a\": 1}"), "stop", Ok(json!({"a": 1})));
        check(say("```json\n{\"a\": {\"b\": 2}}\n```"), "stop", Ok(json!({"a": {"b": 2}})));
        check(say("Here it is: {\"a\": \"x\\u0000y\"} Done."), "stop", Ok(json!({"a": "x\u{fffd}y"})));
        check(
            json!({"content": [{"type": "text", "text": "{\"a\":"}, {"text": "1}"}]}),
            "stop",
            Ok(json!({"a": 1})),
        );
    }

    #[test]
    fn what_is_no_object_is_told() {
        let say = |text: &str| json!({"role": "assistant", "content": text});
        check(say("[1]"), "stop", Err("no JSON object"));
        check(say("I cannot tell."), "stop", Err("no JSON"));
        check(say("{\"a\": 1}"), "length", Err("cut at"));
        check(say(""), "stop", Err("empty"));
        check(json!({"content": null, "refusal": "no"}), "stop", Err("declined"));
        check(say("x"), "content_filter", Err("declined"));
        check(say(&format!("{{\"a\": \"{}\"}}", "x".repeat(70_000))), "stop", Err("longer than"));
        check(say(&format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40))), "stop", Err("deeper than"));
        assert!(object(&json!({"error": {"message": "x"}})).is_err());
    }

    #[test]
    fn usage_that_makes_no_sense_is_none_or_the_most() {
        let of = |value: Value| {
            let used = usage(&value);
            (used.tokens_in, used.tokens_out, used.tokens_cached, used.requests)
        };
        let cached = json!({"cached_tokens": 999});
        assert_eq!(
            of(json!({"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": cached})),
            (10, 2, 10, 1)
        );
        assert_eq!(
            of(json!({"prompt_tokens": u64::MAX, "completion_tokens": -4})),
            (10_000_000_000, 0, 0, 1)
        );
        assert_eq!(of(Value::Null), (0, 0, 0, 1));
    }
}
