//! One chunk of a stream.

use proptest::prelude::*;

use super::*;

#[test]
fn chunks_are_read() {
    let text = |text: &str| Chunk { text: text.into(), ..Chunk::default() };
    let check =
        |value: Value, expected: Chunk| assert_eq!(parse_event(&value.to_string()), Ok(expected), "{value}");
    check(chunk(json!({"role": "assistant", "content": ""})), text(""));
    check(chunk(json!({"content": "Hel"})), text("Hel"));
    let thinks = || Chunk { thinks: true, ..Chunk::default() };
    check(chunk(json!({"content": null, "reasoning_content": "hm"})), thinks());
    check(chunk(json!({"reasoning": "hm"})), thinks());
    check(chunk(json!({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]})), thinks());
    check(
        chunk(json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]})),
        thinks(),
    );
    check(
        chunk(json!({"content": [{"type": "reasoning", "text": "hm"}, {"text": "a"}]})),
        Chunk { thinks: true, ..text("a") },
    );
    check(
        chunk(json!({"content": "a", "reasoning": "", "reasoning_details": [], "thinking": null})),
        text("a"),
    );
    check(json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": ""}]}), text("a"));
    check(json!({"choices": [{"index": 0, "finish_reason": null}]}), text(""));
    check(json!({"choices": []}), text(""));
    check(json!({}), text(""));
    check(
        json!({"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}),
        text("a"),
    );
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
        "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 5}}});
    // Together they are no more than all.
    let tokens = LlmUsage { tokens_in: 10, tokens_out: 2, tokens_cached: 8, tokens_cache_write: 2 };
    check(usage, Chunk { usage: Some(tokens), ..Chunk::default() });
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
    let value = chunk(json!({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]}));
    let parts = parse_event(&value.to_string()).unwrap().tools;
    assert_eq!(parts[0].arguments, Arguments::Whole(json!({"a": 1})));
}

#[test]
fn every_form_of_an_error_within_the_stream_is_one() {
    let check = |value: Value, word: Option<&str>, status: Option<u16>| {
        let error = StreamError { word: word.map(str::to_owned), status };
        assert_eq!(parse_event(&value.to_string()).unwrap().error, Some(error), "{value}");
    };
    check(json!({"error": {"code": 429, "message": "m", "metadata": {}}}), None, Some(429));
    check(
        json!({"error": {"code": "server_error", "message": "m"}, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}),
        Some("server_error"),
        None,
    );
    check(
        json!({"choices": [{"delta": {}, "finish_reason": "error", "error": {"code": 502}}]}),
        None,
        Some(502),
    );
    check(json!({"choices": [{"delta": {}, "finish_reason": "error"}]}), None, None);
    check(
        json!({"object": "error", "message": "m", "type": "BadRequestError", "param": null, "code": 400}),
        Some("BadRequestError"),
        Some(400),
    );
    check(
        json!({"x_groq": {"id": "r", "error": "over_capacity"}, "choices": []}),
        Some("over_capacity"),
        None,
    );
    check(json!({"type": "error", "error": {"type": "overloaded_error"}}), Some("overloaded_error"), None);
    check(json!([{"error": {"code": "503", "status": "UNAVAILABLE"}}]), Some("UNAVAILABLE"), Some(503));
    check(json!({"detail": "Internal Server Error"}), None, None);
    for none in [
        json!({"error": null}),
        json!({"error": ""}),
        json!({"error": {}, "choices": []}),
        json!({"error": false}),
    ] {
        assert_eq!(parse_event(&none.to_string()).unwrap().error, None, "{none}");
    }
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
