//! The times of the caller's words are those of their sound in the recording, also when a carrier kept it back and sends it at once.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use vox_testkit::vendor::openai::Script;

use crate::harness::raw::{Raw, text, ws_handshake, ws_silence};
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, lines, speech};

const CALLER: &str = "burst";
/// A frame of the line.
const FRAME: Duration = Duration::from_millis(20);
/// Kept back, and then sent at once.
const STALL: Duration = Duration::from_millis(1_500);
/// Above this a sample is the caller's voice.
const LOUD: u16 = 800;

/// Say silence until the bot has begun, if it has not, and said nothing for half a second.
async fn until_quiet(raw: &mut Raw) {
    let (until, mut heard_at) = (Instant::now() + PATIENCE, None::<Instant>);
    while heard_at.is_none_or(|at| at.elapsed() < Duration::from_millis(500)) {
        assert!(Instant::now() < until, "the bot is not heard, or does not stop");
        raw.send(ws_silence()).await;
        let next = Instant::now() + FRAME;
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            let Some(Message::Text(message)) = raw.next(left).await else { continue };
            let message: Value = serde_json::from_str(&message).unwrap();
            if message["event"] == "reverse-media" {
                heard_at = Some(Instant::now());
            }
        }
    }
}

fn frames(pcm: &[i16]) -> Vec<Message> {
    let frame = |pcm: &[i16]| {
        let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        text(json!({"event": "media", "payload": STANDARD.encode(bytes)}))
    };
    pcm.chunks(160).map(frame).collect()
}

#[tokio::test]
async fn after_a_burst() {
    let scripts = Scripts::new(["one two three four five six"], Script::saying("Thank you."));
    let stage = Stage::start(scripts).await;
    let bot = stage.bot(|_| {}).await;
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(ws_handshake(CALLER)).await;
    until_quiet(&mut raw).await;
    let go_on = Instant::now() + STALL;
    sleep_until(go_on).await;
    let clip = speech(12).at_rate(8_000);
    raw.send_all(frames(clip.samples())).await;
    until_quiet(&mut raw).await;
    raw.send(text(json!({"event": "hangup-call", "disconnectedBy": "customer"}))).await;
    raw.until_closed(None).await;

    let record = stage.record(CALLER).await;
    let caller = lines(&record, "caller");
    let words: Vec<&Value> = caller.iter().flat_map(|line| line["words"].as_array().unwrap()).collect();
    let recording = Recording::fetch(&stage, &record).await;
    let is_loud = |sample: &i16| sample.unsigned_abs() > LOUD;
    let ms = |at: usize| at as f64 * 1_000.0 / f64::from(recording.rate_hz());
    let first_ms = ms(recording.caller().iter().position(is_loud).expect("the caller is recorded"));
    let last_ms = ms(recording.caller().iter().rposition(is_loud).expect("the caller is recorded"));
    let (first, last) = (words.first().unwrap(), words.last().unwrap());
    let (began_ms, ended_ms) = (first["started_ms"].as_f64().unwrap(), last["ended_ms"].as_f64().unwrap());
    let said = format!("words from {began_ms} to {ended_ms} ms, sound from {first_ms} to {last_ms} ms");
    assert!((began_ms - first_ms).abs() < 400.0 && (ended_ms - last_ms).abs() < 400.0, "{said}");
    stage.end().await;
}
