//! Sounds of bots in calls: a background under the whole of it, and a greeting that a person has recorded in the place of the voice.

use std::time::Duration;

use vox_caller::{Protocol, Scenario, run};
use vox_shared::model::bot::{Background, Recorded};

use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, assert_clean, eventually, files_in, lines, texts};

const QUIET: Duration = Duration::from_millis(300);
/// Of the recorded greeting.
const RECORDED_MS: u32 = 700;

async fn kept(stage: &Stage, rate_hz: u32, sounds: usize) {
    let shelf = stage.core_data().join("sounds");
    let is_of_rate = |name: &String| name.ends_with(&format!("-{rate_hz}.pcm"));
    let all =
        async || (files_in(&shelf).iter().filter(|name| is_of_rate(name)).count() == sounds).then_some(());
    eventually("the host keeps the sounds", all).await;
}

/// The first call of a host brings the sounds; the second finds them there.
#[tokio::test]
async fn a_background_is_heard_between_words_and_counts_as_none() {
    let stage = Stage::start(Scripts::default()).await;
    let sound = stage.bridge.tone(300.0, 3_000, 8_000.0).await;
    let background = Background { sound, gain_db: -6.0, duck_db: 12.0 };
    let bot = stage.bot(|bot| bot.sounds.background = Some(background)).await;
    for (protocol, rate, caller) in [(Protocol::Ws, 8_000, "ws"), (Protocol::Talk, 16_000, "talk")] {
        let call = stage.dial(protocol, &bot, &format!("{caller}-first")).await;
        let done = run(call, Scenario::new().wait(Duration::from_millis(500)).hangup()).await;
        assert!(done.is_complete(), "{:?}", done.steps);
        kept(&stage, rate, 1).await;
        stage.record(&format!("{caller}-first")).await;

        let call = stage.dial(protocol, &bot, caller).await;
        // The bot says its greeting and nothing more; then there is the background alone.
        let done = run(call, Scenario::new().wait(Duration::from_secs(4)).hangup()).await;
        assert!(done.is_complete(), "{:?}", done.steps);
        assert_clean(&done.call);
        let record = stage.record(caller).await;
        assert_eq!(texts(&record, "bot"), [GREETING], "{record}");
        assert_eq!(record["transcript"][0]["interrupted"], false);
        let recording = Recording::fetch(&stage, &record).await;
        let said_until = lines(&record, "bot")[0]["ended_ms"].as_u64().unwrap();
        let alone = recording.audible(recording.bot(), said_until + 200, said_until + 800);
        assert!(alone > 0.95, "{caller}: audible for {alone:.2} of the time after the greeting");
    }
    stage.end().await;
}

#[tokio::test]
async fn a_recorded_greeting_is_played_and_the_voice_says_what_was_not_recorded() {
    let stage = Stage::start(Scripts::default()).await;
    let sound = stage.bridge.tone(500.0, RECORDED_MS, 12_000.0).await;
    let recorded = vec![Recorded { text: GREETING.to_owned(), sound }];
    let bot = stage.bot(|bot| bot.sounds.recorded = recorded).await;
    let call = stage.dial(Protocol::Ws, &bot, "first").await;
    let done = run(call, Scenario::new().await_reply(QUIET).hangup()).await;
    assert!(done.is_complete(), "{:?}", done.steps);
    assert_clean(&done.call);
    let record = stage.record("first").await;
    assert_eq!(texts(&record, "bot"), [GREETING]);
    let line = &record["transcript"][0];
    let said = line["ended_ms"].as_u64().unwrap() - line["started_ms"].as_u64().unwrap();
    assert!(said.abs_diff(u64::from(RECORDED_MS)) < 60, "the recorded one lasts {RECORDED_MS} ms: {said}");
    let observed = stage.vendors.tts.observed();
    let asked = observed.texts();
    assert!(asked.iter().all(|text| !text.contains("Good day")), "the voice was asked: {asked:?}");
    stage.end().await;
}
