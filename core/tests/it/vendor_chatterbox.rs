//! Chatterbox against the suite, and what only it does.

use std::sync::Arc;

use serde_json::json;
use vox_core::provider::FailureClass;
use vox_core::provider::tts::chatterbox::Chatterbox;
use vox_core::provider::tts::{TtsEvent, TtsInput, Voice};
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::chatterbox::{Script, Server};
use vox_testkit::vendor::speaking::{Habit, Speaking};

use crate::conformance::{local_egress, rest, tts};

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    let settings = TtsSettings {
        provider: "chatterbox".into(),
        api_key: ApiKey::new(key),
        extra: json!({"base_url": url, "exaggeration": 0.7}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    Arc::new(Chatterbox::from_settings(&settings, &local_egress()).unwrap())
}

async fn bench_with(script: Script) -> tts::Bench<Script> {
    let server = Server::start(Script { needs_key: true, ..script }).await;
    let client = client(&server.url(), server.api_key());
    tts::Bench { server, client }
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    bench_with(Script { speaking, ..Script::default() }).await
}

tts::suite!(http);

#[tokio::test]
async fn a_header_before_every_piece_is_not_heard() {
    tts::happy(bench_with(Script { header_each_piece: true, ..Script::default() }).await).await;
}

#[tokio::test]
async fn a_server_whose_model_is_not_loaded_is_not_asked_to_speak() {
    let bench = bench_with(Script { is_loaded: false, ..Script::default() }).await;
    let events = rest(&mut bench.client.open(16_000).events).await;
    let [TtsEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unavailable);
    assert!(failure.detail.contains("not loaded"), "{failure}");
    bench.finish().await;
}

#[tokio::test]
async fn a_text_where_sound_should_be_is_a_failure() {
    let bench = bench(Speaking { habits: vec![Habit::TextForSound], ..Speaking::default() }).await;
    let mut stream = bench.client.open(16_000);
    stream.input.send(TtsInput::Speak { utterance: 1, text: "Hello.".into() }).await.unwrap();
    let events = rest(&mut stream.events).await;
    let Some(TtsEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Malformed, "{failure}");
    bench.finish().await;
}
