//! What the model is told of what a server's tool answered: its text.

use serde_json::{Value, json};

use super::message::RpcError;
use crate::call::tools::request::told as text_told;
use crate::session::event::{ToolAnswer, ToolStatus};

/// JSON-RPC: the method is there, and what it was given is not right.
const BAD_PARAMS: i64 = -32_602;

/// The result of `tools/call`.
pub fn told(result: &Value) -> ToolAnswer {
    let content = result.get("content").and_then(Value::as_array);
    let texts: Vec<String> = content.into_iter().flatten().filter_map(text_of).collect();
    let text = match (texts.join("\n"), result.get("structuredContent").filter(|value| !value.is_null())) {
        (text, Some(structured)) if text.trim().is_empty() => structured.to_string(),
        (text, _) => text,
    };
    let told = text_told(text.as_bytes());
    if result.get("isError") == Some(&Value::Bool(true)) {
        // It may say what is wrong with what was asked, which the caller can mend.
        let result = json!({"error": "the tool says that this did not work", "answer": told});
        return ToolAnswer { status: ToolStatus::Refused, code: None, result };
    }
    told.into()
}

/// An error of the protocol.
pub fn refused(error: &RpcError) -> ToolAnswer {
    let status = if error.code == BAD_PARAMS { ToolStatus::Refused } else { ToolStatus::Failed };
    let result =
        json!({"error": "the tool's server refused this", "answer": text_told(error.message.as_bytes())});
    ToolAnswer { status, code: None, result }
}

/// A piece of the answer as text; what is none has a word that stands for it.
fn text_of(piece: &Value) -> Option<String> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match piece.get("type").and_then(Value::as_str)? {
        "text" => text(piece, "text"),
        "resource" => {
            text(piece.get("resource")?, "text").or_else(|| Some("[a file that cannot be read here]".into()))
        }
        "resource_link" => Some(format!("[a link to {}]", text(piece, "name").unwrap_or_default())),
        "image" => Some("[a picture that cannot be seen here]".into()),
        "audio" => Some("[a sound that cannot be heard here]".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_gets_the_text_of_an_answer() {
        let check = |result: Value, expected: Value| assert_eq!(told(&result).result, expected, "{result}");
        let text = |text: &str| json!({"type": "text", "text": text});
        check(json!({"content": [text("It is sent.")]}), json!("It is sent."));
        check(json!({"content": [text("a"), text("b")], "structuredContent": {"x": 1}}), json!("a\nb"));
        check(json!({"content": [text(r#"{"state": "sent"}"#)]}), json!({"state": "sent"}));
        check(json!({"content": [], "structuredContent": {"state": "sent"}}), json!({"state": "sent"}));
        check(
            json!({"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]}),
            json!("[a picture that cannot be seen here]"),
        );
        check(
            json!({"content": [{"type": "resource", "resource": {"uri": "x", "text": "inside"}}]}),
            json!("inside"),
        );
        check(
            json!({"content": [{"type": "resource_link", "uri": "x", "name": "prices"}]}),
            json!("[a link to prices]"),
        );
        check(json!({}), json!("done, and the server says nothing more"));
    }

    #[test]
    fn a_tool_that_says_that_it_did_not_work_has_not() {
        let answer =
            told(&json!({"content": [{"type": "text", "text": "no table at nine"}], "isError": true}));
        assert_eq!(answer.status, ToolStatus::Refused);
        assert_eq!(answer.result["answer"], "no table at nine");
        let of = |code| refused(&RpcError { code, message: "unknown tool".into() }).status;
        assert_eq!((of(BAD_PARAMS), of(-32_603)), (ToolStatus::Refused, ToolStatus::Failed));
    }
}
