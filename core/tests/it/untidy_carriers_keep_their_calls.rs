//! Messages that a carrier should not send, or sends at the wrong time: each is left out and counted, and the call goes on.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::raw::{Raw, exotel_handshake, text, ws_handshake, ws_silence};
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage};

/// Between two messages that are sent slowly: three times as long as the tone in them.
const APART: Duration = Duration::from_millis(300);

/// A loud tone, 100 ms at 8 kHz and one sample less, so that its base64 needs padding.
fn tone() -> Vec<u8> {
    (0..799_i16).flat_map(|n| (if n % 20 < 10 { 9_000_i16 } else { -9_000 } + n).to_le_bytes()).collect()
}

/// The forms in which its base64 may come.
fn forms() -> Vec<String> {
    let (plain, pcm) = (STANDARD.encode(tone()), tone());
    let lines: Vec<&str> = plain.as_bytes().chunks(76).map(|l| std::str::from_utf8(l).unwrap()).collect();
    vec![lines.join("\r\n"), STANDARD_NO_PAD.encode(&pcm), URL_SAFE.encode(&pcm), lines.join(" ")]
}

/// Wait for the bot's first audio, saying silence meanwhile.
async fn hear_the_bot(raw: &mut Raw, event: &str, silence: &Message) {
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < until, "the bot is not heard");
        raw.send(silence.clone()).await;
        if let Some(Message::Text(message)) = raw.next(Duration::from_millis(20)).await {
            let message: Value = serde_json::from_str(&message).unwrap();
            if message["event"] == event {
                return;
            }
        }
    }
}

/// Send messages one by one, far enough apart that none of them looks like a burst.
async fn send_slowly(raw: &mut Raw, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        let until = Instant::now() + APART;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let _said = raw.next(left).await;
        }
        raw.send(message).await;
    }
}

fn dropped(record: &Value) -> Value {
    let events = record["events"].as_array().unwrap();
    events
        .iter()
        .find(|event| event["event"] == "messages_dropped")
        .map_or(Value::Null, |e| e["data"].clone())
}

async fn metrics(stage: &Stage) -> String {
    reqwest::get(stage.worker.http("/metrics")).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn on_ws() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let media = |payload: &str| text(json!({"event": "media", "payload": payload}));
    let [connected, start, answer] = <[Message; 3]>::try_from(ws_handshake("untidy")).unwrap();
    let mut raw = Raw::open(&format!("{}/ws/{bot}%3Ftoken=abc", stage.worker.url())).await;
    // The stream begins too early, and the handshake comes in another order and twice.
    raw.send_all([media(&STANDARD.encode(tone())), start.clone(), connected.clone()]).await;
    raw.send_all([connected, start, answer.clone(), answer]).await;
    let bad = [
        Message::text("{\"event\":"),
        Message::text(""),
        Message::text("{\"event\":7}"),
        Message::binary(vec![0u8; 320]),
        media("%%%%"),
        media("AAAA"),
        media(""),
        text(json!({"event": "media", "payload": 5})),
        text(json!({"event": "dtmf", "digit": {}})),
        text(json!({"event": "newer"})),
    ];
    for message in bad {
        raw.send_all([message, ws_silence()]).await;
    }
    raw.send(text(json!({"event": "dtmf", "dtmf": {"digit": 5}}))).await;
    hear_the_bot(&mut raw, "reverse-media", &ws_silence()).await;
    send_slowly(&mut raw, forms().iter().map(|payload| media(payload))).await;
    raw.send(text(json!({"event": "hangup-call", "disconnectedBy": "customer"}))).await;
    raw.until_closed(None).await;

    let record = stage.record("untidy").await;
    assert_eq!((&record["disconnected_by"], &record["error"]), (&json!("customer"), &Value::Null));
    let expected = json!({
        "not_json": 2, "no_event": 1, "binary": 1, "no_payload": 1, "not_base64": 1, "half_sample": 1, "empty": 1,
        "bad_field": 1, "repeated": 3, "unknown_event": 1,
    });
    assert_eq!(dropped(&record), expected);
    let metrics = metrics(&stage).await;
    assert!(
        metrics.contains(r#"line_messages_dropped_total{transport="ws",kind="not_json"} 2"#),
        "{metrics}"
    );
    let keys = record["events"].as_array().unwrap().iter().filter(|event| event["event"] == "dtmf");
    assert_eq!(keys.count(), 1, "{record}");
    let recording = Recording::fetch(&stage, &record).await;
    let loud = recording.caller().iter().filter(|sample| sample.unsigned_abs() > 5_000).count();
    assert_eq!(loud, 5 * 799, "the early tone and four forms of it");
    stage.end().await;
}

#[tokio::test]
async fn on_exotel() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let media =
        |payload: &str| text(json!({"event": "media", "stream_sid": "s1", "media": {"payload": payload}}));
    let silence = media(&STANDARD.encode([0u8; 1_600]));
    let [connected, start] = <[Message; 2]>::try_from(exotel_handshake("untidy")).unwrap();
    let mut raw = Raw::open(&format!("{}/exotel/{bot}%3Fsample-rate=8000", stage.worker.url())).await;
    raw.send_all([connected.clone(), media(&STANDARD.encode(tone())), start.clone(), connected, start]).await;
    for message in
        [Message::text("]"), Message::binary(vec![1u8]), media("AAAA"), text(json!({"event": "mark"}))]
    {
        raw.send_all([message, silence.clone()]).await;
    }
    hear_the_bot(&mut raw, "media", &silence).await;
    send_slowly(&mut raw, forms().iter().map(|payload| media(payload))).await;
    raw.send_all([text(json!({"event": "stop", "stop": {"reason": "callended"}})), silence]).await;
    raw.until_closed(None).await;

    let record = stage.record("untidy").await;
    assert_eq!((&record["disconnected_by"], &record["error"]), (&json!("customer"), &Value::Null));
    let expected = json!({"not_json": 1, "binary": 1, "half_sample": 1, "bad_field": 1, "repeated": 2});
    assert_eq!(dropped(&record), expected);
    let recording = Recording::fetch(&stage, &record).await;
    let loud = recording.caller().iter().filter(|sample| sample.unsigned_abs() > 5_000).count();
    assert_eq!(loud, 5 * 799, "the early tone and four forms of it");
    stage.end().await;
}

#[tokio::test]
async fn a_stop_without_a_start_closes_the_line_and_is_no_call() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let stop = text(json!({"event": "stop", "stop": {"reason": "callended"}}));
    let mut raw = Raw::open(&format!("{}/exotel/{bot}", stage.worker.url())).await;
    raw.send_all([text(json!({"event": "connected"})), stop]).await;
    assert_eq!(raw.until_closed(None).await.code(), Some(1000));
    assert_eq!(stage.bridge.calls().await, Vec::<Value>::new());
    stage.end().await;
}

#[tokio::test]
async fn a_tidy_call_says_nothing_of_it() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(ws_handshake("tidy")).await;
    hear_the_bot(&mut raw, "reverse-media", &ws_silence()).await;
    raw.send(text(json!({"event": "hangup-call", "disconnectedBy": "customer"}))).await;
    raw.until_closed(None).await;
    assert_eq!(dropped(&stage.record("tidy").await), Value::Null);
    assert!(!metrics(&stage).await.contains("line_messages_dropped_total{"));
    stage.end().await;
}
