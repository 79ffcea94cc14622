use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::event::{Arguments, StreamError};
use super::*;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};

fn chunk(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finished(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn data(values: &[Value]) -> String {
    values.iter().map(|value| format!("data: {value}\n\n")).collect()
}

fn call(id: &str, name: &str, arguments: Value) -> LlmEvent {
    LlmEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments })
}

fn done(finish: Finish) -> LlmEvent {
    LlmEvent::Done { finish, usage: None }
}

mod parsing {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chunks_are_read() {
        let text = |text: &str| Chunk { text: text.into(), ..Chunk::default() };
        let check = |value: Value, expected: Chunk| {
            assert_eq!(parse_event(&value.to_string()), Ok(expected), "{value}")
        };
        check(chunk(json!({"role": "assistant", "content": ""})), text(""));
        check(chunk(json!({"content": "Hel"})), text("Hel"));
        check(chunk(json!({"content": null, "reasoning_content": "hm"})), text(""));
        check(chunk(json!({"refusal": "No."})), text("No."));
        check(
            chunk(json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})),
            text("ab"),
        );
        check(
            json!({"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]}),
            text(""),
        );
        check(json!({"choices": "wrong"}), text(""));
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 8}}});
        let tokens = Some(LlmUsage { tokens_in: 10, tokens_out: 2, tokens_cached: 8 });
        check(usage, Chunk { usage: tokens, ..Chunk::default() });
        check(finished("length"), Chunk { finish: Some(Finish::Length), ..Chunk::default() });
        let error = StreamError { word: Some("server_error".into()), status: None };
        check(
            json!({"error": {"message": "x", "type": "server_error"}}),
            Chunk { error: Some(error), ..Chunk::default() },
        );
    }

    #[test]
    fn what_is_not_a_chunk_is_said_so() {
        assert_eq!(parse_event("{"), Err(EventError::NotJson));
        assert_eq!(parse_event("[]"), Err(EventError::NotAnObject));
        assert_eq!(parse_event(&"[".repeat(100_000)), Err(EventError::NotJson));
    }

    #[test]
    fn a_finished_object_of_arguments_is_taken() {
        let value =
            chunk(json!({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]}));
        let parts = parse_event(&value.to_string()).unwrap().tools;
        assert_eq!(parts[0].arguments, Arguments::Whole(json!({"a": 1})));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", number in any::<f64>()) {
            let _unknown = parse_event(&text);
            let value = json!({"choices": [{"index": number, "delta": {"content": number, "tool_calls": [text, {"index": text}]},
                "finish_reason": number}], "usage": {"prompt_tokens": number}, "error": null});
            prop_assert!(parse_event(&value.to_string()).is_ok());
        }
    }
}

mod reading {
    use super::*;

    fn response(pieces: Vec<String>) -> reqwest::Response {
        let pieces = futures_util::stream::iter(
            pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece))),
        );
        http::Response::new(reqwest::Body::wrap_stream(pieces)).into()
    }

    async fn read(response: reqwest::Response) -> Vec<LlmEvent> {
        let (sender, mut events) = mpsc::channel(STREAM_DEPTH);
        let mut outlet = Outlet::new(sender);
        let last = match stream::read(response, &mut outlet).await {
            Ok(done) => done,
            Err(stream::End::Failed(failure)) => LlmEvent::Failed(failure),
            Err(stream::End::ReaderGone) => panic!("the reader is there"),
        };
        outlet.finish(Some(last)).await;
        let mut got = Vec::new();
        while let Some(event) = events.recv().await {
            got.push(event);
        }
        got
    }

    async fn check(pieces: &[String], expected: &[LlmEvent]) {
        assert_eq!(read(response(pieces.to_vec())).await, expected, "{pieces:?}");
    }

    fn text(text: &str) -> LlmEvent {
        LlmEvent::Text(text.into())
    }

    async fn check_failure(pieces: &[String], class: FailureClass) {
        let events = read(response(pieces.to_vec())).await;
        let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("no failure: {events:?}") };
        assert_eq!(failure.class, class, "{failure}");
    }

    #[tokio::test]
    async fn texts_that_arrive_together_go_on_together() {
        let pieces = [
            data(&[chunk(json!({"content": "Hel"})), chunk(json!({"content": "lo"}))]),
            data(&[chunk(json!({"content": " you."})), finished("stop")]),
            data(&[json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})])
                + "data: [DONE]\n\n",
        ];
        let usage = Some(LlmUsage { tokens_in: 3, tokens_out: 2, tokens_cached: 0 });
        check(&pieces, &[text("Hello"), text(" you."), LlmEvent::Done { finish: Finish::Stop, usage }]).await;
    }

    #[tokio::test]
    async fn the_last_of_many_usages_counts_wherever_it_is() {
        let with = |mut value: Value, tokens: u64| {
            value["usage"] = json!({"prompt_tokens": 5, "completion_tokens": tokens});
            value
        };
        let pieces = [data(&[with(chunk(json!({"content": "a"})), 1), with(finished("stop"), 2)])];
        let usage = Some(LlmUsage { tokens_in: 5, tokens_out: 2, tokens_cached: 0 });
        check(&pieces, &[text("a"), LlmEvent::Done { finish: Finish::Stop, usage }]).await;
    }

    #[tokio::test]
    async fn interleaved_tool_calls_are_put_together() {
        let part = |part: Value| chunk(json!({"tool_calls": [part]}));
        let pieces = [data(&[
            part(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}})),
            part(json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}})),
            part(json!({"index": 0, "function": {"arguments": "{\"x\""}})),
            part(json!({"index": 1, "function": {"arguments": "}"}})),
            part(json!({"index": 0, "function": {"arguments": ":1}"}})),
            finished("tool_calls"),
        ])];
        check(
            &pieces,
            &[call("a", "f", json!({"x": 1})), call("b", "g", json!({})), done(Finish::ToolCalls)],
        )
        .await;
    }

    #[tokio::test]
    async fn servers_deviate_with_tool_calls() {
        let part = |part: Value| chunk(json!({"tool_calls": [part]}));
        let whole = |id: &str, index: Value, arguments: Value| {
            part(json!({"id": id, "index": index, "function": {"name": "f", "arguments": arguments}}))
        };
        let two = [call("a", "f", json!({"n": 1})), call("b", "f", json!({"n": 2})), done(Finish::ToolCalls)];
        // No index, `stop` as the reason, arguments as objects.
        let no_index = [
            whole("a", Value::Null, json!({"n": 1})),
            whole("b", Value::Null, json!({"n": 2})),
            finished("stop"),
        ];
        check(&[data(&no_index)], &two).await;
        // Index 0 for every call.
        let zero = [
            whole("a", json!(0), json!("{\"n\":1}")),
            whole("b", json!(0), json!("{\"n\":2}")),
            finished("tool_calls"),
        ];
        check(&[data(&zero)], &two).await;
        // The id repeated with every piece.
        let repeated = [
            whole("a", json!(0), json!("{\"n\"")),
            whole("a", json!(0), json!(":1}")),
            finished("tool_calls"),
        ];
        check(&[data(&repeated)], &[call("a", "f", json!({"n": 1})), done(Finish::ToolCalls)]).await;
        // What does not parse is carried as it is.
        let broken = [whole("a", json!(0), json!("{\"n\":")), finished("tool_calls")];
        check(&[data(&broken)], &[call("a", "f", json!("{\"n\":")), done(Finish::ToolCalls)]).await;
    }

    #[tokio::test]
    async fn a_tool_call_cut_by_the_token_limit_is_not_made() {
        let part = chunk(
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"n\""}}]}),
        );
        check(&[data(&[part, finished("length")])], &[done(Finish::Length)]).await;
    }

    #[tokio::test]
    async fn a_missing_done_is_no_fault_and_a_missing_finish_is() {
        let said = data(&[chunk(json!({"content": "a"}))]);
        check(&[said.clone(), data(&[finished("stop")])], &[text("a"), done(Finish::Stop)]).await;
        check(&[said.clone() + "data: [DONE]\n\n"], &[text("a"), done(Finish::Stop)]).await;
        check_failure(&[said], FailureClass::Unavailable).await;
        check_failure(&[], FailureClass::Unavailable).await;
    }

    #[tokio::test]
    async fn errors_within_the_stream_have_a_class() {
        let check = async |error: Value, class| {
            check_failure(&[data(&[chunk(json!({"content": "a"})), json!({"error": error})])], class).await;
        };
        check(json!({"type": "server_error", "message": "x"}), FailureClass::Unavailable).await;
        check(json!({"code": "rate_limit_exceeded"}), FailureClass::OverLimit).await;
        check(json!({"code": 429}), FailureClass::OverLimit).await;
        check(json!("broken"), FailureClass::Unavailable).await;
        check_failure(&["event: error\ndata: {\"message\":\"x\"}\n\n".into()], FailureClass::Unavailable)
            .await;
        check_failure(&["event: error\ndata: oh no\n\n".into()], FailureClass::Unavailable).await;
    }

    #[tokio::test]
    async fn nonsense_is_tolerated_up_to_a_point() {
        let nonsense = "data: {\n\n".to_owned();
        let good = data(&[chunk(json!({"content": "a"})), finished("stop")]);
        check(&[nonsense.clone(), nonsense.clone(), good], &[text("a"), done(Finish::Stop)]).await;
        check_failure(&[nonsense.repeat(5)], FailureClass::Malformed).await;
        check_failure(&["x".repeat(2 << 20)], FailureClass::Malformed).await;
        let endless = data(&[chunk(json!({"content": "x".repeat(600_000)}))]);
        check_failure(&[endless.clone(), endless], FailureClass::Malformed).await;
    }

    #[tokio::test(start_paused = true)]
    async fn usage_is_awaited_only_briefly() {
        let open = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(data(&[finished("stop")])))])
            .chain(futures_util::stream::pending());
        let begun = tokio::time::Instant::now();
        let got = read(http::Response::new(reqwest::Body::wrap_stream(open)).into()).await;
        assert_eq!(got, [done(Finish::Stop)]);
        assert!(begun.elapsed() <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_silence_ends() {
        let silent = futures_util::stream::pending::<Result<Bytes, Infallible>>();
        let got = read(http::Response::new(reqwest::Body::wrap_stream(silent)).into()).await;
        assert!(
            matches!(&got[..], [LlmEvent::Failed(failure)] if failure.class == FailureClass::TimedOut),
            "{got:?}"
        );
    }

    #[tokio::test]
    async fn an_answer_in_one_piece_is_explained() {
        let mut answer = http::Response::new("{}");
        answer.headers_mut().insert("content-type", "application/json".parse().unwrap());
        let got = read(answer.into()).await;
        assert!(
            matches!(&got[..], [LlmEvent::Failed(failure)] if failure.detail.contains("stream: true")),
            "{got:?}"
        );
    }
}

mod refusing {
    use http::HeaderMap;

    use super::*;
    use crate::provider::egress::Refusal;

    fn refusal(status: u16, body: Value) -> Refusal {
        Refusal { status, headers: HeaderMap::new(), body: body.to_string() }
    }

    #[test]
    fn refusals_have_a_class_and_no_free_text() {
        let check = |status, body: Value, class, detail: &str| {
            let failure = error::http_refusal(&refusal(status, body));
            assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
        };
        let error = |code: &str| json!({"error": {"message": "you said: secret words", "type": "x_error", "code": code}});
        check(
            401,
            error("invalid_api_key"),
            FailureClass::Unauthorised,
            "openai answered 401: invalid_api_key",
        );
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
        let failure = error::http_refusal(&refusal(429, body));
        assert_eq!(failure.class, FailureClass::OverLimit);
        assert!(failure.retry_after.unwrap() >= Duration::from_secs(60));
    }

    #[test]
    fn a_field_that_the_server_does_not_know_is_found() {
        let body = json!({"model": "m", "store": false, "temperature": 0.7, "max_completion_tokens": 9,
            "stream_options": {"include_usage": true, "include_obfuscation": false}});
        let check = |status, answer: Value, expected| {
            assert_eq!(error::unknown_field(&refusal(status, answer.clone()), &body), expected, "{answer}");
        };
        check(
            400,
            json!({"error": {"param": "temperature", "code": "unsupported_value"}}),
            Some("temperature"),
        );
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
}
