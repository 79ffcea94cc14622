//! What Sarvam's errors and close codes mean, on both of its sockets.

use crate::provider::link::close_failure;
use crate::provider::{Failure, FailureClass};

/// The failure that an error message is, by the vendor's word for it.
pub(super) fn error(vendor: &str, word: &str) -> Failure {
    let class = match word {
        "invalid_api_key_error" | "authentication_error" => FailureClass::Unauthorised,
        "insufficient_quota_error" | "rate_limit_exceeded_error" | "429" => FailureClass::OverLimit,
        "invalid_request_error"
        | "unprocessable_entity_error"
        | "not_found_error"
        | "invalid_config"
        | "400"
        | "404"
        | "422" => FailureClass::Refused,
        "401" | "403" => FailureClass::Unauthorised,
        "gateway_timeout_error" => FailureClass::TimedOut,
        _ => FailureClass::Unavailable,
    };
    Failure::new(class, format!("{vendor} says: {word}"))
}

/// The failure that a close is.
pub(super) fn closed(vendor: &str, code: Option<u16>, reason: &str) -> Failure {
    let failure = close_failure(vendor, code, reason);
    let class = match code {
        // A limit, a quota or a key: the reason tells them apart where there is one.
        Some(1003) if failure.class == FailureClass::Refused => FailureClass::OverLimit,
        // Nothing was sent for too long.
        Some(1008) if failure.class == FailureClass::Refused => FailureClass::Unavailable,
        // A model, a language or a parameter that it does not have.
        Some(4000) => FailureClass::Refused,
        _ => failure.class,
    };
    Failure { class, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_have_their_class() {
        let check = |word: &str, class| assert_eq!(error("v", word).class, class, "{word}");
        check("invalid_api_key_error", FailureClass::Unauthorised);
        check("authentication_error", FailureClass::Unauthorised);
        check("insufficient_quota_error", FailureClass::OverLimit);
        check("rate_limit_exceeded_error", FailureClass::OverLimit);
        check("invalid_request_error", FailureClass::Refused);
        check("unprocessable_entity_error", FailureClass::Refused);
        check("not_found_error", FailureClass::Refused);
        check("model_call_error", FailureClass::Unavailable);
        check("internal_server_error", FailureClass::Unavailable);
        check("billing_service_unavailable_error", FailureClass::Unavailable);
        check("gateway_timeout_error", FailureClass::TimedOut);
        check("no code", FailureClass::Unavailable);
        let check = |code, reason: &str, class| {
            assert_eq!(closed("v", Some(code), reason).class, class, "{code} {reason}");
        };
        check(1000, "", FailureClass::Unavailable);
        check(1003, "", FailureClass::OverLimit);
        check(1003, "Invalid API key", FailureClass::Unauthorised);
        check(1008, "inactivity", FailureClass::Unavailable);
        check(1011, "", FailureClass::Unavailable);
        check(1013, "", FailureClass::Unavailable);
        check(4000, "Invalid model", FailureClass::Refused);
    }
}
