//! AssemblyAI against the suite, and what only AssemblyAI does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::stt::assemblyai::AssemblyAi;
use vox_core::provider::stt::{Recogniser, SttEvent};
use vox_core::provider::{Failure, FailureClass};
use vox_shared::model::bot::{ApiKey, SttSettings};
use vox_testkit::vendor::assemblyai::{Script, Server};

use crate::conformance::{local_egress, next, stt};

fn settings(url: &str, key: &str, extra: Value) -> SttSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), url.into());
    SttSettings { provider: "assemblyai".into(), api_key: ApiKey::new(key), extra, ..SttSettings::default() }
}

async fn bench_with(script: Script, extra: Value) -> stt::Bench<Script> {
    let server = Server::start(script).await;
    let settings = settings(&server.url(), server.api_key(), extra);
    let client: Arc<dyn Recogniser> =
        Arc::new(AssemblyAi::from_settings(&settings, &local_egress()).unwrap());
    stt::Bench { server, client }
}

async fn bench() -> stt::Bench<Script> {
    bench_with(Script::saying([stt::WORDS]), json!({"keyterms": ["Vox Labs"], "min_turn_silence": 300})).await
}

#[tokio::test]
async fn an_utterance_becomes_words() {
    stt::happy(bench().await).await;
}

#[tokio::test]
async fn a_turn_that_is_told_once_is_as_good() {
    let script = Script { format_delay_ms: None, ..Script::saying([stt::WORDS]) };
    stt::happy(bench_with(script, json!({})).await).await;
}

#[tokio::test]
async fn final_words_come_when_asked_for() {
    stt::finalizes(bench().await).await;
}

#[tokio::test]
async fn a_slow_vendor_loses_no_audio() {
    stt::slow_vendor(bench().await).await;
}

#[tokio::test]
async fn a_vendor_that_trickles_is_understood() {
    stt::dripping_vendor(bench().await).await;
}

#[tokio::test]
async fn a_silent_vendor_is_left_to_the_session() {
    stt::silent_vendor(bench().await).await;
}

#[tokio::test]
async fn a_vendor_that_reads_nothing_is_left_to_the_session() {
    stt::deaf_vendor(bench().await).await;
}

#[tokio::test]
async fn a_cut_connection_is_a_failure() {
    stt::cut(bench().await).await;
}

#[tokio::test]
async fn close_codes_have_their_class() {
    let codes = [
        (1000, FailureClass::Unavailable),
        (1008, FailureClass::Unauthorised),
        (1013, FailureClass::Unavailable),
        (3005, FailureClass::Unavailable),
        (3006, FailureClass::Refused),
        (3007, FailureClass::Unavailable),
        (3008, FailureClass::Unavailable),
        (3009, FailureClass::OverLimit),
    ];
    stt::closed(bench().await, &codes).await;
}

#[tokio::test]
async fn a_lying_vendor_changes_no_words() {
    stt::lying_vendor(bench().await).await;
}

#[tokio::test]
async fn what_is_no_text_is_a_failure() {
    stt::garbled(|url| {
        Arc::new(AssemblyAi::from_settings(&settings(url, "k", json!({})), &local_egress()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn an_oversized_message_is_a_failure() {
    stt::oversized_vendor(bench().await).await;
}

#[tokio::test]
async fn refusals_have_their_class() {
    stt::refused(bench().await).await;
}

#[tokio::test]
async fn a_dropped_stream_leaves_nothing_open() {
    stt::dropped(bench().await).await;
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    // The audio goes no faster than it was spoken.
    stt::slow_reader_as(bench().await, stt::Can { piles: 2, ..stt::Can::ALL }).await;
}

async fn failure_with(settings: SttSettings) -> Failure {
    let client = AssemblyAi::from_settings(&settings, &local_egress()).unwrap();
    let Some(SttEvent::Failed(failure)) = next(&mut client.open(16_000).events).await else {
        panic!("no failure")
    };
    failure
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised_before_and_after_the_handshake() {
    for refuses_in_handshake in [true, false] {
        let server = Server::start(Script { refuses_in_handshake, ..Script::default() }).await;
        let failure = failure_with(settings(&server.url(), "wrong-k3y", json!({}))).await;
        assert_eq!(failure.class, FailureClass::Unauthorised, "{failure}");
        assert!(!failure.detail.contains("wrong-k3y"), "{failure}");
    }
}

#[tokio::test]
async fn a_wrong_model_is_refused_with_the_vendors_words() {
    let server = Server::start(Script::default()).await;
    let settings = settings(&server.url(), server.api_key(), json!({}));
    let failure = failure_with(SttSettings { model: "universal-9".into(), ..settings }).await;
    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.detail.contains("unknown speech_model"), "{failure}");
}

#[tokio::test]
async fn a_likely_end_comes_before_the_end() {
    let mut script = Script::saying([stt::WORDS]);
    // All words are there when they have probably ended, so that nothing is taken back.
    (script.hearing.interim_ms, script.hearing.word_ms) = (100, 200);
    let bench = bench_with(script, json!({"min_turn_silence": 800})).await;
    let mut stream = bench.client.open(16_000);
    stt::speak(&stream).await;
    let mut eager = None;
    loop {
        match next(&mut stream.events).await.expect("the turn ends") {
            SttEvent::EagerEnd { text } => eager = Some(text),
            SttEvent::EagerEndRevoked => eager = None,
            SttEvent::Final { .. } => break,
            _ => {}
        }
    }
    assert_eq!(eager.as_deref(), Some("hello can you help me"));
    drop(stream);
    bench.finish().await;
}
