//! Answers that are refusals.

use http::HeaderMap;

use super::*;
use crate::provider::egress::Refusal;

fn refusal(status: u16, body: Value) -> Refusal {
    Refusal { status, headers: HeaderMap::new(), body: body.to_string() }
}

#[test]
fn refusals_have_a_class_and_no_free_text() {
    let check = |status, body: Value, class, detail: &str| {
        let failure = chat::http_refusal("openai", &refusal(status, body));
        assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
    };
    let error =
        |code: &str| json!({"error": {"message": "you said: secret words", "type": "x_error", "code": code}});
    check(401, error("invalid_api_key"), FailureClass::Unauthorised, "openai answered 401: invalid_api_key");
    check(404, error("model_not_found"), FailureClass::Refused, "openai answered 404: model_not_found");
    check(
        429,
        error("rate_limit_exceeded"),
        FailureClass::OverLimit,
        "openai answered 429: rate_limit_exceeded",
    );
    check(500, json!("oops"), FailureClass::Unavailable, "openai answered 500");
    let param = json!({"error": {"message": "m", "type": "invalid_request_error", "param": "messages", "code": null}});
    check(400, param, FailureClass::Refused, "openai answered 400: invalid_request_error (messages)");
    check(
        400,
        json!([{"error": {"code": 400, "type": "INVALID"}}]),
        FailureClass::Refused,
        "openai answered 400: INVALID",
    );
}

#[test]
fn no_credit_is_not_tried_again_soon() {
    let body = json!({"error": {"code": "insufficient_quota"}});
    let failure = chat::http_refusal("openai", &refusal(429, body));
    assert_eq!(failure.class, FailureClass::OverLimit);
    assert!(failure.retry_after.unwrap() >= Duration::from_secs(60));
}

#[test]
fn a_field_that_the_server_does_not_know_is_found() {
    let body = json!({"model": "m", "store": false, "temperature": 0.7, "max_completion_tokens": 9,
        "stream_options": {"include_usage": true, "include_obfuscation": false}});
    let check = |status, answer: Value, expected| {
        assert_eq!(
            chat::unknown_field(&refusal(status, answer.clone()), &body, OPTIONAL),
            expected,
            "{answer}"
        );
    };
    check(400, json!({"error": {"param": "temperature", "code": "unsupported_value"}}), Some("temperature"));
    check(
        400,
        json!({"error": {"param": "stream_options.include_obfuscation"}}),
        Some("include_obfuscation"),
    );
    check(422, json!({"detail": "Extra inputs are not permitted: store"}), Some("store"));
    check(400, json!({"error": {"param": "messages", "message": "store the temperature"}}), None);
    check(400, json!({"error": {"param": "prompt_cache_key"}}), None);
    check(401, json!({"error": {"param": "store"}}), None);
}
