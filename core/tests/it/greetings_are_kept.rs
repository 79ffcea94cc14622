//! The greeting is synthesised once; from the second call on it comes from the disk, at once.

use std::time::Duration;

use vox_caller::{Protocol, Scenario, run};
use vox_testkit::vendor::elevenlabs;

use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, assert_clean, eventually, files_in, texts};

const QUIET: Duration = Duration::from_millis(700);
/// The scripted voice needs so long for its first audio: no call that waits for it is quicker.
const VOICE_MS: u64 = 1_800;

async fn first_audio_ms(stage: &Stage, bot: &str, caller: &str) -> f64 {
    let call = stage.dial(Protocol::Ws, bot, caller).await;
    let done = run(call, Scenario::new().await_reply(QUIET).hangup()).await;
    assert!(done.is_complete(), "{:?}", done.steps);
    assert_clean(&done.call);
    let record = stage.record(caller).await;
    assert_eq!(texts(&record, "bot"), [GREETING]);
    assert_eq!(record["transcript"][0]["interrupted"], false);
    done.call.heard.answer_to_first_audio_ms.unwrap()
}

fn greetings_asked(stage: &Stage) -> usize {
    stage.vendors.tts.observed().texts().iter().filter(|text| text.contains("Good day")).count()
}

#[tokio::test]
async fn and_spoken_without_the_voice_in_the_next_call() {
    let tts = elevenlabs::Script { first_audio_ms: VOICE_MS, ..elevenlabs::Script::default() };
    let stage = Stage::start(Scripts { tts, ..Scripts::default() }).await;
    let bot = stage.bot(|_| {}).await;
    let first = first_audio_ms(&stage, &bot, "first").await;
    assert!(first > VOICE_MS as f64, "the first call waits for the voice: {first} ms");
    assert_eq!(greetings_asked(&stage), 1);
    let kept = stage.core_data().join("phrases");
    eventually("the greeting is kept", async || (!files_in(&kept).is_empty()).then_some(())).await;

    let second = first_audio_ms(&stage, &bot, "second").await;
    assert!(second < VOICE_MS as f64, "{second} ms, the first call {first} ms");
    assert_eq!(greetings_asked(&stage), 1, "the voice was not asked again");

    let other = stage.bot(|bot| bot.tts.voice = "AZnzlk1XvdvUeBnXmlld".into()).await;
    assert!(
        first_audio_ms(&stage, &other, "third").await > VOICE_MS as f64,
        "another voice is another sound"
    );
    stage.end().await;
}
