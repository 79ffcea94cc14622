//! SIGTERM: the running call ends by itself, new ones are refused, then the process is gone with success.

use std::time::Duration;

use serde_json::{Value, json};
use vox_caller::{Outcome, Protocol, Step, Talker};
use vox_testkit::vendor::openai::Script;

use crate::harness::raw::Raw;
use crate::harness::vendors::Scripts;
use crate::harness::{Stage, assert_clean, eventually, speech, texts};

const CALLER: &str = "+919800000010";
const REPLY: &str = "We close at eight.";

#[tokio::test]
async fn and_refuses_new_ones() {
    let mut stage = Stage::start(Scripts::new(["When do you close?"], Script::saying(REPLY))).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_millis(700), within: crate::harness::PATIENCE };
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    stage.worker.terminate();
    let health = stage.worker.http("/health");
    eventually("it says that it drains", async || {
        let health: Value = reqwest::get(&health).await.ok()?.json().await.ok()?;
        (health["status"] == "draining").then(|| assert_eq!(health["total_available"], 0))
    })
    .await;
    let Err(refused) = Raw::try_open(&format!("{}/ws/{bot}", stage.worker.url())).await else {
        panic!("a new call is let in")
    };
    assert_eq!((refused.status, refused.body), (503, json!({"error": "draining"})));

    assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    assert_eq!(talker.act(hears()).await, Outcome::Done, "the running call goes on");
    assert_clean(&call.finish().await);
    stage.worker.ended().await;
    let record = stage.record(CALLER).await;
    assert_eq!(
        (&record["disconnected_by"], texts(&record, "bot").last().unwrap().as_str()),
        (&json!("customer"), REPLY)
    );
    stage.end().await;
}
