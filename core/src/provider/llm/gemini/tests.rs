//! Replies as the vendor tells them, from the wire to the events.

use std::convert::Infallible;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};
use crate::provider::{FailureClass, STREAM_DEPTH};

fn parts(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})
}

fn ends(reason: &str) -> Value {
    json!({"candidates": [{"finishReason": reason, "index": 0}], "usageMetadata": {
        "promptTokenCount": 1200, "cachedContentTokenCount": 1024, "candidatesTokenCount": 7, "thoughtsTokenCount": 3, "totalTokenCount": 1210}})
}

async fn read(pieces: Vec<Vec<u8>>) -> (Vec<LlmEvent>, Keepsakes) {
    let (sender, mut events) = mpsc::channel(STREAM_DEPTH);
    let mut out = Outlet::new(sender);
    let keepsakes = Keepsakes::default();
    let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let response: reqwest::Response =
        http::Response::new(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))).into();
    let reader = EventReader::new(GenerateCodec::new("gemini", keepsakes.clone()));
    let last = match exchange::read(Box::pin(response.bytes_stream()), reader, &mut out).await {
        Ok(done) => done,
        Err(End::Failed(failure)) => LlmEvent::Failed(failure),
        Err(End::ReaderGone) => panic!("the reader is there"),
    };
    out.finish(Some(last)).await;
    let mut got = Vec::new();
    while let Some(event) = events.recv().await {
        got.push(event);
    }
    (got, keepsakes)
}

fn written(values: &[Value]) -> Vec<u8> {
    values.iter().map(|value| format!("data: {value}\r\n\r\n")).collect::<String>().into_bytes()
}

async fn read_all(values: &[Value]) -> Vec<LlmEvent> {
    read(vec![written(values)]).await.0
}

fn done(finish: Finish) -> LlmEvent {
    LlmEvent::Done {
        finish,
        usage: Some(LlmUsage { tokens_in: 1200, tokens_out: 10, tokens_cached: 1024, ..LlmUsage::default() }),
    }
}

fn text(text: &str) -> LlmEvent {
    LlmEvent::Text(text.into())
}

async fn check_failure(values: &[Value], class: FailureClass) -> Failure {
    match read_all(values).await.pop() {
        Some(LlmEvent::Failed(failure)) => {
            assert_eq!(failure.class, class, "{failure}");
            failure
        }
        other => panic!("no failure: {other:?}"),
    }
}

#[tokio::test]
async fn words_and_usage_are_read_wherever_the_network_cuts() {
    let whole = written(&[
        parts(json!([{"text": "Gr\u{fc}"}, {"text": "\u{df}"}])),
        parts(json!([{"text": " Gott."}])),
        ends("STOP"),
    ]);
    for size in [1, 7, 100, whole.len()] {
        let (got, _) = read(whole.chunks(size).map(<[u8]>::to_vec).collect()).await;
        let said: String = got
            .iter()
            .filter_map(|e| if let LlmEvent::Text(t) = e { Some(t.as_str()) } else { None })
            .collect();
        assert_eq!(
            (said.as_str(), got.last()),
            ("Gr\u{fc}\u{df} Gott.", Some(&done(Finish::Stop))),
            "{size}"
        );
    }
}

#[tokio::test]
async fn calls_come_whole_and_keep_their_signature() {
    let events = [
        parts(json!([{"text": "Let me think.", "thought": true}])),
        parts(
            json!([{"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "g"}}]),
        ),
        ends("STOP"),
    ];
    let (got, keepsakes) =
        read(events.iter().map(|event| written(std::slice::from_ref(event))).collect()).await;
    let [LlmEvent::Progress, LlmEvent::Progress, LlmEvent::ToolCall(first), LlmEvent::ToolCall(second), last] =
        &got[..]
    else {
        panic!("{got:?}")
    };
    assert_eq!(first, &ToolCall { id: "c1".into(), name: "f".into(), arguments: json!({"a": 1}) });
    assert_eq!((second.name.as_str(), &second.arguments), ("g", &json!({})));
    assert_eq!(last, &done(Finish::ToolCalls));
    assert_eq!(keepsakes.find("c1"), Some(json!({"id": "c1", "signature": "c2ln"})));
    assert_eq!(keepsakes.find(&second.id), Some(json!({"id": null, "signature": null})));
}

#[tokio::test]
async fn each_reason_to_finish_has_its_meaning() {
    for (reason, finish) in [
        ("STOP", Finish::Stop),
        ("MAX_TOKENS", Finish::Length),
        ("SAFETY", Finish::Filtered),
        ("PROHIBITED_CONTENT", Finish::Filtered),
        ("SPII", Finish::Filtered),
        ("OTHER", Finish::Stop),
        ("SOMETHING_NEW", Finish::Stop),
    ] {
        let got = read_all(&[parts(json!([{"text": "Yes."}])), ends(reason)]).await;
        assert_eq!(got, [text("Yes."), done(finish)], "{reason}");
    }
    let blocked = [json!({"promptFeedback": {"blockReason": "SAFETY"}})];
    assert_eq!(read_all(&blocked).await, [LlmEvent::Done { finish: Finish::Filtered, usage: None }]);
    for spoilt in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"] {
        let failure = check_failure(&[ends(spoilt)], FailureClass::Malformed).await;
        assert!(failure.detail.ends_with(spoilt), "{failure}");
    }
}

#[tokio::test]
async fn an_error_within_the_stream_has_its_class() {
    let broken = |status: &str| {
        json!({"error": {"code": 500, "status": status, "message": "you said: 42",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]}})
    };
    for (status, class) in [
        ("UNAVAILABLE", FailureClass::Unavailable),
        ("INTERNAL", FailureClass::Unavailable),
        ("RESOURCE_EXHAUSTED", FailureClass::OverLimit),
        ("DEADLINE_EXCEEDED", FailureClass::TimedOut),
        ("INVALID_ARGUMENT", FailureClass::Refused),
        ("SOMETHING_NEW", FailureClass::Unavailable),
    ] {
        let failure = check_failure(&[parts(json!([{"text": "Yes"}])), broken(status)], class).await;
        assert!(!failure.detail.contains("42") && failure.retry_after.is_some(), "{failure}");
    }
    let late = [parts(json!([{"text": "Yes."}])), ends("STOP"), broken("INTERNAL")];
    assert_eq!(read_all(&late).await.last(), Some(&done(Finish::Stop)), "the reply was whole");
}

#[tokio::test]
async fn what_does_not_end_is_a_failure() {
    check_failure(&[parts(json!([{"text": "Yes"}]))], FailureClass::Unavailable).await;
    check_failure(&[], FailureClass::Unavailable).await;
    check_failure(&vec![parts(json!([{"functionCall": {"args": {}}}])); 5], FailureClass::Malformed).await;
    check_failure(&vec![parts(json!([{"functionCall": {"name": "f"}}])); 40], FailureClass::Malformed).await;
    let list = read(vec![b"[{\"candidates\": []}]".to_vec()]).await.0;
    let [LlmEvent::Failed(failure)] = &list[..] else { panic!("{list:?}") };
    assert_eq!(failure.class, FailureClass::Malformed);
}

#[tokio::test]
async fn bytes_that_are_no_text_spoil_one_event() {
    let mut whole = written(&[parts(json!([{"text": "Yes."}]))]);
    whole.extend(b"data: \xff\xfe\xc3(\n\n");
    whole.extend(written(&[ends("STOP")]));
    assert_eq!(read(vec![whole]).await.0, [text("Yes."), done(Finish::Stop)]);
}

#[test]
fn a_refused_request_has_its_class() {
    let check = |status: u16, body: Value, class: FailureClass, detail: &str| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let refusal = crate::provider::egress::Refusal { status, headers: http::HeaderMap::new(), body };
        let failure = error::http_refusal("gemini", &refusal);
        assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
        failure
    };
    let body = |status: &str, details: Value| json!({"error": {"code": 1, "status": status, "message": "you said 42", "details": details}});
    let bad_key = body(
        "INVALID_ARGUMENT",
        json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]),
    );
    check(400, bad_key, FailureClass::Unauthorised, "gemini answered 400: API_KEY_INVALID");
    let retry = body("RESOURCE_EXHAUSTED", json!([{"retryDelay": "12s"}]));
    let failure =
        check(429, json!([retry]), FailureClass::OverLimit, "gemini answered 429: RESOURCE_EXHAUSTED");
    assert_eq!(failure.retry_after, Some(std::time::Duration::from_secs(12)));
    check(404, body("NOT_FOUND", Value::Null), FailureClass::Refused, "gemini answered 404: NOT_FOUND");
    check(
        503,
        body("UNAVAILABLE", Value::Null),
        FailureClass::Unavailable,
        "gemini answered 503: UNAVAILABLE",
    );
    check(504, Value::Null, FailureClass::Unavailable, "gemini answered 504");
}
