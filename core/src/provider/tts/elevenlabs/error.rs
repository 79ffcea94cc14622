//! What the vendor's errors mean.

use super::NAME;
use crate::provider::egress::{Refusal, code_word};
use crate::provider::link::class_of_code;
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
