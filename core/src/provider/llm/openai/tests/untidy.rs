//! Servers that speak the protocol in their own way.

use std::io::Error;

use tokio::time::Instant;

use super::*;

/// What a reader makes of a body that comes in these pieces, each so many milliseconds after the one before.
async fn read_pieces(kind: &str, pieces: Vec<(u64, Vec<u8>)>) -> Vec<LlmEvent> {
    let pieces = futures_util::stream::iter(pieces).then(|(ms, piece)| async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        if piece == b"CUT" { Err(Error::other("cut")) } else { Ok(piece) }
    });
    let body = reqwest::Body::wrap_stream(pieces);
    let response = http::Response::builder().header("content-type", kind).body(body).unwrap();
    let (events, mut read) = mpsc::channel(1_000);
    let mut out = Outlet::new(events);
    let last = match stream::Answer::of("openai", response.into()).await {
        Ok(answer) => stream::read("openai", answer, &mut out).await,
        Err(failure) => Err(failure.into()),
    };
    let last = match last {
        Ok(done) => Some(done),
        Err(End::Failed(failure)) => Some(LlmEvent::Failed(failure)),
        Err(End::ReaderGone) => None,
    };
    out.finish(last).await;
    let mut all = Vec::new();
    while let Some(event) = read.recv().await {
        all.push(event);
    }
    all
}

async fn read_text(body: &str) -> Vec<LlmEvent> {
    read_pieces("text/event-stream", vec![(1, body.as_bytes().to_vec())]).await
}

fn piece(delta: Value, finish: Option<&str>) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
}

fn word(text: &str, finish: Option<&str>) -> String {
    piece(json!({"content": text}), finish)
}

fn said(events: &[LlmEvent]) -> String {
    let text = |event: &LlmEvent| if let LlmEvent::Text(text) = event { text.clone() } else { String::new() };
    events.iter().map(text).collect()
}

fn calls(events: &[LlmEvent]) -> Vec<(String, Value)> {
    let call = |event: &LlmEvent| match event {
        LlmEvent::ToolCall(call) => Some((call.name.clone(), call.arguments.clone())),
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

fn is_done(events: &[LlmEvent]) -> bool {
    matches!(events.last(), Some(LlmEvent::Done { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_by_what_it_is_and_not_by_its_name() {
    let body = word("We open at nine.", Some("stop"));
    for kind in ["text/html; charset=UTF-8", "TEXT/HTML", "application/json", "text/plain", ""] {
        for pieces in [vec![(1, body.clone())], vec![(1, "\u{feff}\n".to_owned()), (5, body.clone())]] {
            let pieces = pieces.into_iter().map(|(ms, text)| (ms, text.into_bytes())).collect();
            let events = read_pieces(kind, pieces).await;
            assert_eq!(
                (said(&events).as_str(), is_done(&events)),
                ("We open at nine.", true),
                "{kind}: {events:?}"
            );
        }
        let events = read_pieces(kind, vec![(1, b"\n <!DOCTYPE html><p>Hello".to_vec())]).await;
        let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{kind}: {events:?}") };
        assert!(failure.detail.contains("web page"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reason_to_finish_in_every_piece_is_none() {
    let pieces = ["We open", " at nine", " and close", " at five."].map(|text| word(text, Some("stop")));
    let slowly = pieces.iter().map(|piece| (300, piece.clone().into_bytes())).collect();
    let events = read_pieces("text/event-stream", slowly).await;
    assert_eq!((said(&events).as_str(), is_done(&events)), ("We open at nine and close at five.", true));

    let function = |arguments: &str| {
        let call = json!({"index": 0, "id": "a", "function": {"name": "end_call", "arguments": arguments}});
        piece(json!({"tool_calls": [call]}), Some("stop"))
    };
    let events = read_text(&(function("{\"message\":") + &function("\"Bye.\"}") + "data: [DONE]\n\n")).await;
    assert_eq!(calls(&events), [("end_call".to_owned(), json!({"message": "Bye."}))]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_over_soon_after_its_reason_to_finish() {
    let began = Instant::now();
    let last = word("We open at nine.", Some("stop"));
    let events = read_pieces("", vec![(10, last.into_bytes()), (60_000, b": still here\n\n".to_vec())]).await;
    assert!(is_done(&events) && began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());

    let body = word("We open at nine.", Some("stop")) + "data: {\"error\":{\"code\":500}}\n\n";
    assert!(is_done(&read_text(&body).await), "an error behind a complete reply");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_alive_is_at_work_for_a_while() {
    for alive in [": OPENROUTER PROCESSING\n\n", "data: : keepalive\n\n", "data: ping\n\n", ":\n"] {
        let mut pieces: Vec<(u64, Vec<u8>)> = (0..10).map(|_| (2_000, alive.as_bytes().to_vec())).collect();
        pieces.push((10, word("Hello.", Some("stop")).into_bytes()));
        let events = read_pieces("text/event-stream", pieces).await;
        let signs = events.iter().filter(|event| **event == LlmEvent::Progress).count();
        assert!((3..=5).contains(&signs), "{alive:?}: {signs} signs in twenty seconds");
        assert_eq!(said(&events), "Hello.");
    }
}

#[tokio::test(start_paused = true)]
async fn tool_calls_come_in_every_cut() {
    let part = |part: Value| piece(json!({"tool_calls": [part]}), None);
    let bye = || ("end_call".to_owned(), json!({"message": "Bye."}));
    let look = || ("look_up".to_owned(), json!({"id": 7}));
    let call = |index: Value, name: &str, arguments: &str| {
        part(json!({"index": index, "function": {"name": name, "arguments": arguments}}))
    };
    let rest = |arguments: &str| part(json!({"index": 0, "function": {"arguments": arguments}}));
    for (form, body, expected) in [
        (
            "a name in pieces",
            call(json!(0), "end", "") + &call(json!(0), "_call", "") + &rest("{\"message\":\"Bye.\"}"),
            vec![bye()],
        ),
        (
            "a name that grows",
            call(json!(0), "end", "") + &call(json!(0), "end_call", "{\"message\":\"Bye.\"}"),
            vec![bye()],
        ),
        (
            "a name with every piece",
            call(json!(0), "end_call", "{\"mess") + &call(json!(0), "end_call", "age\":\"Bye.\"}"),
            vec![bye()],
        ),
        (
            "a name once more at the end",
            call(json!(0), "end_call", "{\"message\":\"Bye.\"}") + &call(json!(0), "end_call", ""),
            vec![bye()],
        ),
        (
            "two calls of one index without ids",
            call(json!(0), "look_up", "{\"id\":7}")
                + &call(json!(0), "end_call", "{\"message\":")
                + &rest("\"Bye.\"}"),
            vec![look(), bye()],
        ),
        (
            "two calls of the same tool",
            call(json!(0), "look_up", "{\"id\":7}") + &call(json!(0), "look_up", "{\"id\":7}"),
            vec![look(), look()],
        ),
        (
            "two calls in turns",
            call(json!(1), "end_call", "")
                + &call(json!("0"), "look_up", "{\"id\"")
                + &part(json!({"index": 1,
                "function": {"arguments": "{\"message\":\"Bye.\"}"}}))
                + &rest(":7}"),
            vec![bye(), look()],
        ),
    ] {
        let events = read_text(&(body + "data: [DONE]\n\n")).await;
        assert_eq!(calls(&events), expected, "{form}: {events:?}");
        assert!(is_done(&events), "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn text_is_found_in_every_form() {
    let parts =
        json!({"content": [{"type": "text", "text": "We open "}, {"type": "text", "text": "at nine."}]});
    let plain = json!({"choices": [{"index": 0, "text": "We open at nine.", "finish_reason": null}]});
    let whole = json!({"choices": [{"message": {"role": "assistant", "content": "We open at nine."}}]});
    let nothing = [
        "data: {\"choices\":null}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":null,\"finish_reason\":null}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":null}}]}\n\n",
        "event: message\nid: 7\n\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "data: []\n\n",
    ]
    .concat();
    for body in [
        piece(parts, None),
        format!("data: {plain}\n\n"),
        format!("data: {whole}\n\n"),
        format!("{whole}"),
        format!("{whole:#}\r\n"),
        format!("{nothing}{}{nothing}", word("We open at nine.", None)),
        format!("data:{}", word("We open at nine.", None).trim_start_matches("data: ").trim_end()),
        word("We open at nine.", None).replace('\n', "\r"),
        format!("event: chunk\n{}", word("We open at nine.", Some(""))),
    ] {
        let events = read_text(&body).await;
        assert_eq!(
            (said(&events).as_str(), is_done(&events)),
            ("We open at nine.", true),
            "{body}: {events:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_cut_is_said() {
    let begun = word("We open", None).into_bytes();
    let cut = |piece: &str| vec![(1, begun.clone()), (1, piece.as_bytes().to_vec()), (1, b"CUT".to_vec())];
    for (piece, expected) in [("", "We open"), (word(" at nine", None).trim_end(), "We open at nine")] {
        let events = read_pieces("text/event-stream", cut(piece)).await;
        assert_eq!(said(&events), expected);
        assert!(matches!(events.last(), Some(LlmEvent::Failed(_))), "{events:?}");
    }
}
