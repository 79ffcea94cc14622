//! A tool that is a request to a server of the operator's: one exchange, with a deadline and a limit of its answer.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{RequestBuilder, Response};
use serde_json::{Map, Value};
use tokio::time::timeout;
use vox_shared::egress::HostRules;
use vox_shared::json::is_deeper_than;
use vox_shared::model::bot::tool::fill::fill;
use vox_shared::model::bot::tool::{MAX_ANSWER_BYTES, TIMEOUT_SECS};
use vox_shared::model::bot::{HttpTool, ToolMethod};

use crate::provider::egress::{Egress, FailureClass, http_failure, secret_header};
use crate::session::event::{ToolAnswer, ToolStatus};

/// Of an answer, what the model gets: more is no help in a conversation, and every further request carries it.
const MAX_TOLD_CHARS: usize = 16_000;
/// Deepest answer that is passed on as JSON, levels; a deeper one is a text. It is stored inside the call's record.
const MAX_DEPTH: usize = 24;
/// Names the run to the server: the same request is never sent twice under it.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// What is said with every failure, so that the caller hears of it and the call goes on.
const GO_ON: &str =
    "Tell the caller in your own words that this is not possible right now, and go on with the call.";

/// A run that came to nothing by no fault of the caller's.
pub(in crate::call) fn failed(status: ToolStatus, code: Option<u16>, why: &str) -> ToolAnswer {
    ToolAnswer { status, code, result: format!("error: {why}. {GO_ON}").into() }
}

/// Send it, and judge what comes back.
pub(super) async fn exchange(
    (egress, rules): (&Egress, &HostRules),
    tool: &HttpTool,
    arguments: &Map<String, Value>,
    key: &str,
) -> ToolAnswer {
    let request = match request((egress, rules), tool, arguments, key) {
        Ok(request) => request,
        Err(answer) => return answer,
    };
    match timeout(patience(tool.timeout_secs), ask(request)).await {
        Ok(answer) => answer,
        Err(_) => failed(ToolStatus::TimedOut, None, "the tool's server did not answer in time"),
    }
}

/// How long a server is waited for whose settings say so.
pub(in crate::call) fn patience(secs: f32) -> Duration {
    Duration::from_secs_f32(secs.clamp(*TIMEOUT_SECS.start(), *TIMEOUT_SECS.end()))
}

fn request(
    (egress, rules): (&Egress, &HostRules),
    tool: &HttpTool,
    arguments: &Map<String, Value>,
    key: &str,
) -> Result<RequestBuilder, ToolAnswer> {
    let filled = fill(tool, arguments).map_err(|why| {
        let result = format!("error: {why}. Call the tool again with others, or ask the caller.").into();
        ToolAnswer { status: ToolStatus::Refused, code: None, result }
    })?;
    let request = egress.request_under(rules, method(tool.method), filled.url).map_err(|failure| {
        tracing::warn!(%failure, "a tool's address may not be used");
        failed(ToolStatus::Forbidden, None, "the tool's address may not be used")
    })?;
    let mut request = request.header(IDEMPOTENCY_KEY, key);
    if let Some(body) = filled.body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
    }
    for header in &tool.headers {
        let value = match header.secret.is_empty() {
            true => HeaderValue::from_str(&header.value).ok(),
            false => secret_header("tool", header.secret.expose()).ok(),
        };
        let Some(value) = value else {
            return Err(failed(ToolStatus::Failed, None, "the tool is not set up right"));
        };
        request = request.header(header.name.as_str(), value);
    }
    Ok(request)
}

fn method(method: ToolMethod) -> Method {
    match method {
        ToolMethod::Get => Method::GET,
        ToolMethod::Post => Method::POST,
        ToolMethod::Put => Method::PUT,
        ToolMethod::Patch => Method::PATCH,
        ToolMethod::Delete => Method::DELETE,
    }
}

async fn ask(request: RequestBuilder) -> ToolAnswer {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return broken(http_failure(error)),
    };
    let status = response.status();
    let code = Some(status.as_u16());
    match read(response).await {
        Ok(Some(body)) => judged(status, &body),
        Ok(None) => failed(ToolStatus::TooLarge, code, "the tool's answer is too large"),
        Err(failure) => ToolAnswer { code, ..broken(failure) },
    }
}

fn broken(failure: crate::provider::Failure) -> ToolAnswer {
    // The detail names no address and nothing that was sent.
    tracing::debug!(%failure, "a tool failed");
    match failure.class {
        FailureClass::Forbidden => failed(ToolStatus::Forbidden, None, "the tool's address may not be used"),
        FailureClass::TimedOut => {
            failed(ToolStatus::TimedOut, None, "the tool's server did not answer in time")
        }
        _ => failed(ToolStatus::Failed, None, "the tool's server cannot be reached"),
    }
}

/// A whole body, or `None` of one that is too large.
async fn read(mut response: Response) -> Result<Option<Vec<u8>>, crate::provider::Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(http_failure)? {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

fn judged(status: StatusCode, body: &[u8]) -> ToolAnswer {
    let code = Some(status.as_u16());
    match status {
        status if status.is_success() => ToolAnswer { status: ToolStatus::Ok, code, result: told(body) },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            failed(ToolStatus::Refused, code, "the tool's server does not let us in")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            failed(ToolStatus::Refused, code, "the tool's server has too much to do")
        }
        // It may say what is wrong with what was asked, which the caller can mend.
        status if status.is_client_error() => {
            let result =
                serde_json::json!({"error": format!("the server answered {status}"), "answer": told(body)});
            ToolAnswer { status: ToolStatus::Refused, code, result }
        }
        _ => failed(ToolStatus::Failed, code, "the tool's server does not work"),
    }
}

/// What the model is told of a body: the JSON it is, or its text, and of a long one the beginning.
pub(in crate::call) fn told(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if let Some((end, _)) = text.char_indices().nth(MAX_TOLD_CHARS) {
        return clean(format!("{} [cut off here]", &text[..end]).into());
    }
    if is_deeper_than(text.as_bytes(), MAX_DEPTH) {
        return clean(text.into());
    }
    clean(match text.is_empty() {
        true => "done, and the server says nothing more".into(),
        false => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    })
}

/// A NUL is no text for every store.
fn clean(value: Value) -> Value {
    let plain = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    match value {
        Value::String(text) => plain(text).into(),
        Value::Array(list) => list.into_iter().map(clean).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (plain(key), clean(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_model_is_told_what_it_can_use() {
        assert_eq!(
            told(br#" {"owed": 12, "a\u0000": "b\u0000"} "#),
            json!({"owed": 12, "a\u{fffd}": "b\u{fffd}"})
        );
        assert_eq!(told(b"<html>no"), json!("<html>no"));
        assert_eq!(told(b"\xff\x00"), json!("\u{fffd}\u{fffd}"));
        assert!(told(b"").is_string());
        let long = told("x".repeat(40_000).as_bytes());
        assert!(long.as_str().unwrap().ends_with("[cut off here]") && long.as_str().unwrap().len() < 17_000);
        assert!(told(format!("{}{}", "[".repeat(200), "]".repeat(200)).as_bytes()).is_string());
    }

    #[test]
    fn what_a_server_refuses_for_the_caller_is_told_and_what_is_ours_is_not() {
        let check = |code: u16, status: ToolStatus, told: &str| {
            let answer = judged(StatusCode::from_u16(code).unwrap(), br#"{"detail": "no table"}"#);
            assert_eq!((answer.status, answer.code), (status, Some(code)));
            assert!(answer.result.to_string().contains(told), "{code}: {}", answer.result);
            assert_eq!(
                answer.result.to_string().contains("no table"),
                matches!(code, 200 | 404 | 409),
                "{code}"
            );
        };
        check(200, ToolStatus::Ok, "no table");
        check(404, ToolStatus::Refused, "404");
        check(409, ToolStatus::Refused, "409");
        check(401, ToolStatus::Refused, "Tell the caller");
        check(429, ToolStatus::Refused, "Tell the caller");
        check(302, ToolStatus::Failed, "Tell the caller");
        check(500, ToolStatus::Failed, "Tell the caller");
    }
}
