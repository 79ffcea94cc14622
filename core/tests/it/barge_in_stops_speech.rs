//! A caller who speaks over the bot silences it, and only what was heard is kept.

use std::time::Duration;

use serde_json::json;
use vox_caller::{Protocol, Scenario, run};
use vox_testkit::vendor::openai::{Rule, Script};

use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{Stage, assert_clean, lines, speech, texts};

const STORY: &str = "Let me tell you everything about our opening hours, which are long and many and different on \
                     every day of the week, beginning with Monday and ending with Sunday.";
const CALLER: &str = "+919800000002";
const QUIET: Duration = Duration::from_millis(700);
/// 400 ms of speech interrupt; the detector, the fade and a busy machine add to it.
const SILENT_WITHIN_MS: f64 = 1_200.0;

async fn check(protocol: Protocol) {
    let model = Script::saying("As you like.").with_rule(Rule::on("opening hours", STORY));
    let stage =
        Stage::start(Scripts::new(["What are your opening hours?", "Thank you, that is enough."], model))
            .await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(protocol, &bot, CALLER).await;
    let scenario = Scenario::new()
        .await_reply(QUIET)
        .say(speech(5))
        .barge_in(Duration::from_millis(2_000), speech(8))
        .await_reply(QUIET)
        .hangup();
    let done = run(call, scenario).await;
    let record = stage.record(CALLER).await;

    assert!(done.is_complete(), "{:?}\n{}", done.steps, stage.worker.log());
    assert_clean(&done.call);
    let barge_ins = &done.call.heard.barge_ins;
    assert_eq!(barge_ins.len(), 1, "{barge_ins:?}");
    assert!(barge_ins[0].silence_ms < SILENT_WITHIN_MS, "{barge_ins:?}");

    let bot_lines = lines(&record, "bot");
    assert_eq!(bot_lines.len(), 3, "{bot_lines:?}");
    assert_eq!(bot_lines.iter().map(|l| l["interrupted"] == true).collect::<Vec<_>>(), [false, true, false]);
    let heard = bot_lines[1]["text"].as_str().unwrap();
    assert!(
        heard.split(' ').count() >= 4 && STORY.starts_with(heard) && heard.len() < STORY.len() / 2,
        "{heard:?}"
    );
    let words = bot_lines[1]["words"].as_array().unwrap();
    let last_word = words.last().unwrap()["ended_ms"].as_u64().unwrap();
    // The voice marks a word's end after its last breath: 60 ms of it count as heard.
    let fell_silent = (barge_ins[0].at_ms + barge_ins[0].silence_ms) as u64;
    assert!(last_word < fell_silent + 1_000, "a word until {last_word} ms, silence from {fell_silent} ms");
    assert!(last_word + 1_500 > fell_silent, "words until {last_word} ms, sound until {fell_silent} ms");

    let asked = stage.vendors.asked();
    let told: Vec<_> = asked.last().unwrap()["messages"].as_array().unwrap().clone();
    let assistant: Vec<_> =
        told.iter().filter(|m| m["role"] == "assistant").map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(assistant.last(), Some(&heard), "the model knows what was heard: {assistant:?}");
    assert!(!asked.last().unwrap().to_string().contains("Sunday"), "and nothing else");
    assert_eq!(texts(&record, "bot")[2], "As you like.");
    assert!(record["events"].as_array().unwrap().iter().any(|e| e["event"] == json!("interrupted")));

    let recording = Recording::fetch(&stage, &record).await;
    let (from, to) = (fell_silent + 500, fell_silent + 1_000);
    assert!(
        recording.audible(recording.bot(), from, to) < 0.1,
        "the recording is silent from {from} to {to} ms"
    );
    stage.end().await;
}

#[tokio::test]
async fn on_a_line_that_plays_at_once() {
    check(Protocol::Ws).await;
}

#[tokio::test]
async fn on_a_line_that_buffers() {
    check(Protocol::Exotel { rate_hz: 8_000 }).await;
}
