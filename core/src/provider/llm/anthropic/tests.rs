//! Messages as the vendor tells them, from the wire to the events.

use std::convert::Infallible;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};
use crate::provider::{FailureClass, STREAM_DEPTH};

fn event(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or("x"))
}

fn start(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn text(index: u64, text: &str) -> Value {
    delta(index, json!({"type": "text_delta", "text": text}))
}

fn part(index: u64, part: &str) -> Value {
    delta(index, json!({"type": "input_json_delta", "partial_json": part}))
}

fn ends(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}})
}

fn begins() -> Value {
    let usage = json!({"input_tokens": 25, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1800, "output_tokens": 1});
    json!({"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": [], "usage": usage}})
}

fn over() -> Value {
    json!({"type": "message_stop"})
}

/// What comes of a body in these pieces, and what is kept of its thoughts.
async fn read(pieces: Vec<Vec<u8>>) -> (Vec<LlmEvent>, Keepsakes) {
    let (sender, mut events) = mpsc::channel(STREAM_DEPTH);
    let mut out = Outlet::new(sender);
    let keepsakes = Keepsakes::default();
    let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let response: reqwest::Response =
        http::Response::new(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))).into();
    let reader = EventReader::new(MessageCodec::new(keepsakes.clone()));
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

async fn read_all(events: &[Value]) -> Vec<LlmEvent> {
    let whole: String = events.iter().map(event).collect();
    read(vec![whole.into_bytes()]).await.0
}

fn done(finish: Finish) -> LlmEvent {
    let usage =
        Some(LlmUsage { tokens_in: 1925, tokens_out: 9, tokens_cached: 1800, tokens_cache_write: 100 });
    LlmEvent::Done { finish, usage }
}

fn call(id: &str, name: &str, arguments: Value) -> LlmEvent {
    LlmEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments })
}

async fn check_failure(events: &[Value], class: FailureClass) -> Failure {
    match read_all(events).await.pop() {
        Some(LlmEvent::Failed(failure)) => {
            assert_eq!(failure.class, class, "{failure}");
            failure
        }
        other => panic!("no failure: {other:?}"),
    }
}

#[tokio::test]
async fn words_and_usage_are_read_wherever_the_network_cuts() {
    let events = [
        begins(),
        start(0, json!({"type": "text", "text": ""})),
        json!({"type": "ping"}),
        text(0, "Gr\u{fc}"),
        text(0, "\u{df} Gott."),
        stop(0),
        ends("end_turn"),
        over(),
    ];
    let whole: Vec<u8> = events.iter().map(event).collect::<String>().into_bytes();
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
async fn calls_side_by_side_are_put_together() {
    let tool = |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    let events = [
        begins(),
        start(0, json!({"type": "text", "text": "One moment."})),
        stop(0),
        start(1, tool("a", "f")),
        start(2, tool("b", "g")),
        part(1, "{\"x\""),
        part(2, ""),
        part(1, ":1}"),
        stop(1),
        stop(2),
        start(3, json!({"type": "tool_use", "id": "c", "name": "h", "input": {"y": 2}})),
        stop(3),
        ends("tool_use"),
        over(),
    ];
    let expected = [
        LlmEvent::Text("One moment.".into()),
        call("a", "f", json!({"x": 1})),
        call("b", "g", json!({})),
        call("c", "h", json!({"y": 2})),
        done(Finish::ToolCalls),
    ];
    assert_eq!(read_all(&events).await, expected);
}

#[tokio::test]
async fn thoughts_are_kept_and_not_spoken() {
    let events = [
        begins(),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm, "})),
        delta(0, json!({"type": "thinking_delta", "thinking": "so."})),
        delta(0, json!({"type": "signature_delta", "signature": "s1"})),
        stop(0),
        start(1, json!({"type": "redacted_thinking", "data": "d"})),
        stop(1),
        start(2, json!({"type": "tool_use", "id": "a", "name": "f", "input": {}})),
        stop(2),
        ends("tool_use"),
        over(),
    ];
    let whole: String = events.iter().map(event).collect();
    let (got, keepsakes) = read(vec![whole.into_bytes()]).await;
    assert_eq!(got, [LlmEvent::Progress, call("a", "f", json!({})), done(Finish::ToolCalls)]);
    let expected = json!([{"type": "thinking", "thinking": "Hm, so.", "signature": "s1"}, {"type": "redacted_thinking", "data": "d"}]);
    assert_eq!(keepsakes.find("a"), Some(expected));
}

#[tokio::test]
async fn thoughts_keep_their_place_around_the_words() {
    let thought = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "s"});
    let events = [
        begins(),
        start(0, thought("Hm.")),
        start(1, json!({"type": "text", "text": "One moment."})),
        start(2, thought("So.")),
        start(3, json!({"type": "tool_use", "id": "a", "name": "f", "input": {}})),
        ends("tool_use"),
        over(),
    ];
    let whole: String = events.iter().map(event).collect();
    let (_, keepsakes) = read(vec![whole.into_bytes()]).await;
    assert_eq!(keepsakes.find("a"), Some(json!([thought("Hm."), null, thought("So.")])));
}

#[tokio::test]
async fn each_reason_to_stop_has_its_meaning() {
    let tool = json!({"type": "tool_use", "id": "a", "name": "f", "input": {}});
    for (reason, finish, calls) in [
        ("max_tokens", Finish::Length, 0),
        ("model_context_window_exceeded", Finish::Length, 0),
        ("refusal", Finish::Filtered, 0),
        ("stop_sequence", Finish::ToolCalls, 1),
        ("something_new", Finish::ToolCalls, 1),
    ] {
        let events = [begins(), start(0, tool.clone()), part(0, "{\"a\""), ends(reason), over()];
        let got = read_all(&events).await;
        assert_eq!(got.last(), Some(&done(finish)), "{reason}");
        assert_eq!(got.iter().filter(|e| matches!(e, LlmEvent::ToolCall(_))).count(), calls, "{reason}");
    }
    let pause = [begins(), start(0, json!({"type": "text", "text": "Well."})), ends("pause_turn"), over()];
    assert_eq!(read_all(&pause).await.last(), Some(&done(Finish::Stop)));
}

#[tokio::test]
async fn an_error_within_the_stream_has_its_class() {
    let broken = |word: &str| json!({"type": "error", "error": {"type": word, "message": "you said: 42"}});
    for (word, class) in [
        ("overloaded_error", FailureClass::Unavailable),
        ("api_error", FailureClass::Unavailable),
        ("timeout_error", FailureClass::TimedOut),
        ("rate_limit_error", FailureClass::OverLimit),
        ("authentication_error", FailureClass::Unauthorised),
        ("invalid_request_error", FailureClass::Refused),
        ("something_new", FailureClass::Unavailable),
    ] {
        let failure = check_failure(&[begins(), broken(word)], class).await;
        assert!(!failure.detail.contains("42"), "{failure}");
    }
    let credit = check_failure(&[broken("billing_error")], FailureClass::OverLimit).await;
    assert!(credit.retry_after.is_some_and(|wait| wait.as_secs() >= 3600));
    let late =
        [begins(), start(0, json!({"type": "text", "text": "Yes."})), ends("end_turn"), broken("api_error")];
    assert_eq!(read_all(&late).await.last(), Some(&done(Finish::Stop)), "the message was whole");
}

#[tokio::test]
async fn what_does_not_end_is_a_failure() {
    check_failure(&[begins(), start(0, json!({"type": "text", "text": "Yes"}))], FailureClass::Unavailable)
        .await;
    check_failure(&[], FailureClass::Unavailable).await;
    let nonsense = vec![json!({"type": "content_block_delta", "index": 4}); 5];
    check_failure(&nonsense, FailureClass::Malformed).await;
    let endless = text(0, &"x".repeat(300_000));
    let mut events = vec![begins(), start(0, json!({"type": "text", "text": ""}))];
    events.extend(vec![endless; 4]);
    check_failure(&events, FailureClass::Malformed).await;
    for body in ["<html>", "{\"id\": 1}"] {
        let got = read(vec![body.as_bytes().to_vec()]).await.0;
        let [LlmEvent::Failed(failure)] = &got[..] else { panic!("{got:?}") };
        assert_eq!(failure.class, FailureClass::Malformed);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_spoil_one_event() {
    let mut whole: Vec<u8> = [begins(), start(0, json!({"type": "text", "text": ""})), text(0, "Yes.")]
        .iter()
        .map(event)
        .collect::<String>()
        .into_bytes();
    whole.extend(b"data: \xff\xfe\xc3(\n\n");
    whole.extend([stop(0), ends("end_turn"), over()].iter().map(event).collect::<String>().into_bytes());
    let (got, _) = read(vec![whole]).await;
    assert_eq!(got, [LlmEvent::Text("Yes.".into()), done(Finish::Stop)]);
}

#[test]
fn a_refused_request_has_its_class() {
    let check = |status: u16, body: &str, class: FailureClass, detail: &str| {
        let refusal =
            crate::provider::egress::Refusal { status, headers: http::HeaderMap::new(), body: body.into() };
        let failure = error::http_refusal(&refusal);
        assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
    };
    let body = |word: &str| {
        json!({"type": "error", "error": {"type": word, "message": "messages.3: you said 42"}}).to_string()
    };
    check(
        400,
        &body("invalid_request_error"),
        FailureClass::Refused,
        "anthropic answered 400: invalid_request_error",
    );
    check(
        529,
        &body("overloaded_error"),
        FailureClass::Unavailable,
        "anthropic answered 529: overloaded_error",
    );
    check(402, &body("billing_error"), FailureClass::OverLimit, "anthropic answered 402: billing_error");
    check(504, &body("timeout_error"), FailureClass::TimedOut, "anthropic answered 504: timeout_error");
    check(502, "<html>", FailureClass::Unavailable, "anthropic answered 502: with a web page");
    check(413, "", FailureClass::Refused, "anthropic answered 413");
}
