//! Sarvam's voices against the suite, and what only they do.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::tts::sarvam::Sarvam;
use vox_core::provider::tts::{TtsEvent, TtsInput, Voice};
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::bulbul::{Script, Server};
use vox_testkit::vendor::speaking::Speaking;

use crate::conformance::{local_egress, next, tts};

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    let settings = TtsSettings {
        provider: "sarvam".into(),
        api_key: ApiKey::new(key),
        language: "hi-IN".into(),
        voice: "shubh".into(),
        extra: json!({"base_url": url, "temperature": 0.4}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    Arc::new(Sarvam::from_settings(&settings, &local_egress()).unwrap())
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    let server = Server::start(Script { speaking, ..Script::default() }).await;
    let client = client(&server.url(), server.api_key());
    tts::Bench { server, client }
}

tts::suite!(websocket);

#[tokio::test]
async fn each_connection_begins_with_the_settings_and_an_interrupted_one_is_left() {
    let bench = bench(Speaking::default()).await;
    let mut stream = bench.client.open(8000);
    let long = "A long sentence that nobody wants to hear to its end.".repeat(4);
    stream.input.send(TtsInput::Speak { utterance: 1, text: long }).await.unwrap();
    while !matches!(next(&mut stream.events).await, Some(TtsEvent::Audio { .. })) {}
    stream.input.send(TtsInput::Cancel { utterance: 1 }).await.unwrap();
    stream.input.send(TtsInput::Speak { utterance: 2, text: "Yes?".into() }).await.unwrap();
    stream.input.send(TtsInput::End { utterance: 2 }).await.unwrap();
    while !matches!(next(&mut stream.events).await, Some(TtsEvent::Done { utterance: 2 })) {}
    drop(stream);
    let observed = bench.server.observed();
    let firsts: Vec<Value> = observed
        .exchanges
        .iter()
        .map(|exchange| serde_json::from_str(exchange.texts().next().unwrap_or_default()).unwrap())
        .collect();
    let config = json!({"type": "config", "data": {
        "target_language_code": "hi-IN", "speaker": "shubh", "model": "bulbul:v3", "output_audio_codec": "linear16",
        "temperature": 0.4, "speech_sample_rate": "8000"
    }});
    assert_eq!(firsts, [config.clone(), config]);
    bench.finish().await;
}
