//! ElevenLabs against the suite, and what only ElevenLabs does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::egress::Egress;
use vox_core::provider::tts::elevenlabs::ElevenLabs;
use vox_core::provider::tts::{TtsEvent, TtsInput, Voice};
use vox_shared::egress::Policy;
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::elevenlabs::{AlignmentForm, Habit, Script, Server};

use crate::conformance::{local_egress, next, rest, tts};

fn settings(url: &str, key: &str) -> TtsSettings {
    TtsSettings {
        provider: "elevenlabs".into(),
        api_key: ApiKey::new(key),
        voice: "21m00Tcm4TlvDq8ikWAM".into(),
        extra: json!({"base_url": url, "stability": 0.4, "speed": 1.1}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    }
}

async fn bench_with(script: Script) -> tts::Bench<Script> {
    let server = Server::start(script).await;
    let settings = settings(&server.url(), server.api_key());
    let client: Arc<dyn Voice> = Arc::new(ElevenLabs::from_settings(&settings, &local_egress()).unwrap());
    tts::Bench { server, client }
}

async fn bench() -> tts::Bench<Script> {
    bench_with(Script::default()).await
}

/// A vendor that sends all it has at once.
async fn fast_bench() -> tts::Bench<Script> {
    bench_with(Script { realtime_factor: 0.0, ..Script::default() }).await
}

#[tokio::test]
async fn replies_are_spoken() {
    tts::happy(bench().await).await;
}

#[tokio::test]
async fn the_older_names_of_times_are_read() {
    tts::happy(bench_with(Script { alignment: AlignmentForm::Older, ..Script::default() }).await).await;
}

#[tokio::test]
async fn a_voice_that_never_says_that_it_is_done_is_done() {
    for alignment in [AlignmentForm::Current, AlignmentForm::Null] {
        let bench =
            bench_with(Script { habits: vec![Habit::NeverDone], alignment, ..Script::default() }).await;
        tts::ends_by_itself(bench, alignment != AlignmentForm::Null).await;
    }
}

#[tokio::test]
async fn what_a_voice_forgot_when_it_gave_up_is_said_all_the_same() {
    tts::happy_but_for_its_price(
        bench_with(Script { habits: vec![Habit::EarlyFinal], ..Script::default() }).await,
    )
    .await;
}

#[tokio::test]
async fn done_without_a_sound_is_a_failure() {
    tts::mute(bench_with(Script { habits: vec![Habit::Mute], ..Script::default() }).await).await;
}

#[tokio::test]
async fn an_interrupted_reply_falls_silent() {
    tts::interrupted(bench().await).await;
}

#[tokio::test]
async fn a_slow_vendor_is_waited_for() {
    tts::slow_vendor(bench().await).await;
}

#[tokio::test]
async fn a_silent_vendor_is_left_to_the_session() {
    tts::silent_vendor(bench().await).await;
}

#[tokio::test]
async fn a_vendor_that_reads_nothing_is_left_to_the_session() {
    tts::deaf_vendor(bench().await).await;
}

#[tokio::test]
async fn a_cut_connection_is_a_failure() {
    tts::cut(bench().await).await;
}

#[tokio::test]
async fn a_lying_vendor_is_seen_through() {
    tts::lying_vendor(bench().await).await;
}

#[tokio::test]
async fn an_oversized_message_is_a_failure() {
    tts::oversized_vendor(bench().await).await;
}

#[tokio::test]
async fn refusals_have_their_class() {
    tts::refused(bench().await).await;
}

#[tokio::test]
async fn a_dropped_stream_leaves_nothing_open() {
    tts::dropped(bench().await).await;
}

#[tokio::test]
async fn a_slow_reader_holds_little_and_loses_nothing() {
    tts::slow_reader(fast_bench().await).await;
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised() {
    let server = Server::start(Script::default()).await;
    let client = ElevenLabs::from_settings(&settings(&server.url(), "wrong-k3y"), &local_egress()).unwrap();
    let events = rest(&mut client.open(16_000).events).await;
    let Some(TtsEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unauthorised);
    assert!(!failure.detail.contains("wrong-k3y"), "{failure}");
}

#[tokio::test]
async fn an_unknown_voice_is_refused() {
    let server = Server::start(Script { voices: Some(vec!["other".into()]), ..Script::default() }).await;
    let client =
        ElevenLabs::from_settings(&settings(&server.url(), server.api_key()), &local_egress()).unwrap();
    let events = rest(&mut client.open(16_000).events).await;
    let Some(TtsEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Refused, "{failure}");
}

#[tokio::test]
async fn each_rate_is_asked_for_and_comes() {
    for rate_hz in [8000, 16_000, 24_000] {
        let bench = bench().await;
        let mut stream = bench.client.open(rate_hz);
        stream.input.send(TtsInput::Speak { utterance: 1, text: "Ten chars.".into() }).await.unwrap();
        stream.input.send(TtsInput::End { utterance: 1 }).await.unwrap();
        let mut samples = 0;
        loop {
            match next(&mut stream.events).await.expect("a reply") {
                TtsEvent::Audio { pcm, .. } => samples += pcm.len(),
                TtsEvent::Done { .. } => break,
                _ => {}
            }
        }
        // Ten characters and a space of 60 ms each, spoken 1.1 times as fast.
        let expected = f64::from(rate_hz) * 0.06 * 11.0 / 1.1;
        assert!(
            (samples as f64 / expected - 1.0).abs() < 0.15,
            "{samples} samples at {rate_hz} Hz, {expected} expected"
        );
        drop(stream);
        let format = format!("pcm_{rate_hz}");
        let observed = bench.server.observed();
        assert_eq!(observed.exchanges[0].parameter("output_format"), Some(format.as_str()));
        bench.finish().await;
    }
}

#[tokio::test]
async fn an_unknown_rate_is_refused_without_a_connection() {
    let bench = bench().await;
    let events = rest(&mut bench.client.open(44_100).events).await;
    assert!(
        matches!(&events[..], [TtsEvent::Failed(failure)] if failure.class == FailureClass::Refused),
        "{events:?}"
    );
    assert!(bench.server.observed().exchanges.is_empty());
}

#[tokio::test]
async fn settings_come_once_with_the_opening() {
    let bench = bench().await;
    let mut stream = bench.client.open(16_000);
    for text in ["One.", "Two."] {
        stream.input.send(TtsInput::Speak { utterance: 1, text: text.into() }).await.unwrap();
    }
    stream.input.send(TtsInput::End { utterance: 1 }).await.unwrap();
    while !matches!(next(&mut stream.events).await, Some(TtsEvent::Done { .. })) {}
    drop(stream);
    let observed = bench.server.observed();
    let sent: Vec<Value> = observed.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let opening =
        json!({"text": " ", "context_id": "u1", "voice_settings": {"stability": 0.4, "speed": 1.1}});
    assert_eq!(sent[0], opening);
    assert_eq!(
        sent[1..],
        [
            json!({"text": "One. ", "context_id": "u1"}),
            json!({"text": "Two. ", "context_id": "u1"}),
            json!({"context_id": "u1", "close_context": true}),
        ]
    );
    bench.finish().await;
}

#[test]
fn an_address_of_this_machine_needs_leave() {
    let egress = Arc::new(Egress::new(Policy::default()));
    let failure = ElevenLabs::from_settings(&settings("ws://[::1]:9", "k"), &egress).unwrap_err();
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("VOX_EGRESS_ALLOW"), "{failure}");
}
