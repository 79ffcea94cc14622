//! The bridge goes away in mid-call: the call goes on, and its record is delivered when the bridge is back, once.

use std::time::Duration;

use vox_caller::{Outcome, Protocol, Step, Talker};
use vox_shared::clock::Clock;
use vox_shared::outbox::{Outbox, Settings};
use vox_shared::wire::journal::JournalRecord;
use vox_testkit::vendor::openai::Script;

use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::worker::Worker;
use crate::harness::{GREETING, Stage, assert_clean, eventually, files_in, speech, texts};

const CALLER: &str = "+919800000008";
const REPLY: &str = "I am still here.";

#[tokio::test]
async fn and_are_delivered_once_when_it_is_back() {
    let mut stage = Stage::start(Scripts::new(["Are you there?"], Script::saying(REPLY))).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Talk, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_millis(700), within: crate::harness::PATIENCE };
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    stage.bridge.go_away().await;
    assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    assert_eq!(talker.act(hears()).await, Outcome::Done, "the bot answers without its bridge");
    let report = call.finish().await;
    assert_clean(&report);

    stage.bridge.come_back().await;
    let record = stage.record(CALLER).await;
    assert_eq!(Some(record["session_id"].as_str().unwrap()), report.session_id.as_deref());
    assert_eq!(texts(&record, "bot"), [GREETING, REPLY]);
    assert_eq!(record["disconnected_by"], "customer");
    assert_eq!(stage.bridge.calls().await.len(), 1, "one record");
    Recording::fetch(&stage, &record).await.assert_holds(&record);
    stage.end().await;
}

/// A process can die when the result is on disk and the order to upload its recording is not yet.
#[tokio::test]
async fn a_recording_whose_upload_was_never_ordered_is_uploaded_by_the_next_worker() {
    let mut stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let greeting = Step::AwaitReply { quiet: Duration::from_millis(700), within: crate::harness::PATIENCE };
    assert_eq!(Talker::new(&call).act(greeting).await, Outcome::Done);
    stage.bridge.go_away().await;
    call.finish().await;
    stage.worker.stop().await;

    forget_the_upload(&stage).await;
    stage.bridge.come_back().await;
    stage.worker = Worker::start(&stage.core_data(), &stage.bridge.url(), &[]).await;
    let record = stage.record(CALLER).await;
    Recording::fetch(&stage, &record).await.assert_holds(&record);
    // The bridge may have had it from the worker while the upload runs, and what was left by the first worker goes when all of it is told.
    let [recordings, outboxes] = ["recordings", "outbox"].map(|part| stage.core_data().join(part));
    let is_over = || files_in(&recordings).is_empty() && files_in(&outboxes).len() <= 1;
    eventually("it is uploaded", async || is_over().then_some(())).await;
    stage.end().await;
}

/// Take the order to upload out of the outbox that the stopped worker left.
async fn forget_the_upload(stage: &Stage) {
    let outboxes = std::fs::read_dir(stage.core_data().join("outbox")).unwrap();
    let dirs: Vec<_> = outboxes.map(|entry| entry.unwrap().path()).collect();
    let [dir] = dirs.as_slice() else { panic!("one outbox is left: {dirs:?}") };
    let (outbox, recovered) = Outbox::adopt(dir, Settings::new(Clock::system())).unwrap();
    let is_order =
        |payload: &[u8]| matches!(serde_json::from_slice(payload), Ok(JournalRecord::Recording(_)));
    let orders: Vec<_> = recovered.records.iter().filter(|record| is_order(&record.payload)).collect();
    assert_eq!(orders.len(), 1, "the call was recorded");
    outbox.acknowledge(orders[0].seq).await.unwrap();
}
