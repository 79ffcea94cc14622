//! JSON-RPC as the protocol has it: what is asked, and what comes back.

use serde_json::{Value, json};

/// Revisions of the protocol that are spoken, the newest first: that one is asked for.
pub const VERSIONS: [&str; 2] = ["2025-06-18", "2025-03-26"];
/// Of an error's words, what is passed on, characters.
const MAX_WORDS: usize = 500;
/// JSON-RPC: there is no such method.
const NO_METHOD: i64 = -32_601;

/// An error of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    pub code: i64,
    /// The server's words.
    pub message: String,
}

/// What a message is to whoever asked.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Answer(Value),
    Refusal(RpcError),
    /// The server asks something itself, and waits.
    Asked {
        id: Value,
        method: String,
    },
    /// A note, or somebody else's answer.
    Other,
}

impl Heard {
    /// A message that came while the answer to the request of this name is waited for.
    pub fn read(mut message: Value, id: u64) -> Self {
        let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
        match (method, message.get("id").filter(|id| !id.is_null()).cloned()) {
            (Some(method), Some(id)) => Self::Asked { id, method },
            (None, Some(of)) if of.as_u64() == Some(id) => match message.get_mut("result").map(Value::take) {
                Some(result) => Self::Answer(result),
                None => Self::Refusal(error(&message["error"])),
            },
            _ => Self::Other,
        }
    }
}

fn error(said: &Value) -> RpcError {
    let words = said.get("message").and_then(Value::as_str).unwrap_or_default();
    RpcError {
        code: said.get("code").and_then(Value::as_i64).unwrap_or_default(),
        message: words.chars().take(MAX_WORDS).collect(),
    }
}

/// A request; its answer has the same id.
pub fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A note that has no answer.
pub fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// What a session begins with. We can nothing that a server could ask for.
pub fn initialize() -> Value {
    json!({
        "protocolVersion": VERSIONS[0], "capabilities": {},
        "clientInfo": {"name": "vox", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// The answer to what a server asks: that we are there, or that we cannot.
pub fn reply(id: Value, method: &str) -> Value {
    match method {
        "ping" => json!({"jsonrpc": "2.0", "id": id, "result": {}}),
        _ => json!({"jsonrpc": "2.0", "id": id, "error": {"code": NO_METHOD, "message": "not supported"}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_told_from_all_else_that_a_server_says() {
        let check = |message: Value, expected: Heard| {
            assert_eq!(Heard::read(message.clone(), 7), expected, "{message}")
        };
        check(
            json!({"jsonrpc": "2.0", "id": 7, "result": {"tools": []}}),
            Heard::Answer(json!({"tools": []})),
        );
        let error = RpcError { code: -32_602, message: "no such tool".into() };
        check(json!({"id": 7, "error": {"code": -32_602, "message": "no such tool"}}), Heard::Refusal(error));
        check(json!({"id": 7}), Heard::Refusal(RpcError { code: 0, message: String::new() }));
        check(json!({"id": 8, "result": {}}), Heard::Other);
        check(json!({"method": "notifications/progress", "params": {}}), Heard::Other);
        let asked = Heard::Asked { id: json!("a"), method: "ping".into() };
        check(json!({"id": "a", "method": "ping"}), asked);
        // A request of the server's that has the same number as ours.
        check(json!({"id": 7, "method": "ping"}), Heard::Asked { id: json!(7), method: "ping".into() });
        for odd in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"id": null, "result": 1}),
            json!({"id": "7", "result": 1}),
        ] {
            check(odd, Heard::Other);
        }
    }

    #[test]
    fn a_server_that_asks_is_answered() {
        assert_eq!(reply(json!(1), "ping")["result"], json!({}));
        assert_eq!(reply(json!("x"), "sampling/createMessage")["error"]["code"], NO_METHOD);
    }
}
