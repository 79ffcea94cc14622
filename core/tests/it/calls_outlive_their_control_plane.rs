//! The bridge goes away in mid-call: the call goes on, and its record is delivered when the bridge is back, once.

use std::time::Duration;

use vox_caller::{Outcome, Protocol, Step, Talker};
use vox_testkit::vendor::openai::Script;

use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, assert_clean, speech, texts};

const CALLER: &str = "+919800000008";
const REPLY: &str = "I am still here.";

#[tokio::test]
async fn and_are_delivered_once_when_it_is_back() {
    let mut stage = Stage::start(Scripts::new(["Are you there?"], Script::saying(REPLY))).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Talk, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_millis(300), within: crate::harness::PATIENCE };
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
