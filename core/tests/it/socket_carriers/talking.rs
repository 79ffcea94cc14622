//! A conversation: greeting, question, an answer that the caller interrupts, keys, and the caller hangs up.

use std::time::Duration;

use serde_json::json;
use vox_caller::{EndedBy, Scenario, run};

use super::line::{ASKS, REPLY, STORY, Set, THANKS};
use crate::harness::sound::Recording;
use crate::harness::{GREETING, assert_clean, lines, speech, texts};

const CALLER: &str = "4930000001";
const QUIET: Duration = Duration::from_millis(700);
/// 400 ms of speech interrupt; the detector and a busy machine add to it.
const SILENT_WITHIN_MS: f64 = 3_000.0;

pub async fn is_a_conversation_with_an_interruption(set: &Set) {
    let name = set.line.name();
    let call = set.dial(CALLER).await;
    let scenario = Scenario::new()
        .await_reply(QUIET)
        .say(speech(5))
        .barge_in(Duration::from_millis(2_000), speech(8))
        .await_reply(QUIET)
        .dtmf('5')
        .dtmf('#')
        .await_reply(QUIET)
        .hangup();
    let done = run(call, scenario).await;
    let mut record = set.stage.record(CALLER).await;

    assert!(done.is_complete(), "{name}: {:?}\n{}", done.steps, set.stage.worker.log());
    let report = done.call;
    assert_clean(&report);
    assert_eq!(report.end.by, EndedBy::Caller, "{name}: {:?}", report.end);
    assert_eq!((&record["disconnected_by"], &record["transport"]), (&json!("customer"), &json!(name)));
    assert_eq!(texts(&record, "caller")[..2], [ASKS, THANKS], "{name}");
    let bot = lines(&record, "bot");
    assert_eq!((&bot[0]["text"], &bot[2]["text"]), (&json!(GREETING), &json!(REPLY)), "{name}: {bot:?}");

    // What was heard of the story is known to the word.
    let barge_ins = &report.heard.barge_ins;
    assert!(barge_ins.len() == 1 && barge_ins[0].silence_ms < SILENT_WITHIN_MS, "{name}: {barge_ins:?}");
    let heard = bot[1]["text"].as_str().unwrap();
    assert!(bot[1]["interrupted"] == true && STORY.starts_with(heard), "{name}: {heard:?}");
    assert!(heard.split(' ').count() >= 4 && heard.len() < STORY.len() / 2, "{name}: {heard:?}");
    let last_word = bot[1]["words"].as_array().unwrap().last().unwrap()["ended_ms"].as_u64().unwrap();
    let fell_silent = (barge_ins[0].at_ms + barge_ins[0].silence_ms) as u64;
    assert!(
        last_word < fell_silent + 1_000 && last_word + 1_500 > fell_silent,
        "{name}: a word until {last_word} ms, silence from {fell_silent} ms"
    );
    let keys = record["events"].as_array().unwrap().iter().filter(|event| event["event"] == "dtmf");
    assert!(keys.count() >= 1, "{name}: {}", record["events"]);
    assert!(texts(&record, "caller").iter().any(|text| text.starts_with("[keypad: 5")), "{name}");

    // Keys are no sound.
    let transcript = record["transcript"].as_array_mut().unwrap();
    transcript.retain(|line| !line["text"].as_str().unwrap_or_default().starts_with("[keypad"));
    let recording = Recording::fetch(&set.stage, &record).await;
    assert_eq!(recording.rate_hz(), set.line.protocol.rate_hz());
    recording.assert_holds(&record);
}
