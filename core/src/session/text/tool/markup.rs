//! Calls in angle brackets: `<invoke name="x"><parameter name="k">v</parameter></invoke>` and its relatives.

use serde_json::{Map, Value};

use super::super::tag::{self, DSML};
use super::{ToolText, plain_name};

/// A tag of a block, with the text up to the next one.
struct Part<'a> {
    name: String,
    inside: &'a str,
    text: &'a str,
}

/// The calls of a block in angle brackets. `name` is the name that the block's own mark gave.
pub(super) fn read(block: &str, name: &str) -> Vec<ToolText> {
    let (head, parts) = parts(block);
    let mut calls: Vec<ToolText> = Vec::new();
    let mut arguments = Map::new();
    let mut called = plain_name(if name.is_empty() {
        head.lines().find(|l| !l.trim().is_empty()).unwrap_or_default()
    } else {
        name
    });
    let mut key = String::new();
    for part in parts.iter().filter(|p| !p.inside.starts_with('/')) {
        let given = attribute(part.inside);
        match part.name.as_str() {
            "invoke" | "function" | "function_call" | "tool_call" | "tool_use" if given.is_some() => {
                close(&mut calls, &called, &mut arguments);
                called = given.unwrap_or_default();
            }
            "name" | "tool_name" | "function_name" => called = plain_name(part.text),
            "arguments" | "parameters" | "args" | "input" => {
                if let Ok(Value::Object(object)) = serde_json::from_str(part.text.trim()) {
                    arguments.extend(object);
                }
            }
            "parameter" | "param" | "argument" | "arg" => {
                arguments.insert(given.unwrap_or_default(), value(part.text));
            }
            "arg_key" => key = part.text.trim().to_owned(),
            "arg_value" => {
                arguments.insert(std::mem::take(&mut key), value(part.text));
            }
            other
                if !part.text.trim().is_empty()
                    && !part.text.trim().starts_with(['{', '['])
                    && !called.is_empty() =>
            {
                arguments.insert(other.to_owned(), value(part.text));
            }
            other if called.is_empty() && !tag::TOOLS.contains(&other) => called = other.to_owned(),
            _ => {}
        }
    }
    close(&mut calls, &called, &mut arguments);
    calls
}

/// A call counts here when it has arguments in angle brackets: other forms are read elsewhere.
fn close(calls: &mut Vec<ToolText>, called: &str, arguments: &mut Map<String, Value>) {
    let arguments = std::mem::take(arguments);
    if !called.is_empty() && !arguments.is_empty() {
        calls.push(ToolText { name: called.to_owned(), arguments: Value::Object(arguments) });
    }
}

fn parts(block: &str) -> (&str, Vec<Part<'_>>) {
    let mut pieces = block.split('<');
    let head = pieces.next().unwrap_or_default();
    let parts = pieces.filter_map(|piece| {
        let (inside, text) = piece.split_once('>')?;
        if inside.starts_with(['|', '｜']) && !DSML.iter().any(|vendor| inside.starts_with(vendor)) {
            return None;
        }
        Some(Part { name: tag::name(inside), inside, text })
    });
    (head, parts.collect())
}

/// A call that is one tag: `<end_call message="Bye."/>`.
pub(crate) fn read_tag(inside: &str, name: String) -> ToolText {
    let mut arguments = Map::new();
    let mut rest = inside.trim_end_matches('/');
    while let Some((head, behind)) = rest.split_once('=') {
        let key = head.rsplit(char::is_whitespace).next().unwrap_or_default();
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (given, after) = match quote {
            Some(quote) => behind[1..].split_once(quote).unwrap_or((&behind[1..], "")),
            None => behind.split_once(char::is_whitespace).unwrap_or((behind, "")),
        };
        if !key.is_empty() {
            arguments.insert(key.to_owned(), value(given));
        }
        rest = after;
    }
    ToolText { name, arguments: Value::Object(arguments) }
}

/// What a tag names: `name="x"` or `=x`.
fn attribute(inside: &str) -> Option<String> {
    let (_, given) = inside.split_once('=')?;
    let given = given.trim().trim_matches('/').trim_matches(['"', '\'', ' ']);
    let name = plain_name(given.split(['"', '\'']).next().unwrap_or(given));
    (!name.is_empty()).then_some(name)
}

fn value(text: &str) -> Value {
    let text = text.trim();
    serde_json::from_str(text)
        .ok()
        .filter(|v: &Value| !v.is_string())
        .unwrap_or_else(|| Value::String(text.to_owned()))
}
