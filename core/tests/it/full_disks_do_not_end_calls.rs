//! A disk that takes no more: the running call ends with a record, a new one is refused, and neither harms the worker.

use std::time::Duration;

use serde_json::json;
use vox_caller::{Outcome, Protocol, Step, Talker};

use crate::harness::raw::{Raw, ws_handshake};
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, assert_clean, texts};

const CALLER: &str = "+919800000009";
/// Less than two seconds of a stereo recording at 16 kHz.
const LIMIT_BYTES: u64 = 100_000;

async fn greets(stage: &Stage, bot: &str, caller: &str, listen: Duration) -> serde_json::Value {
    let call = stage.dial(Protocol::Talk, bot, caller).await;
    let mut talker = Talker::new(&call);
    let quiet = Duration::from_millis(700);
    let heard = talker.act(Step::AwaitReply { quiet, within: crate::harness::PATIENCE }).await;
    assert_eq!(heard, Outcome::Done, "{}", stage.worker.log());
    assert_eq!(talker.act(Step::Wait(listen)).await, Outcome::Done, "the call goes on");
    assert_clean(&call.finish().await);
    stage.record(caller).await
}

#[tokio::test]
async fn a_recording_that_cannot_grow_says_so_and_can_be_played() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    stage.worker.limit_files(Some(LIMIT_BYTES));
    let record = greets(&stage, &bot, CALLER, Duration::from_secs(2)).await;
    assert_eq!(texts(&record, "bot"), [GREETING]);
    let events = record["events"].as_array().unwrap();
    assert!(events.iter().any(|e| e["event"] == "recording_incomplete"), "{events:?}");
    let recording = Recording::fetch(&stage, &record).await;
    let seconds = recording.bot().len() as f64 / f64::from(recording.rate_hz());
    assert!(seconds > 0.5, "{seconds} s are kept");
    assert!(recording.audible(recording.bot(), 0, (seconds * 1e3) as u64) > 0.2, "and can be heard");

    stage.worker.limit_files(None);
    let record = greets(&stage, &bot, "next", Duration::ZERO).await;
    let events = record["events"].as_array().unwrap();
    assert!(events.iter().all(|e| e["event"] != "recording_incomplete"), "{events:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_call_that_cannot_be_written_down_is_refused() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    stage.worker.limit_files(Some(1));
    let mut raw = Raw::open(&format!("{}/ws/{bot}", stage.worker.url())).await;
    raw.send_all(ws_handshake(CALLER)).await;
    let ended = raw.until_closed(None).await;
    let (code, reason) = ended.close.unwrap();
    assert_eq!((code, reason.contains("disk")), (1013, true), "{reason}");

    stage.worker.limit_files(None);
    assert_eq!(texts(&greets(&stage, &bot, "next", Duration::ZERO).await, "bot"), [GREETING]);
    stage.end().await;
}

#[tokio::test]
async fn an_outbox_at_its_quota_lets_nobody_in() {
    let stage = Stage::start_with(Scripts::default(), &[("VOXCORE_OUTBOX_QUOTA_MB", "0")]).await;
    let bot = stage.bot(|_| {}).await;
    let Err(refused) = Raw::try_open(&format!("{}/ws/{bot}", stage.worker.url())).await else {
        panic!("it is let in")
    };
    assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("2")));
    assert_eq!(refused.body, json!({"error": "outbox_full"}));
    let health = reqwest::get(stage.worker.http("/health")).await.unwrap().text().await.unwrap();
    assert!(health.contains(r#""total_available":0"#), "load balancers must send nobody: {health}");
    stage.end().await;
}
