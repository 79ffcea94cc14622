//! Cartesia against the suite, and what only Cartesia does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::tts::cartesia::Cartesia;
use vox_core::provider::tts::{TtsEvent, TtsInput, Voice};
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::cartesia::{Script, Server};
use vox_testkit::vendor::speaking::Speaking;

use crate::conformance::{eventually, local_egress, next, tts};

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    let settings = TtsSettings {
        provider: "cartesia".into(),
        api_key: ApiKey::new(key),
        voice: "a0e99841-438c-4a64-b679-ae501e7d6091".into(),
        extra: json!({"base_url": url, "emotion": "calm"}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    Arc::new(Cartesia::from_settings(&settings, &local_egress()).unwrap())
}

async fn bench_with(script: Script) -> tts::Bench<Script> {
    let server = Server::start(script).await;
    let client = client(&server.url(), server.api_key());
    tts::Bench { server, client }
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    // Replies that were given up are made to their end and count: the smallest plan, of two, runs into its limit.
    bench_with(Script { speaking, concurrency: 5, ..Script::default() }).await
}

tts::suite!(websocket);

#[tokio::test]
async fn text_that_comes_after_a_pause_is_spoken_although_its_context_is_gone() {
    // As the vendor does, a second after its last sound: the client counts on six tenths of that by itself.
    let bench = bench_with(Script::default()).await;
    let mut stream = bench.client.open(16_000);
    assert_eq!(next(&mut stream.events).await, Some(TtsEvent::Ready));
    let mut words = Vec::new();
    for (text, sent) in [("One.", 5), ("Two.", 10)] {
        stream.input.send(TtsInput::Speak { utterance: 1, text: text.into() }).await.unwrap();
        // Times, two pieces of sound, the segment's end and the context's.
        eventually(|| bench.server.observed().exchanges[0].sent_messages >= sent).await;
    }
    stream.input.send(TtsInput::End { utterance: 1 }).await.unwrap();
    loop {
        match next(&mut stream.events).await.expect("the reply ends") {
            TtsEvent::Words { words: told, .. } => words.extend(told),
            TtsEvent::Done { .. } => break,
            TtsEvent::Failed(failure) => panic!("{failure}"),
            _ => {}
        }
    }
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["One.", "Two."]);
    assert!(words[0].ended_ms <= words[1].started_ms, "{words:?}");
    drop(stream);
    bench.finish().await;
}

#[tokio::test]
async fn the_rate_and_the_settings_are_asked_for() {
    let bench = bench(Speaking::default()).await;
    let mut stream = bench.client.open(8000);
    stream.input.send(TtsInput::Speak { utterance: 1, text: "One.".into() }).await.unwrap();
    stream.input.send(TtsInput::End { utterance: 1 }).await.unwrap();
    while !matches!(next(&mut stream.events).await, Some(TtsEvent::Done { .. })) {}
    drop(stream);
    let observed = bench.server.observed();
    let sent: Vec<Value> = observed.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(sent[0]["output_format"]["sample_rate"], 8000);
    assert_eq!(sent[0]["generation_config"], json!({"emotion": "calm"}));
    bench.finish().await;
}
