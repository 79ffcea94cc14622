//! A caller who says nothing is asked twice and then let go; a call that is too long ends.

use serde_json::json;
use vox_caller::{EndedBy, Protocol, Scenario, Step, run};
use vox_shared::model::bot::ReEngagement;

use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, PATIENCE, Stage, assert_clean, speech, texts};

const CALLER: &str = "+919800000004";

fn impatient() -> ReEngagement {
    ReEngagement {
        after_secs: 1.0,
        prompts: vec!["Are you there?".into(), "Hello?".into()],
        goodbye: "I hear nothing. Good bye.".into(),
    }
}

#[tokio::test]
async fn after_two_prompts_and_a_goodbye() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|bot| bot.re_engagement = Some(impatient())).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let done = run(call, Scenario::new().then(Step::AwaitHangup { within: PATIENCE })).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    assert_eq!(done.call.end.by, EndedBy::Bot);
    assert_eq!(texts(&record, "bot"), [GREETING, "Are you there?", "Hello?", "I hear nothing. Good bye."]);
    assert_eq!(record["disconnected_by"], "RNR", "answered, and never spoke");
    let bot_speech_ms: u64 = record["transcript"].as_array().unwrap().iter().map(length_ms).sum();
    let silence_ms = done.call.heard.longest_silence_ms;
    assert!((900.0..8_000.0).contains(&silence_ms), "asked after {silence_ms} ms");
    assert!((bot_speech_ms as f64 - done.call.heard.bot_speech_ms).abs() < 2_000.0, "all of it was heard");
    stage.end().await;
}

fn length_ms(line: &serde_json::Value) -> u64 {
    line["ended_ms"].as_u64().unwrap() - line["started_ms"].as_u64().unwrap()
}

#[tokio::test]
async fn who_spoke_before_is_no_rnr() {
    let stage = Stage::start(Scripts::new(["Hello."], Default::default())).await;
    let bot = stage.bot(|bot| bot.re_engagement = Some(impatient())).await;
    let call = stage.dial(Protocol::Talk, &bot, CALLER).await;
    let quiet = std::time::Duration::from_millis(700);
    let scenario =
        Scenario::new().await_reply(quiet).say(speech(4)).then(Step::AwaitHangup { within: PATIENCE });
    let done = run(call, scenario).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    assert_eq!(done.call.end.by, EndedBy::Bot, "{:?}", done.call.end);
    assert_ne!(record["disconnected_by"], "RNR");
    assert_eq!(texts(&record, "caller"), ["Hello."]);
    stage.end().await;
}

#[tokio::test]
async fn at_the_longest_duration() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|bot| bot.max_call_duration_seconds = 4).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let done = run(call, Scenario::new().then(Step::AwaitHangup { within: PATIENCE })).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    assert_eq!(done.call.end.by, EndedBy::Bot, "{:?}", done.call.end);
    assert_eq!(record["disconnected_by"], json!("timeout"));
    let seconds = record["call_duration_seconds"].as_f64().unwrap();
    assert!((3.9..12.0).contains(&seconds), "ended after {seconds} s");
    stage.end().await;
}
