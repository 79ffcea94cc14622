//! What the vendor's errors mean. Their text is not passed on: it may quote the conversation.

use serde_json::Value;

use super::NAME;
use crate::provider::egress::chat::NO_CREDIT_WAIT;
use crate::provider::egress::{Refusal, code_word};
use crate::provider::{Failure, FailureClass};

/// The failure that a refused request is.
pub(super) fn http_refusal(refusal: &Refusal) -> Failure {
    let body = refusal.json();
    let word = code_word(&body["error"]["type"]);
    // A gateway's page, not the vendor's answer.
    let said = word.or_else(|| refusal.is_web_page().then_some("with a web page"));
    let class = word.and_then(class).unwrap_or_else(|| refusal.class());
    let mut failure = refusal.failure(NAME, class, said);
    if word == Some("billing_error") {
        failure.retry_after = Some(NO_CREDIT_WAIT);
    }
    failure
}

/// The failure that an `error` event is; the same words as in a refused request.
pub(super) fn stream_error(data: &Value) -> Failure {
    let word = code_word(&data["error"]["type"]);
    let class = word.and_then(class).unwrap_or(FailureClass::Unavailable);
    let detail = format!("{NAME}: the stream broke off with an error: {}", word.unwrap_or("no code"));
    Failure { class, detail, retry_after: (word == Some("billing_error")).then_some(NO_CREDIT_WAIT) }
}

fn class(word: &str) -> Option<FailureClass> {
    Some(match word {
        "authentication_error" | "permission_error" => FailureClass::Unauthorised,
        "billing_error" | "rate_limit_error" => FailureClass::OverLimit,
        "invalid_request_error" | "not_found_error" | "request_too_large" => FailureClass::Refused,
        "api_error" | "overloaded_error" => FailureClass::Unavailable,
        "timeout_error" => FailureClass::TimedOut,
        _ => return None,
    })
}
