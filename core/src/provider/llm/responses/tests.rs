//! Responses as the vendor tells them, from the wire to the events.

use std::convert::Infallible;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};
use crate::provider::{FailureClass, STREAM_DEPTH};

fn said(text: &str) -> Value {
    json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": text})
}

fn item(event: &str, index: u64, item: Value) -> Value {
    json!({"type": format!("response.output_item.{event}"), "output_index": index, "item": item})
}

fn call(arguments: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": arguments})
}

fn usage() -> Value {
    json!({"input_tokens": 1200, "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 100}, "output_tokens": 10, "total_tokens": 1210})
}

fn completed() -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "usage": usage()}})
}

fn incomplete(reason: &str) -> Value {
    let response =
        json!({"status": "incomplete", "incomplete_details": {"reason": reason}, "usage": usage()});
    json!({"type": "response.incomplete", "response": response})
}

fn written(values: &[Value]) -> Vec<u8> {
    let event =
        |value: &Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or("x"));
    values.iter().map(event).collect::<String>().into_bytes()
}

async fn read(pieces: Vec<Vec<u8>>) -> Vec<LlmEvent> {
    let (sender, mut events) = mpsc::channel(STREAM_DEPTH);
    let mut out = Outlet::new(sender);
    let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let response: reqwest::Response =
        http::Response::new(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))).into();
    let reader = EventReader::new(ResponseCodec::new("openai"));
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
    got
}

async fn read_all(values: &[Value]) -> Vec<LlmEvent> {
    read(vec![written(values)]).await
}

fn done(finish: Finish) -> LlmEvent {
    LlmEvent::Done {
        finish,
        usage: Some(LlmUsage {
            tokens_in: 1200,
            tokens_out: 10,
            tokens_cached: 1024,
            tokens_cache_write: 100,
        }),
    }
}

fn called(id: &str, arguments: Value) -> LlmEvent {
    LlmEvent::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments })
}

#[tokio::test]
async fn words_and_usage_are_read_wherever_the_network_cuts() {
    let events = [
        json!({"type": "response.created", "response": {}}),
        said("Gr\u{fc}"),
        said("\u{df} Gott."),
        completed(),
    ];
    let whole = written(&events);
    for size in [1, 7, 100, whole.len()] {
        let got = read(whole.chunks(size).map(<[u8]>::to_vec).collect()).await;
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
async fn a_call_is_put_together_however_it_is_told() {
    let delta = |index: u64, piece: &str| json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": piece});
    let all =
        json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{\"a\":1}"});
    let reasoning = item("added", 0, json!({"type": "reasoning", "summary": []}));
    for events in [
        vec![
            item("added", 1, call("")),
            delta(1, "{\"a\""),
            delta(1, ":1}"),
            all.clone(),
            item("done", 1, call("{\"a\":1}")),
        ],
        vec![item("added", 1, call("")), delta(1, "{\"a\""), delta(1, ":1}")],
        vec![item("added", 1, call("")), all],
        vec![item("done", 1, call("{\"a\":1}"))],
    ] {
        let events = [vec![reasoning.clone()], events, vec![completed()]].concat();
        let expected = [LlmEvent::Progress, called("call_1", json!({"a": 1})), done(Finish::ToolCalls)];
        assert_eq!(read_all(&events).await, expected, "{events:?}");
    }
    let second =
        json!({"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "f", "arguments": ""});
    let both = [
        item("added", 1, call("")),
        item("added", 2, second),
        delta(2, "{}"),
        delta(1, "{\"a\":2}"),
        completed(),
    ];
    let expected = [
        LlmEvent::Progress,
        called("call_1", json!({"a": 2})),
        called("call_2", json!({})),
        done(Finish::ToolCalls),
    ];
    assert_eq!(read_all(&both).await, expected);
}

#[tokio::test]
async fn a_refusal_is_spoken_and_a_cut_is_told() {
    let refusal = json!({"type": "response.refusal.delta", "output_index": 0, "delta": "I cannot do that."});
    assert_eq!(
        read_all(&[refusal, completed()]).await,
        [LlmEvent::Text("I cannot do that.".into()), done(Finish::Stop)]
    );
    for (reason, finish) in [("max_output_tokens", Finish::Length), ("content_filter", Finish::Filtered)] {
        let got = read_all(&[said("Yes"), item("added", 1, call("{\"a\"")), incomplete(reason)]).await;
        assert_eq!(got, [LlmEvent::Text("Yes".into()), done(finish)], "{reason}");
    }
}

#[tokio::test]
async fn an_error_within_the_stream_has_its_class() {
    let failed = |code: &str| json!({"type": "response.failed", "response": {"error": {"code": code, "message": "you said: 42"}}});
    let error =
        |code: Value| json!({"type": "error", "code": code, "message": "you said: 42", "param": null});
    for (event, class) in [
        (failed("server_error"), FailureClass::Unavailable),
        (failed("rate_limit_exceeded"), FailureClass::OverLimit),
        (failed("invalid_prompt"), FailureClass::Refused),
        (error(json!("rate_limit_exceeded")), FailureClass::OverLimit),
        (error(json!("insufficient_quota")), FailureClass::OverLimit),
        (error(Value::Null), FailureClass::Unavailable),
        (json!({"error": {"code": "context_length_exceeded", "message": "42"}}), FailureClass::Refused),
    ] {
        let got = read_all(&[said("Yes"), event.clone()]).await;
        let Some(LlmEvent::Failed(failure)) = got.last() else { panic!("{event}: {got:?}") };
        assert_eq!(failure.class, class, "{failure}");
        assert!(!failure.detail.contains("42"), "{failure}");
    }
}

#[tokio::test]
async fn what_does_not_end_is_a_failure() {
    for (events, class) in [
        (vec![said("Yes")], FailureClass::Unavailable),
        (vec![], FailureClass::Unavailable),
        (vec![json!({"type": "response.output_text.delta"}); 5], FailureClass::Malformed),
    ] {
        let got = read_all(&events).await;
        let Some(LlmEvent::Failed(failure)) = got.last() else { panic!("{got:?}") };
        assert_eq!(failure.class, class, "{failure}");
    }
    let mut whole = written(&[said("Yes.")]);
    whole.extend(b"data: \xff\xfe\xc3(\n\n");
    whole.extend(written(&[completed()]));
    assert_eq!(read(vec![whole]).await, [LlmEvent::Text("Yes.".into()), done(Finish::Stop)]);
}
