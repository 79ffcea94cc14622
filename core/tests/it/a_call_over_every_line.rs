//! The same conversation over every line and rate: what is said is heard on both sides, recorded, and stored.

use std::time::Duration;

use serde_json::json;
use vox_caller::{EndedBy, Protocol, Scenario, Step, run};
use vox_testkit::vendor::openai::{Rule, Script};

use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, PATIENCE, Stage, assert_clean, speech, texts};

const ASKS: &str = "I would like an appointment.";
const REPLY: &str = "Of course. Which day suits you?";
const LEAVES: &str = "None, good bye.";
const GOODBYE: &str = "Good bye and thank you.";
const CALLER: &str = "+919800000001";
const QUIET: Duration = Duration::from_millis(700);

async fn check(protocol: Protocol) {
    let model = Script::saying(REPLY)
        .with_rule(Rule::on("good bye", "").calling("end_call", json!({"message": GOODBYE})));
    let stage = Stage::start(Scripts::new([ASKS, LEAVES], model)).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(protocol, &bot, CALLER).await;
    let scenario = Scenario::new()
        .await_reply(QUIET)
        .say(speech(6))
        .await_reply(QUIET)
        .say(speech(4))
        .then(Step::AwaitHangup { within: PATIENCE });
    let done = run(call, scenario).await;
    let record = stage.record(CALLER).await;

    assert!(done.is_complete(), "{:?}\n{}", done.steps, stage.worker.log());
    let report = done.call;
    assert_eq!(report.end.by, EndedBy::Bot, "{:?}", report.end);
    assert_clean(&report);
    assert!(report.heard.turns.iter().all(|turn| turn.reply_ms.is_some()), "{:?}", report.heard.turns);
    assert!(
        // Were it cut, it would be more than a second.
        report.heard.unheard_ms < 500.0,
        "{} ms of the goodbye are not heard",
        report.heard.unheard_ms
    );

    assert_eq!(texts(&record, "bot"), [GREETING, REPLY, GOODBYE]);
    assert_eq!(texts(&record, "caller"), [ASKS, LEAVES]);
    assert_eq!(
        (&record["disconnected_by"], &record["transport"]),
        (&json!("bot"), &json!(protocol.segment()))
    );
    assert_eq!(record["latency_samples"].as_array().map(Vec::len), Some(2), "{}", record["latency_samples"]);
    let used: Vec<_> = record["usage_metrics"].as_array().unwrap().iter().map(|u| &u["kind"]).collect();
    assert!(["stt", "llm", "tts"].iter().all(|kind| used.contains(&&json!(kind))), "{used:?}");

    let recording = Recording::fetch(&stage, &record).await;
    assert_eq!(recording.rate_hz(), protocol.rate_hz());
    recording.assert_holds(&record);
    let heard_ms = report.duration_ms;
    let recorded_ms = recording.bot().len() as f64 * 1_000.0 / f64::from(protocol.rate_hz());
    assert!((recorded_ms - heard_ms).abs() < 1_000.0, "{recorded_ms} ms recorded of {heard_ms} ms");
    stage.end().await;
}

#[tokio::test]
async fn over_ws() {
    check(Protocol::Ws).await;
}

#[tokio::test]
async fn over_exotel_at_8_khz() {
    check(Protocol::Exotel { rate_hz: 8_000 }).await;
}

#[tokio::test]
async fn over_exotel_at_16_khz() {
    check(Protocol::Exotel { rate_hz: 16_000 }).await;
}

#[tokio::test]
async fn over_exotel_at_24_khz() {
    check(Protocol::Exotel { rate_hz: 24_000 }).await;
}

#[tokio::test]
async fn over_talk() {
    check(Protocol::Talk).await;
}
