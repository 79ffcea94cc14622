//! Fields of carriers' JSON, read as they come: numbers as text and the other way round, and names in another spelling.

use serde_json::{Map, Value};
use vox_shared::json::is_deeper_than;

use super::line::Wire;
use super::untidy::Untidy;

/// What a carrier says of a call is stored inside other documents, which have a limit of their own.
const MAX_DEPTH: usize = 32;
/// Numbers up to this are whole in JSON's doubles.
const MAX_WHOLE: f64 = 9e15;

/// A message as text. Some senders put their JSON into binary frames.
pub fn text_in<'a>(message: Wire<'a>) -> Result<&'a str, Untidy> {
    match message {
        Wire::Text(text) => Ok(text),
        Wire::Binary(bytes) if bytes.trim_ascii_start().first() == Some(&b'{') => {
            std::str::from_utf8(bytes).map_err(|_| Untidy::Binary)
        }
        Wire::Binary(_) => Err(Untidy::Binary),
    }
}

/// A message as an object. A byte order mark before it and a zero behind it are no part of it.
pub fn object(text: &str) -> Result<Map<String, Value>, Untidy> {
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0');
    if is_deeper_than(text.as_bytes(), MAX_DEPTH) {
        return Err(Untidy::TooDeep);
    }
    serde_json::from_str(text).map_err(|_| Untidy::NotJson)
}

/// The field of this name; else one that differs in case, `_` or `-` only.
pub fn get<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| is_same(key, name)).map(|(_, value)| value))
}

/// A field that is an object.
pub fn inner<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    get(fields, name)?.as_object()
}

/// A field as text; an empty one counts as missing.
pub fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    text_of(get(fields, name)?)
}

/// A field as a whole number.
pub fn number(fields: &Map<String, Value>, name: &str) -> Option<u64> {
    let value: f64 = text(fields, name)?.trim().parse().ok()?;
    (value.fract() == 0.0 && (0.0..MAX_WHOLE).contains(&value)).then_some(value as u64)
}

/// The name of an event in its plainest form: small letters and digits. `hangup-call`, `hangupCall` and `HANGUP_CALL` are
/// one.
pub fn event_name(fields: &Map<String, Value>, name: &str) -> Result<String, Untidy> {
    let event = get(fields, name).and_then(Value::as_str).map(plain).unwrap_or_default();
    if event.is_empty() { Err(Untidy::NoEvent) } else { Ok(event) }
}

/// Small letters and digits of a word.
pub fn plain(word: &str) -> String {
    plain_chars(word).collect()
}

/// The keys of a `dtmf` message, however they are said: `digit` beside the event or in an object, as text or a number, or as
/// the value of `dtmf` itself; several at once are several keys.
pub fn keys(fields: &Map<String, Value>) -> Result<Vec<char>, Untidy> {
    let said = inner(fields, "dtmf").or(inner(fields, "digit")).unwrap_or(fields);
    let value = ["digit", "digits", "dtmf"].iter().find_map(|name| text(said, name));
    let keys: Vec<char> =
        value.iter().flat_map(|text| text.trim().chars()).map(|key| key.to_ascii_uppercase()).collect();
    let are_keys = keys.iter().all(|key| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D'));
    if keys.is_empty() || !are_keys { Err(Untidy::BadField) } else { Ok(keys) }
}

fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(whole)
                if !number.is_i64()
                    && !number.is_u64()
                    && whole.fract() == 0.0
                    && whole.abs() < MAX_WHOLE =>
            {
                format!("{whole:.0}")
            }
            _ => number.to_string(),
        },
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

fn is_same(key: &str, name: &str) -> bool {
    plain_chars(key).eq(plain_chars(name))
}

fn plain_chars(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn numbers_and_names_come_in_any_form() {
        let call =
            fields(json!({"stream_id": 17, "CallerID": 9.19800000001e11, "did": " ", "sampleRate": "8000"}));
        assert_eq!(text(&call, "streamId").as_deref(), Some("17"));
        assert_eq!(text(&call, "callerId").as_deref(), Some("919800000001"));
        assert_eq!(text(&call, "did"), None);
        assert_eq!(number(&call, "sample_rate"), Some(8_000));
        assert_eq!(number(&fields(json!({"sampleRate": 8000.0})), "sampleRate"), Some(8_000));
        assert_eq!(number(&fields(json!({"sampleRate": []})), "sampleRate"), None);
        let both = fields(json!({"STREAMID": "other", "streamId": "exact"}));
        assert_eq!(text(&both, "streamId").as_deref(), Some("exact"));
    }

    #[test]
    fn events_have_one_name_in_every_spelling() {
        for event in ["hangup-call", "hangupCall", "HANGUP_CALL", "hangup call"] {
            assert_eq!(event_name(&fields(json!({"Event": event})), "event").unwrap(), "hangupcall");
        }
        for none in [json!({}), json!({"event": 7}), json!({"event": ""}), json!({"event": null})] {
            assert_eq!(event_name(&fields(none), "event"), Err(Untidy::NoEvent));
        }
    }

    #[test]
    fn keys_are_read_from_every_form() {
        for (message, keys_in_it) in [
            (json!({"digit": "5"}), "5"),
            (json!({"digit": 5}), "5"),
            (json!({"dtmf": "5"}), "5"),
            (json!({"dtmf": 0}), "0"),
            (json!({"dtmf": {"digit": "#", "duration": "100"}}), "#"),
            (json!({"dtmf": {"Digit": 7}}), "7"),
            (json!({"digit": {"digit": "*"}}), "*"),
            (json!({"digits": "12#"}), "12#"),
            (json!({"digit": " d "}), "D"),
        ] {
            assert_eq!(
                keys(&fields(message.clone())).map(String::from_iter),
                Ok(keys_in_it.into()),
                "{message}"
            );
        }
        for message in
            [json!({}), json!({"digit": "x"}), json!({"dtmf": {}}), json!({"dtmf": []}), json!({"digit": -1})]
        {
            assert_eq!(keys(&fields(message.clone())), Err(Untidy::BadField), "{message}");
        }
    }

    #[test]
    fn text_is_found_in_frames_of_either_kind() {
        assert_eq!(text_in(Wire::Binary(b" {\"event\":\"a\"}")), Ok(" {\"event\":\"a\"}"));
        for bytes in [&[0u8; 320][..], b"", b"{\xff}", b"[1]"] {
            assert_eq!(text_in(Wire::Binary(bytes)), Err(Untidy::Binary));
        }
        assert!(object("\u{feff}{\"event\":\"a\"}\n\0").is_ok());
    }

    #[test]
    fn what_is_no_object_or_too_deep_is_told() {
        for text in ["", "{", "[1]", "7", "\"event\"", "{\"event\":\"a\"} x"] {
            assert_eq!(object(text), Err(Untidy::NotJson), "{text}");
        }
        let deep = format!(r#"{{"event":"connected","x":{}{}}}"#, "[".repeat(32), "]".repeat(32));
        assert_eq!(object(&deep), Err(Untidy::TooDeep), "33 levels");
    }
}
