//! The tools that a reply calls, whose arguments come in pieces.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use super::ToolCall;
use crate::provider::{Failure, FailureClass};

/// Most tool calls in one reply.
pub(super) const CALLS_MAX: usize = 32;
/// Longest arguments of one call, bytes.
pub(super) const ARGUMENTS_MAX: usize = 256 * 1024;

/// Calls of one reply in the order in which they began, each known by its place in the vendor's stream.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Growing>);

#[derive(Debug)]
struct Growing {
    at: u64,
    id: Option<String>,
    name: String,
    arguments: String,
}

impl Calls {
    /// A call begins; one that begins twice begins anew.
    pub(super) fn begin(
        &mut self,
        vendor: &str,
        at: u64,
        (id, name): (Option<String>, String),
    ) -> Result<(), Failure> {
        self.0.retain(|call| call.at != at);
        if self.0.len() >= CALLS_MAX {
            let detail = format!("{vendor}: too many tool calls in one reply");
            return Err(Failure::new(FailureClass::Malformed, detail));
        }
        self.0.push(Growing { at, id, name, arguments: String::new() });
        Ok(())
    }

    /// More of a call's arguments. False when it never began.
    pub(super) fn grow(&mut self, vendor: &str, at: u64, piece: &str) -> Result<bool, Failure> {
        let Some(call) = self.0.iter_mut().find(|call| call.at == at) else { return Ok(false) };
        if call.arguments.len() + piece.len() > ARGUMENTS_MAX {
            let detail = format!("{vendor}: a tool call's arguments do not end");
            return Err(Failure::new(FailureClass::Malformed, detail));
        }
        call.arguments.push_str(piece);
        Ok(true)
    }

    /// All arguments of a call at once, in place of the pieces that came. False when it never began.
    pub(super) fn settle(&mut self, vendor: &str, at: u64, whole: &str) -> Result<bool, Failure> {
        if let Some(call) = self.0.iter_mut().find(|call| call.at == at) {
            call.arguments.clear();
        }
        self.grow(vendor, at, whole)
    }

    /// Whether a call began at this place.
    pub(super) fn has(&self, at: u64) -> bool {
        self.0.iter().any(|call| call.at == at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The calls, whole.
    pub(super) fn end(self) -> Vec<ToolCall> {
        let call = |call: Growing| ToolCall {
            id: call.id.unwrap_or_else(new_id),
            name: call.name,
            arguments: arguments(call.arguments),
        };
        self.0.into_iter().map(call).collect()
    }
}

/// Makes an id unique in this process, for servers that send none.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// An id for a call that came without one.
pub(super) fn new_id() -> String {
    format!("call_{}", NEXT_ID.fetch_add(1, Ordering::Relaxed))
}

/// The object that the text of arguments is. Nothing is an empty object; what did not parse stays a text.
pub(super) fn arguments(text: String) -> Value {
    let parsed =
        if text.trim().is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or_default() };
    match parsed {
        Value::Object(_) => parsed,
        // Written twice: JSON within a JSON text.
        Value::String(inner) => match serde_json::from_str(&inner) {
            Ok(object @ Value::Object(_)) => object,
            _ => Value::String(text),
        },
        Value::Null if matches!(text.trim(), "" | "null") => Value::Object(Map::new()),
        _ => Value::String(text),
    }
}

/// The arguments as an object, for vendors that take nothing else back.
pub(super) fn object(arguments: &Value) -> Value {
    match arguments {
        Value::Object(_) => arguments.clone(),
        other => serde_json::json!({ "unreadable": other }),
    }
}

/// A name or id as every vendor takes it back in the history: letters, digits, `_` and `-`, at most 64. A model may invent a tool,
/// and another vendor's ids may hold anything.
pub(super) fn plain(invented: &str, otherwise: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = invented.chars().take(64).map(allowed).collect();
    if name.is_empty() { otherwise.to_owned() } else { name }
}

/// A tool's schema, or that of a tool without arguments.
pub(super) fn schema(parameters: &Value) -> Value {
    match parameters {
        Value::Object(schema) if !schema.is_empty() => {
            let mut schema = schema.clone();
            schema.entry("type").or_insert_with(|| "object".into());
            Value::Object(schema)
        }
        _ => serde_json::json!({"type": "object", "properties": {}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_tool_does_not_spoil_the_history() {
        assert_eq!(plain("end_call", "tool"), "end_call");
        assert_eq!(plain("functions.end call", "tool"), "functions_end_call");
        assert_eq!((plain("", "tool"), plain(&"é".repeat(99), "tool")), ("tool".to_owned(), "_".repeat(64)));
    }

    #[test]
    fn pieces_become_arguments() {
        let mut calls = Calls::default();
        calls.begin("v", 3, (Some("a".into()), "f".into())).unwrap();
        calls.begin("v", 1, (None, "g".into())).unwrap();
        for piece in ["{\"x\"", ":1}"] {
            assert!(calls.grow("v", 3, piece).unwrap());
        }
        assert!(!calls.grow("v", 2, "{}").unwrap());
        let calls = calls.end();
        assert_eq!((calls[0].id.as_str(), &calls[0].arguments), ("a", &serde_json::json!({"x": 1})));
        assert_eq!((calls[1].name.as_str(), &calls[1].arguments), ("g", &serde_json::json!({})));
        assert!(calls[1].id.starts_with("call_"));
    }

    #[test]
    fn limits_hold() {
        let mut calls = Calls::default();
        for at in 0..CALLS_MAX as u64 {
            calls.begin("v", at, (None, "f".into())).unwrap();
        }
        calls.begin("v", 0, (None, "f".into())).unwrap();
        assert!(calls.begin("v", 99, (None, "f".into())).is_err());
        assert!(calls.grow("v", 0, &"x".repeat(ARGUMENTS_MAX + 1)).is_err());
    }
}
