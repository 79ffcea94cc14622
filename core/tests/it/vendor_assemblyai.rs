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

/// The audio goes no faster than it was spoken, so less of it piles up in a test.
const CAN: stt::Can = stt::Can { piles: 2, ..stt::Can::ALL };
const CLOSES: [(u16, FailureClass); 8] = [
    (1000, FailureClass::Unavailable),
    (1008, FailureClass::Unauthorised),
    (1013, FailureClass::Unavailable),
    (3005, FailureClass::Unavailable),
    (3006, FailureClass::Refused),
    (3007, FailureClass::Unavailable),
    (3008, FailureClass::Unavailable),
    (3009, FailureClass::OverLimit),
];

fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
    Arc::new(AssemblyAi::from_settings(&settings(url, key, json!({})), &local_egress()).unwrap())
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

stt::suite!(websocket);

#[tokio::test]
async fn a_turn_that_is_told_once_is_as_good() {
    let script = Script { format_delay_ms: None, ..Script::saying([stt::WORDS]) };
    stt::happy(bench_with(script, json!({})).await, CAN).await;
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
