//! Tool calls that a model wrote as text, in the many forms that models use.

mod call;
mod markup;

use serde_json::{Map, Value};

/// Tokens that stand for a quotation mark.
const QUOTES: [&str; 2] = ["<|\"|>", "<escape>"];

/// A tool call found in the text of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolText {
    /// Empty when it cannot be read.
    pub name: String,
    /// An object; what did not parse is carried as a string, as with an ordinary call.
    pub arguments: Value,
}

impl ToolText {
    /// A call that could not be read.
    pub(super) fn unread(text: &str) -> Self {
        Self { name: String::new(), arguments: Value::String(text.trim().chars().take(200).collect()) }
    }
}

pub(super) use call::read_bracketed;
pub(super) use markup::read_tag;

/// The calls in a block that was marked as one. `name` is what the mark itself said. Nothing is empty: a block that holds no
/// call gives none.
pub(super) fn read_block(block: &str, name: &str, known: &[String]) -> Vec<ToolText> {
    // Gemma writes its quotation marks as tokens.
    let block = &QUOTES.iter().fold(block.to_owned(), |block, token| block.replace(token, "\""));
    let calls = markup::read(block, name);
    if !calls.is_empty() {
        return calls;
    }
    let mut calls = Vec::new();
    let (mut from, mut named) = (0, 0);
    while let Some(at) = block[from..].find(['{', '[']).map(|at| from + at) {
        let mut values = serde_json::Deserializer::from_str(&block[at..]).into_iter::<Value>();
        from = at + 1;
        let Some(Ok(value)) = values.next() else { continue };
        from = at + values.byte_offset().max(1);
        let found = read_json(&value, known);
        if found.is_empty() && value.is_object() {
            let name = named_before(&block[named..at]).unwrap_or_else(|| name.to_owned());
            calls.extend((!name.is_empty()).then_some(ToolText { name, arguments: value }));
        }
        calls.extend(found);
        named = from;
    }
    if calls.is_empty() {
        calls.extend(call::find(block, known));
    }
    if calls.is_empty() {
        calls.extend(broken(block, name, known));
    }
    calls
}

/// The calls that a JSON value is. A value that only has a name is none.
pub(super) fn read_json(value: &Value, known: &[String]) -> Vec<ToolText> {
    match value {
        Value::Array(values) => values.iter().flat_map(|value| read_json(value, known)).collect(),
        Value::Object(object) => read_object(object, known),
        _ => Vec::new(),
    }
}

fn read_object(object: &Map<String, Value>, known: &[String]) -> Vec<ToolText> {
    for key in ["tool_calls", "function_call", "tool_call", "calls"] {
        if let Some(inner) = object.get(key).filter(|v| v.is_object() || v.is_array()) {
            return read_json(inner, known);
        }
    }
    if let Some(Value::Object(inner)) = object.get("function") {
        return read_object(inner, known);
    }
    let text = |key: &&str| object.get(*key).and_then(Value::as_str).map(str::to_owned);
    let name = ["name", "function", "tool", "tool_name", "function_name", "recipient_name", "action"]
        .iter()
        .find_map(text);
    let arguments = ["arguments", "parameters", "args", "input", "params", "action_input", "kwargs"]
        .iter()
        .find_map(|key| object.get(*key));
    if let Some(name) = name {
        let name = plain_name(&name);
        return match arguments {
            Some(arguments) => vec![ToolText { name, arguments: unwrapped(arguments) }],
            None if known.contains(&name) => {
                let others = object.iter().filter(|(_, v)| v.as_str().is_none_or(|v| plain_name(v) != name));
                let arguments = others.map(|(k, v)| (k.clone(), v.clone())).collect();
                vec![ToolText { name, arguments }]
            }
            None => Vec::new(),
        };
    }
    // {"end_call": {"message": …}}
    let single = object.iter().next().filter(|(name, _)| object.len() == 1 && known.contains(*name));
    single
        .map(|(name, arguments)| ToolText { name: name.clone(), arguments: unwrapped(arguments) })
        .into_iter()
        .collect()
}

/// Arguments may be JSON within a string.
fn unwrapped(arguments: &Value) -> Value {
    match arguments {
        Value::String(text) => {
            serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| arguments.clone())
        }
        Value::Null => Value::Object(Map::new()),
        other => other.clone(),
    }
}

/// Whether text ends with one of Mistral's marks and a character that follows it: `end_call[CALL_ID]a`.
pub(super) fn is_marked(text: &str) -> bool {
    let mark = text.rfind('[').and_then(|at| text[at + 1..].split_once(']')).map(|(mark, _)| mark);
    mark.is_some_and(|mark| !mark.is_empty() && mark.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
}

/// A text among a call's arguments, also where they are no object: broken off, in single quotes, or the text alone.
pub fn argument(arguments: &Value, name: &str) -> Option<String> {
    let text = match arguments {
        Value::Object(object) => return object.get(name).and_then(Value::as_str).map(str::to_owned),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let given = text.match_indices(name).find_map(|(at, _)| given(&text[at + name.len()..]));
    given.map(written).or_else(|| {
        let is_plain = !text.contains(['{', '}', '[', ']', '<', '>', '_']);
        is_plain.then(|| text.trim_matches('"').to_owned())
    })
}

/// What stands behind a name's colon.
fn given(behind: &str) -> Option<&str> {
    let behind = behind.trim_start_matches(['"', '\'']).trim_start();
    behind.strip_prefix([':', '=']).map(str::trim_start).filter(|value| !value.starts_with("null"))
}

/// A text as it is meant. Its quote closes it only before what may follow a value: an apostrophe is none.
fn written(value: &str) -> String {
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inside = &value[quote.map_or(0, char::len_utf8)..];
    let closes = |at: usize| {
        let next = inside[at + 1..].trim_start().chars().next();
        !inside[..at].ends_with('\\') && next.is_none_or(|c| matches!(c, ',' | '}' | ']' | ')'))
    };
    let end = quote.and_then(|q| inside.match_indices(q).map(|(at, _)| at).find(|at| closes(*at)));
    let text = match end {
        Some(end) => &inside[..end],
        None => inside.trim_end_matches(['"', '\'', '}', ']', ')', ' ', '\n']),
    };
    text.replace("\\n", " ").replace('\\', "")
}

/// A name without what models put around it: `functions.end_call:0`.
pub(super) fn plain_name(name: &str) -> String {
    let name = name.trim().trim_matches(['"', '\'', '`', '<', '>']);
    let name = name.rsplit(['.', '/']).next().unwrap_or(name);
    name.split([':', ' ', '<', '\n', '(']).next().unwrap_or(name).trim().to_owned()
}

/// The name that stands before a call's arguments: the last word there that looks like one.
fn named_before(text: &str) -> Option<String> {
    // Not the marks of a template, which stand there too.
    let text: String = text
        .split("[CALL_ID]")
        .next()
        .unwrap_or_default()
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, behind)| behind))
        .collect::<Vec<_>>()
        .join(" ");
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':');
    let mut words = text.split(|c: char| !is_name(c)).filter(|w| w.contains(char::is_alphabetic));
    let skip = [
        "json",
        "function",
        "name",
        "arguments",
        "parameters",
        "tool",
        "args",
        "ARGS",
        "constrain",
        "message",
        "type",
        "to",
        "call",
        "Action",
        "Input",
    ];
    let name = plain_name(words.rfind(|w| !skip.contains(&w.trim_matches(':')))?);
    (!name.is_empty()).then_some(name)
}

/// A call whose JSON is broken, told by its name.
fn broken(block: &str, name: &str, known: &[String]) -> Option<ToolText> {
    let found = known
        .iter()
        .find(|tool| block.contains(tool.as_str()))
        .cloned()
        .or_else(|| (!name.is_empty()).then(|| name.to_owned()))?;
    let rest = block.replacen(found.as_str(), "", 1);
    let rest = rest.trim_matches(|c: char| !c.is_alphanumeric());
    let arguments =
        if rest.is_empty() { Value::Object(Map::new()) } else { Value::String(block.trim().to_owned()) };
    Some(ToolText { name: found, arguments })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(block: &str, name: &str, arguments: &Value) {
        let known = ["end_call".to_owned()];
        let expected = [ToolText { name: name.into(), arguments: arguments.clone() }];
        assert_eq!(read_block(block, "", &known), expected, "{block}");
    }

    #[test]
    fn the_forms_of_a_call_are_read() {
        let bye = json!({"message": "Bye."});
        for block in [
            r#"{"name": "end_call", "arguments": {"message": "Bye."}}"#,
            r#"{"name": "end_call", "arguments": "{\"message\": \"Bye.\"}"}"#,
            r#"[{"name": "end_call", "parameters": {"message": "Bye."}}]"#,
            r#"{"type":"function","function":{"name":"end_call","arguments":{"message": "Bye."}}}"#,
            r#"{"tool_calls":[{"function":{"name":"end_call","arguments":"{\"message\": \"Bye.\"}"}}]}"#,
            r#"{"end_call": {"message": "Bye."}}"#,
            r#"end_call[ARGS]{"message": "Bye."}"#,
            "function<｜tool▁sep｜>end_call\n```json\n{\"message\": \"Bye.\"}\n```",
            r#"functions.end_call:0<|tool_call_argument_begin|>{"message": "Bye."}"#,
            r#"print(default_api.end_call(message="Bye."))"#,
            r#"end_call(message='Bye.')"#,
            r#"<invoke name="end_call"><parameter name="message">Bye.</parameter></invoke>"#,
            "<function=end_call>\n<parameter=message>\nBye.\n</parameter>\n</function>",
            "end_call\n<arg_key>message</arg_key>\n<arg_value>Bye.</arg_value>",
            "<end_call><message>Bye.</message></end_call>",
        ] {
            check(block, "end_call", &bye);
        }
    }

    #[test]
    fn an_argument_is_found_where_the_arguments_did_not_parse() {
        for (arguments, expected) in [
            (json!({"message": "Bye."}), Some("Bye.")),
            (json!({"message": null}), None),
            (json!({"reason": "done"}), None),
            (json!("{\"message\": \"Bye, and take"), Some("Bye, and take")),
            (json!("{'name': 'end_call', 'arguments': {'message': 'Bye.'}}"), Some("Bye.")),
            (json!("{name: end_call, arguments: {message: Bye.}}"), Some("Bye.")),
            (json!("end_call.call(message=\"Bye.\")"), Some("Bye.")),
            (json!("Bye."), Some("Bye.")),
            (json!("{\"reason\": \"don"), None),
            (json!(3), None),
            (json!("Thank you for your message."), Some("Thank you for your message.")),
            (json!(r#"{"message": "Goodbye then.","#), Some("Goodbye then.")),
            (json!(r#"{"message": "She said \"bye\".", "reason": "done",}"#), Some("She said \"bye\".")),
            (json!("{'message': 'We'll call you. Bye.'}"), Some("We'll call you. Bye.")),
            (json!("{message: null, reason: done}"), None),
            (Value::Null, None),
        ] {
            assert_eq!(argument(&arguments, "message").as_deref(), expected, "{arguments}");
        }
    }

    #[test]
    fn what_does_not_parse_is_carried() {
        check(
            "{\"name\": \"end_call\", \"arguments\": {\"message\"",
            "end_call",
            &json!("{\"name\": \"end_call\", \"arguments\": {\"message\""),
        );
        check("end_call", "end_call", &json!({}));
        assert!(read_block("nothing of the kind", "", &["end_call".to_owned()]).is_empty());
        assert!(read_json(&json!({"name": "John", "age": 4}), &[]).is_empty());
    }
}
