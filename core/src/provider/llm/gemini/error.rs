//! What Google's errors mean. Their text is not passed on: it may quote the conversation.

use std::time::Duration;

use serde_json::Value;

use crate::provider::egress::{Refusal, code_word};
use crate::provider::{Failure, FailureClass};

/// Longest wait that is believed.
const RETRY_MAX: f64 = 3600.0;
/// Why a key is not one, behind a status that says less.
const BAD_KEY: &str = "API_KEY_INVALID";

/// The failure that a refused request is.
pub(super) fn http_refusal(vendor: &str, refusal: &Refusal) -> Failure {
    let body = refusal.json();
    let error = error_of(&body);
    let word = reason(error).or_else(|| code_word(&error["status"]));
    // A gateway's page, not the vendor's answer.
    let said = word.or_else(|| refusal.is_web_page().then_some("with a web page"));
    let class = word.and_then(class).unwrap_or_else(|| refusal.class());
    let mut failure = refusal.failure(vendor, class, said);
    failure.retry_after = retry_delay(error).or(failure.retry_after);
    failure
}

/// Of a prompt that was to be kept and is too small for that: how many tokens the vendor wants, if it says so. `None` for any other
/// refusal. There is no code for it, only a sentence: "Cached content is too small. total_token_count=477, min_total_token_count=1024".
pub(super) fn least_tokens(refusal: &Refusal) -> Option<Option<u64>> {
    let body = refusal.json();
    let text = error_of(&body)["message"].as_str()?;
    if refusal.status != 400 || !(text.contains("too small") || text.contains("min_total_token_count")) {
        return None;
    }
    let (_, number) = text.split_once("min_total_token_count=").unwrap_or_default();
    let digits = number.find(|c: char| !c.is_ascii_digit()).map_or(number, |end| &number[..end]);
    Some(digits.parse().ok())
}

/// The failure that an error within a stream is.
pub(super) fn stream_error(vendor: &str, body: &Value) -> Failure {
    let error = error_of(body);
    let word = code_word(&error["status"]);
    let class = word.and_then(class).unwrap_or(FailureClass::Unavailable);
    let detail = format!("{vendor}: the stream broke off with an error: {}", word.unwrap_or("no code"));
    Failure { class, detail, retry_after: retry_delay(error) }
}

/// Outside of a stream the object stands in a list.
fn error_of(body: &Value) -> &Value {
    if body["error"].is_object() { &body["error"] } else { &body[0]["error"] }
}

fn details(error: &Value) -> &[Value] {
    error["details"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A key that is none is answered 400, with the reason among the details.
fn reason(error: &Value) -> Option<&'static str> {
    details(error).iter().any(|detail| detail["reason"] == BAD_KEY).then_some(BAD_KEY)
}

fn retry_delay(error: &Value) -> Option<Duration> {
    let text = details(error).iter().find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds.min(RETRY_MAX)).ok()
}

fn class(word: &str) -> Option<FailureClass> {
    Some(match word {
        BAD_KEY | "UNAUTHENTICATED" | "PERMISSION_DENIED" => FailureClass::Unauthorised,
        "RESOURCE_EXHAUSTED" => FailureClass::OverLimit,
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "NOT_FOUND" | "OUT_OF_RANGE" => FailureClass::Refused,
        "INTERNAL" | "UNAVAILABLE" | "ABORTED" | "UNKNOWN" => FailureClass::Unavailable,
        "DEADLINE_EXCEEDED" => FailureClass::TimedOut,
        _ => return None,
    })
}
