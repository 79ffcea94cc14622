//! `end_call` speaks its goodbye to the end before the line closes, in the order of the dialler's contract.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use vox_testkit::vendor::openai::{Rule, Script};

use crate::harness::raw::{Raw, text, ws_handshake, ws_silence};
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, speech, texts};

const GOODBYE: &str = "Thank you for calling us today. Good bye and have a nice evening.";
const CALLER: &str = "+919800000003";
/// The scripted voice's pace.
const MS_PER_CHAR: usize = 60;

fn frames() -> Vec<Message> {
    use base64::Engine;
    let clip = speech(4).at_rate(8_000);
    let frames = clip.samples().chunks(160).map(|frame| {
        let bytes: Vec<u8> = frame.iter().flat_map(|s| s.to_le_bytes()).collect();
        text(json!({"event": "media", "payload": base64::engine::general_purpose::STANDARD.encode(bytes)}))
    });
    frames.collect()
}

#[tokio::test]
async fn then_media_stop_then_hang_up_then_close() {
    let model =
        Script::default().with_rule(Rule::on("bye", "").calling("end_call", json!({"message": GOODBYE})));
    let stage = Stage::start(Scripts::new(["Bye."], model)).await;
    let bot = stage.bot(|bot| bot.opening_message = String::new()).await;
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(ws_handshake(CALLER)).await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for frame in frames() {
        ticks.tick().await;
        raw.send(frame).await;
    }
    let ended = raw.until_closed(Some(ws_silence())).await;
    let record = stage.record(CALLER).await;

    assert_eq!(ended.events(), ["reverse-media", "reverse-media-stop", "reverse-hangup-call"]);
    assert_eq!(ended.code(), Some(1000));
    let spoken_ms = 20 * ended.messages.iter().filter(|m| m["event"] == "reverse-media").count();
    let goodbye_ms = GOODBYE.len() * MS_PER_CHAR;
    assert!(spoken_ms + 60 >= goodbye_ms, "{spoken_ms} ms of {goodbye_ms} ms were sent");
    assert_eq!(texts(&record, "bot"), [GOODBYE]);
    assert_eq!(record["disconnected_by"], "bot");
    assert_eq!(record["transcript"].as_array().unwrap().last().unwrap()["interrupted"], false);
    stage.end().await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_first_is_the_one_who_ended_it() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(ws_handshake(CALLER)).await;
    // The greeting has begun: the call is on.
    let first = raw.next(crate::harness::PATIENCE).await;
    assert!(first.is_some_and(|m| m.to_string().contains("reverse-media")));
    raw.send(text(json!({"event": "hangup-call", "disconnectedBy": "customer"}))).await;
    let record = stage.record(CALLER).await;
    assert!(
        ["customer", "RNR"].contains(&record["disconnected_by"].as_str().unwrap()),
        "{}",
        record["disconnected_by"]
    );
    let heard = texts(&record, "bot").join(" ");
    assert!(GREETING.starts_with(&heard) && heard.len() < GREETING.len(), "{heard:?}");
    raw.until_closed(None).await;
    stage.end().await;
}
