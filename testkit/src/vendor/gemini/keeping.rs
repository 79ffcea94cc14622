//! Requests about prompts that are to be kept: what they say, or the sentence that the vendor refuses them with.

use serde_json::{Map, Value};

use super::{
    answer::CHARS_PER_TOKEN,
    kept::Prompt,
    refusal::Refusal,
    request::{check_contents, check_system, check_tools, only},
    spelling::read,
};

const FIELDS: &[&str] = &[
    "model",
    "displayName",
    "systemInstruction",
    "contents",
    "tools",
    "toolConfig",
    "ttl",
    "expireTime",
    "kmsKeyName",
];
/// Shortest and usual life, seconds.
const LIFE_MIN: i64 = 60;
const LIFE: i64 = 3600;
const TITLE_CHARS_MAX: usize = 128;

/// The prompt that a request wants kept. One of fewer tokens than `least` is refused; `models` are the names that may be asked for.
///
/// # Errors
/// The vendor's refusal.
pub(crate) fn prompt(
    body: &[u8],
    (models, least): (&[String], usize),
    second: i64,
) -> Result<Prompt, Refusal> {
    let fields = read(body)?;
    only(&fields, FIELDS, "cached_content")?;
    let model = text(&fields, "model");
    if !models.iter().any(|known| known == model) {
        let message = format!(
            "{model} is not found for API version v1beta, or is not supported for createCachedContent."
        );
        return Err(Refusal::not_found(message));
    }
    let title = text(&fields, "displayName");
    if title.chars().count() > TITLE_CHARS_MAX {
        return Err(Refusal::invalid("display_name must be at most 128 characters."));
    }
    check_system(&fields)?;
    let tools = check_tools(&fields)?;
    if fields.contains_key("contents") {
        let said = check_contents(&fields, false)?;
        if said.ends_with_model {
            return Err(Refusal::invalid("CachedContent contents must not end with a model turn."));
        }
    } else if !fields.contains_key("systemInstruction") {
        return Err(Refusal::invalid("CachedContent needs contents or system_instruction."));
    }
    let kept = ["systemInstruction", "contents", "tools"].iter().filter_map(|name| fields.get(*name));
    let letters: usize = kept.map(|value| value.to_string().chars().count()).sum();
    let tokens = letters.div_ceil(CHARS_PER_TOKEN);
    if tokens < least {
        return Err(Refusal::invalid(format!(
            "Cached content is too small. total_token_count={tokens}, min_total_token_count={least}"
        )));
    }
    let until = second + life(&fields)?;
    Ok(Prompt { model: model.to_owned(), title: title.to_owned(), tools, tokens, until })
}

/// The second at which a prompt is to end that a request gives another end.
///
/// # Errors
/// The vendor's refusal.
pub(crate) fn new_end(query: &str, body: &[u8], second: i64) -> Result<i64, Refusal> {
    let fields = read(body)?;
    only(&fields, &["ttl", "expireTime"], "cached_content")?;
    let mask = query.split('&').find_map(|pair| pair.strip_prefix("updateMask="));
    if mask.is_some_and(|mask| mask != "ttl") {
        return Err(Refusal::invalid("Only ttl and expire_time can be updated."));
    }
    Ok(second + life(&fields)?)
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// How long it is to live, seconds.
fn life(fields: &Map<String, Value>) -> Result<i64, Refusal> {
    if fields.contains_key("expireTime") {
        return Err(Refusal::invalid("This scripted server only takes a ttl, no expire_time."));
    }
    let Some(ttl) = fields.get("ttl") else { return Ok(LIFE) };
    let number = ttl.as_str().and_then(|ttl| ttl.strip_suffix('s'));
    match number.and_then(|number| number.parse::<f64>().ok()) {
        Some(seconds) if seconds >= LIFE_MIN as f64 => Ok(seconds as i64),
        Some(_) => Err(Refusal::invalid("CachedContent ttl must be at least 60 seconds.")),
        None => Err(Refusal::invalid(format!("Invalid value at 'cached_content.ttl' (Duration): {ttl}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::kept::Kept;
    use super::*;

    const MODEL: &str = "models/gemini-3.5-flash-lite";

    fn asked(extra: Value) -> Result<Prompt, Refusal> {
        let system = json!({"parts": [{"text": "be kind ".repeat(100)}]});
        let mut body = json!({"model": MODEL, "systemInstruction": system});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        prompt(body.to_string().as_bytes(), (&[MODEL.to_owned()], 100), 1_000)
    }

    fn check_refused(extra: Value, because: &str) {
        let refusal = asked(extra).unwrap_err();
        assert!(refusal.message.contains(because), "{}", refusal.message);
    }

    #[test]
    fn a_prompt_lives_as_long_as_was_asked_for() {
        let kept = Kept::default();
        let tools = json!([{"functionDeclarations": [{"name": "f"}]}]);
        let prompt = asked(json!({"ttl": "60s", "displayName": "bot", "tools": tools})).unwrap();
        assert_eq!(prompt.tools, ["f"]);
        assert!(prompt.tokens > 200, "{}", prompt.tokens);
        let told = kept.put("cachedContents/1", prompt);
        assert_eq!(
            (&told["name"], &told["displayName"], &told["expireTime"]),
            (&json!("cachedContents/1"), &json!("bot"), &json!("1970-01-01T00:17:40Z"))
        );
        let mut found = kept.find("cachedContents/1", 1_059).unwrap();
        assert_eq!(kept.find("cachedContents/1", 1_060).unwrap_err().code, 403);
        found.until = new_end("updateMask=ttl", br#"{"ttl":"120s"}"#, 1_050).unwrap();
        kept.put("cachedContents/1", found);
        assert!(kept.find("cachedContents/1", 1_169).is_ok());
        kept.delete("cachedContents/1", 1_100).unwrap();
        assert_eq!(kept.delete("cachedContents/1", 1_100).unwrap_err().code, 403);
    }

    #[test]
    fn what_the_vendor_does_not_keep_is_refused() {
        check_refused(json!({"ttl": "59s"}), "at least 60 seconds");
        check_refused(json!({"ttl": 60}), "cached_content.ttl");
        check_refused(
            json!({"systemInstruction": {"parts": [{"text": "short"}]}}),
            "min_total_token_count=100",
        );
        check_refused(json!({"model": "gemini-3.5-flash-lite"}), "is not found");
        check_refused(json!({"generationConfig": {}}), "Unknown name \"generationConfig\"");
        check_refused(json!({"displayName": "x".repeat(129)}), "at most 128");
        let says = |role: &str| json!({"role": role, "parts": [{"text": "a"}]});
        check_refused(json!({"contents": [says("user"), says("model")]}), "must not end with a model turn");
        assert!(
            new_end("updateMask=model", b"{}", 0).is_err() && new_end("", br#"{"tools":[]}"#, 0).is_err()
        );
    }
}
