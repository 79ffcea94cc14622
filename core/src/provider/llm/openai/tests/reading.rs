//! A reply from its first byte to its last.

use super::*;

fn response(pieces: Vec<String>) -> reqwest::Response {
    let pieces =
        futures_util::stream::iter(pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece))));
    http::Response::new(reqwest::Body::wrap_stream(pieces)).into()
}

async fn read(response: reqwest::Response) -> Vec<LlmEvent> {
    let (sender, mut events) = mpsc::channel(STREAM_DEPTH);
    let mut outlet = Outlet::new(sender);
    let answer = stream::Answer::of("openai", response).await.unwrap();
    let last = match stream::read("openai", answer, &mut outlet).await {
        Ok(done) => done,
        Err(End::Failed(failure)) => LlmEvent::Failed(failure),
        Err(End::ReaderGone) => panic!("the reader is there"),
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
    let usage = Some(LlmUsage { tokens_in: 3, tokens_out: 2, ..LlmUsage::default() });
    check(&pieces, &[text("Hello"), text(" you."), LlmEvent::Done { finish: Finish::Stop, usage }]).await;
}

#[tokio::test]
async fn the_last_of_many_usages_counts_wherever_it_is() {
    let with = |mut value: Value, tokens: u64| {
        value["usage"] = json!({"prompt_tokens": 5, "completion_tokens": tokens});
        value
    };
    let pieces = [data(&[with(chunk(json!({"content": "a"})), 1), with(finished("stop"), 2)])];
    let usage = Some(LlmUsage { tokens_in: 5, tokens_out: 2, ..LlmUsage::default() });
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
        &[
            LlmEvent::Progress,
            call("a", "f", json!({"x": 1})),
            call("b", "g", json!({})),
            done(Finish::ToolCalls),
        ],
    )
    .await;
}

#[tokio::test]
async fn servers_deviate_with_tool_calls() {
    let part = |part: Value| chunk(json!({"tool_calls": [part]}));
    let whole = |id: &str, index: Value, arguments: Value| {
        part(json!({"id": id, "index": index, "function": {"name": "f", "arguments": arguments}}))
    };
    let two = [
        LlmEvent::Progress,
        call("a", "f", json!({"n": 1})),
        call("b", "f", json!({"n": 2})),
        done(Finish::ToolCalls),
    ];
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
    let repeated =
        [whole("a", json!(0), json!("{\"n\"")), whole("a", json!(0), json!(":1}")), finished("tool_calls")];
    let one = [LlmEvent::Progress, call("a", "f", json!({"n": 1})), done(Finish::ToolCalls)];
    check(&[data(&repeated)], &one).await;
    // Another id with every piece, and no wrapping `function`.
    let renamed = [
        whole("a", json!(0), json!("{\"n\"")),
        part(json!({"id": "z", "index": "0", "function": {"name": "", "arguments": ":1}"}})),
    ];
    check(&[data(&renamed)], &one).await;
    let bare = [part(json!({"id": "a", "name": "f", "arguments": {"n": 1}})), finished("tool_calls")];
    check(&[data(&bare)], &one).await;
    let single =
        chunk(json!({"tool_calls": {"id": "a", "function": {"name": "f", "arguments": "{\"n\":1}"}}}));
    check(&[data(&[single])], &one).await;
    // What does not parse is carried as it is.
    let broken = [whole("a", json!(0), json!("{\"n\":")), finished("tool_calls")];
    let unread = [LlmEvent::Progress, call("a", "f", json!("{\"n\":")), done(Finish::ToolCalls)];
    check(&[data(&broken)], &unread).await;
}

#[tokio::test]
async fn a_tool_call_cut_by_the_token_limit_is_not_made() {
    let part = chunk(
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"n\""}}]}),
    );
    check(&[data(&[part, finished("length")])], &[LlmEvent::Progress, done(Finish::Length)]).await;
}

#[tokio::test]
async fn the_end_of_the_body_ends_the_reply() {
    let said = data(&[chunk(json!({"content": "a"}))]);
    check(&[said.clone(), data(&[finished("stop")])], &[text("a"), done(Finish::Stop)]).await;
    check(&[said.clone() + "data: [DONE]\n\n"], &[text("a"), done(Finish::Stop)]).await;
    check(std::slice::from_ref(&said), &[text("a"), done(Finish::Stop)]).await;
    // The last event without its blank line.
    check(&[said.trim_end().to_owned()], &[text("a"), done(Finish::Stop)]).await;
    let call_of = |arguments: &str| {
        data(&[chunk(
            json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": arguments}}]}),
        )])
    };
    let called = [LlmEvent::Progress, call("a", "f", json!({"n": 1})), done(Finish::ToolCalls)];
    check(&[call_of("{\"n\":1}")], &called).await;
    check_failure(&[said, call_of("{\"n\":")], FailureClass::Unavailable).await;
    check_failure(&[data(&[chunk(json!({"role": "assistant", "content": ""}))])], FailureClass::Unavailable)
        .await;
    check_failure(&[], FailureClass::Unavailable).await;
}

#[tokio::test]
async fn a_lost_connection_is_told_after_the_text_that_came() {
    let lost = |pieces: &[&str]| {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from((*piece).to_owned()))).collect();
        let cut = std::iter::once(Err(std::io::Error::other("reset")));
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces.into_iter().chain(cut)));
        read(http::Response::new(body).into())
    };
    let said = data(&[chunk(json!({"content": "a"}))]);
    let got = lost(&[&said, said.trim_end(), "\ndata: {\"choi"]).await;
    assert_eq!(got[..2], [text("a"), text("a")]);
    assert!(
        matches!(&got[2..], [LlmEvent::Failed(failure)] if failure.class == FailureClass::Unavailable),
        "{got:?}"
    );
    // Events without the blank line between them.
    let close = [said.trim_end(), &said, "data: [DONE]"].join("\n");
    check(&[close], &[text("aa"), done(Finish::Stop)]).await;
    // With its reason to finish the reply was complete.
    assert_eq!(lost(&[&said, &data(&[finished("stop")])]).await, [text("a"), done(Finish::Stop)]);
    assert_eq!(lost(&[&said, "data: [DONE]"]).await, [text("a"), done(Finish::Stop)]);
}

#[tokio::test]
async fn keep_alives_of_every_form_change_nothing() {
    let alive = [
        ": OPENROUTER PROCESSING\n\n",
        "data: : keepalive\n\n",
        "data: \n\n",
        "data\n\n",
        "data: {}\n\n",
        "data: null\n\n",
        "data: ping\n\n",
        "data:{\"choices\":[]}\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: ping\n\n",
        "id: 1\nretry: 10\n\n",
        "\r\n",
    ];
    let mut body: String = alive.concat().repeat(3);
    for word in ["We ", "open ", "at nine."] {
        body += &data(&[chunk(json!({"content": word}))]).replace("data: ", "data:").replace('\n', "\r\n");
        body += &alive.concat();
    }
    body += &data(&[finished("stop")]);
    body += &alive.concat();
    for form in [body.clone() + "data: [DONE]\n\n", body.clone() + "data:[done]", format!("\u{feff}{body}")] {
        for size in [form.len(), 17] {
            let pieces =
                form.as_bytes().chunks(size).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)));
            let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()));
            let got = read(http::Response::new(body).into()).await;
            let said: String = got
                .iter()
                .filter_map(|event| match event {
                    LlmEvent::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(said, "We open at nine.");
            assert_eq!(got.last(), Some(&done(Finish::Stop)), "{got:?}");
        }
    }
}

#[tokio::test]
async fn work_that_is_not_said_shows() {
    let thought =
        data(&[chunk(json!({"reasoning_content": "hm"})), chunk(json!({"reasoning_content": "hm"}))]);
    let arguments = data(&[chunk(
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}),
    )]);
    let pieces = [
        thought.clone(),
        thought + &data(&[chunk(json!({"content": "a"}))]),
        arguments,
        data(&[finished("stop")]),
    ];
    let expected = [
        LlmEvent::Progress,
        text("a"),
        LlmEvent::Progress,
        call("a", "f", json!({})),
        done(Finish::ToolCalls),
    ];
    check(&pieces, &expected).await;
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_read() {
    let whole = json!({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "We open at nine."}}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
    let usage = Some(LlmUsage { tokens_in: 3, tokens_out: 2, ..LlmUsage::default() });
    let expected = [text("We open at nine."), LlmEvent::Done { finish: Finish::Stop, usage }];
    let pretty = serde_json::to_string_pretty(&whole).unwrap();
    let (first, second) = pretty.split_at(40);
    check(&[format!(" \n{first}"), second.to_owned()], &expected).await;
    check(&[data(std::slice::from_ref(&whole))], &expected).await;
    let lines = [chunk(json!({"content": "We "})), chunk(json!({"content": "open."})), finished("stop")]
        .map(|line| format!("{line}\n"));
    check(&lines, &[text("We open."), done(Finish::Stop)]).await;
    let called = json!({"choices": [{"message": {"content": null, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"n\":1}"}}]}}]});
    check(
        &[called.to_string()],
        &[LlmEvent::Progress, call("a", "f", json!({"n": 1})), done(Finish::ToolCalls)],
    )
    .await;
    // What was streamed is not said again.
    let repeated = data(&[chunk(json!({"content": "We open at nine."})), whole]);
    check(&[repeated], &expected).await;
    check_failure(&[json!({"error": {"code": "rate_limit_exceeded"}}).to_string()], FailureClass::OverLimit)
        .await;
    check_failure(&["{}".into()], FailureClass::Unavailable).await;
    check_failure(&["<!doctype html><p>hello".into()], FailureClass::Malformed).await;
}

#[tokio::test]
async fn errors_within_the_stream_have_a_class() {
    let check = async |error: Value, class| {
        check_failure(&[data(&[chunk(json!({"content": "a"})), json!({"error": error})])], class).await;
    };
    check(json!({"type": "server_error", "message": "x"}), FailureClass::Unavailable).await;
    check(json!({"code": "rate_limit_exceeded"}), FailureClass::OverLimit).await;
    check(json!({"code": 429}), FailureClass::OverLimit).await;
    check(json!({"code": "429"}), FailureClass::OverLimit).await;
    check(json!({"type": "BadRequestError", "code": 400}), FailureClass::Refused).await;
    check(json!({"type": "invalid_request_error"}), FailureClass::Refused).await;
    check(json!({"status": "RESOURCE_EXHAUSTED"}), FailureClass::OverLimit).await;
    check(json!({"type": "overloaded_error"}), FailureClass::Unavailable).await;
    check(json!("broken"), FailureClass::Unavailable).await;
    check_failure(&["event: error\ndata: {\"message\":\"x\"}\n\n".into()], FailureClass::Unavailable).await;
    check_failure(&["event: error\ndata: oh no\n\n".into()], FailureClass::Unavailable).await;
    check_failure(&["error: {\"code\":429}\n\n".into()], FailureClass::OverLimit).await;
    let half = data(&[chunk(json!({"content": "half"})), json!({"error": {"code": 500}})]);
    assert_eq!(read(response(vec![half])).await[0], text("half"));
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
async fn a_page_instead_of_an_answer_is_explained() {
    let mut answer = http::Response::new("<html>");
    answer.headers_mut().insert("content-type", "text/html; charset=utf-8".parse().unwrap());
    let got = read(answer.into()).await;
    assert!(
        matches!(&got[..], [LlmEvent::Failed(failure)] if failure.detail.contains("base_url")),
        "{got:?}"
    );
}
