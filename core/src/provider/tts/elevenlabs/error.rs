//! What the vendor's errors mean.

use super::NAME;
use crate::provider::egress::{Refusal, clean, code_word};
use crate::provider::{Failure, FailureClass};

/// The failure that a refused handshake is.
pub(super) fn handshake_failure(refusal: &Refusal) -> Failure {
    let body = refusal.json();
    let detail = &body["detail"];
    let word =
        code_word(&detail["status"]).or_else(|| code_word(&detail["code"])).or_else(|| code_word(detail));
    let class = word.and_then(class_of_word).unwrap_or_else(|| refusal.class());
    refusal.failure(NAME, class, word)
}

/// The failure that an error message is.
pub(super) fn message_failure(word: &str, code: Option<u16>) -> Failure {
    let class = class_of_word(word).unwrap_or_else(|| class_of_code(code));
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    Failure::new(class, format!("{NAME} reports an error: {word}{code}"))
}

/// The failure that a closed connection is.
pub(super) fn close_failure(code: Option<u16>, reason: &str) -> Failure {
    // The only code for a bad key, a bad setting and an empty account is 1008: the reason tells them apart.
    let class = class_of_reason(reason).unwrap_or_else(|| class_of_code(code));
    let code = code.map_or("no code".to_owned(), |code| code.to_string());
    Failure::new(
        class,
        format!("{NAME} closed the connection: {code} {}", clean(reason, "")).trim_end().to_owned(),
    )
}

fn class_of_code(code: Option<u16>) -> FailureClass {
    match code {
        Some(1002 | 1003 | 1007 | 1008) => FailureClass::Refused,
        Some(1009) => FailureClass::Malformed,
        _ => FailureClass::Unavailable,
    }
}

fn class_of_word(word: &str) -> Option<FailureClass> {
    let class = match word {
        "invalid_api_key" | "needs_authorization" | "missing_permissions" | "unauthorized" => {
            FailureClass::Unauthorised
        }
        "quota_exceeded"
        | "too_many_concurrent_requests"
        | "rate_limit_exceeded"
        | "max_active_conversations" => FailureClass::OverLimit,
        "voice_not_found" | "model_not_found" | "max_character_limit_exceeded" | "invalid_voice_settings" => {
            FailureClass::Refused
        }
        "system_busy" | "internal_error" | "internal_server_error" => FailureClass::Unavailable,
        "input_timeout_exceeded" => FailureClass::TimedOut,
        _ => return None,
    };
    Some(class)
}

fn class_of_reason(reason: &str) -> Option<FailureClass> {
    let reason = reason.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    if has(&["api key", "api_key", "unauthorized", "authenticat"]) {
        return Some(FailureClass::Unauthorised);
    }
    has(&["quota", "credits", "concurrent", "simultaneous", "busy", "rate limit"])
        .then_some(FailureClass::OverLimit)
}
