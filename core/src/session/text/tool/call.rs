//! Calls as a programming language writes them: `functions.end_call({"message": "Bye."})`, `end_call(message="Bye.")`.

use serde_json::{Map, Value};

use super::{ToolText, plain_name};

/// The call of a known tool somewhere in a text.
pub(super) fn find(text: &str, known: &[String]) -> Option<ToolText> {
    let find = |tool: &String, open: char, close: char| {
        let at = text.find(&format!("{tool}{open}"))?;
        let rest = &text[at + tool.len() + 1..];
        read(tool, rest.rfind(close).map_or(rest, |end| &rest[..end]))
    };
    known.iter().find_map(|tool| find(tool, '(', ')').or_else(|| find(tool, '{', '}')))
}

/// The call of `name` at the beginning of a text in brackets: `end_call(…)`, `Tool: end_call(…)`, `[end_call: …]`.
pub fn read_bracketed(name: &str, text: &str) -> Option<ToolText> {
    if text.starts_with('[') {
        let (_, inside) = text.split_once(name)?;
        let inside = inside.trim_start_matches([':', ' ', '(', '-']).trim_end_matches(']');
        // Whatever else it says, it is no speech.
        let none = ToolText { name: plain_name(name), arguments: Value::Object(Map::new()) };
        return Some(read(name, inside).unwrap_or(none));
    }
    let open = text.find('(').map_or(0, |at| at + 1);
    read(name, &text[open..text.len() - 1])
}

/// The call of `name` with what stands between its brackets. `None` when that is no list of arguments.
pub fn read(name: &str, inside: &str) -> Option<ToolText> {
    let inside = inside.trim().trim_end_matches(')').trim_end();
    let name = plain_name(name);
    if inside.is_empty() {
        return Some(ToolText { name, arguments: Value::Object(Map::new()) });
    }
    if let Ok(arguments @ Value::Object(_)) = serde_json::from_str(inside) {
        return Some(ToolText { name, arguments });
    }
    let mut arguments = Map::new();
    let mut rest = inside;
    while !rest.is_empty() {
        let (key, after) = rest.split_once(['=', ':'])?;
        let key = key.trim().trim_matches(['"', '\'']);
        if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let (value, after) = value(after.trim_start())?;
        arguments.insert(key.to_owned(), value);
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Some(ToolText { name, arguments: Value::Object(arguments) })
}

/// A value at the beginning of `text`, and what is behind it.
pub(super) fn value(text: &str) -> Option<(Value, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let mut said = String::new();
        let mut chars = text.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => said.extend(chars.next().map(|(_, c)| if c == 'n' { '\n' } else { c })),
                c if c == quote => return Some((Value::String(said), &text[at + 1..])),
                c => said.push(c),
            }
        }
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(value)) = values.next() {
        let end = values.byte_offset();
        return Some((value, &text[end..]));
    }
    let end = text.find(',').unwrap_or(text.len());
    let word = text[..end].trim();
    let value = match word {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "None" => Value::Null,
        _ => return None,
    };
    Some((value, &text[end..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_read_and_prose_in_brackets_is_none() {
        for (inside, expected) in [
            (
                r#"message="It's 5, bye.", urgent=True, n=3"#,
                Some(json!({"message": "It's 5, bye.", "urgent": true, "n": 3})),
            ),
            (r#"{"message": "a"}"#, Some(json!({"message": "a"}))),
            ("", Some(json!({}))),
            ("s", None),
            ("like this", None),
        ] {
            assert_eq!(read("x.end_call", inside).map(|c| c.arguments), expected, "{inside}");
        }
    }
}
