//! Soniox' voices against the suite, and what only they do.

use std::sync::Arc;

use serde_json::json;
use vox_core::provider::tts::soniox::Soniox;
use vox_core::provider::tts::{TtsEvent, TtsInput, Voice};
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::soniox_voices::{Script, Server};
use vox_testkit::vendor::speaking::Speaking;

use crate::conformance::{eventually, local_egress, next, tts};

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    let settings = TtsSettings {
        provider: "soniox".into(),
        api_key: ApiKey::new(key),
        extra: json!({"base_url": url, "reduce_silence": true}).as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    Arc::new(Soniox::from_settings(&settings, &local_egress()).unwrap())
}

async fn bench_with(script: Script) -> tts::Bench<Script> {
    let server = Server::start(script).await;
    let client = client(&server.url(), server.api_key());
    tts::Bench { server, client }
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    bench_with(Script { speaking, ..Script::default() }).await
}

tts::suite!(websocket);

#[tokio::test]
async fn text_that_comes_after_a_pause_is_spoken_although_its_stream_is_closed() {
    let bench = bench_with(Script { text_timeout_ms: 200, ..Script::default() }).await;
    let mut stream = bench.client.open(16_000);
    assert_eq!(next(&mut stream.events).await, Some(TtsEvent::Ready));
    for (text, sent) in [("One.", 4), ("Two.", 8)] {
        stream.input.send(TtsInput::Speak { utterance: 1, text: text.into() }).await.unwrap();
        // Two pieces of sound, the time-out and the stream's end. The next text may cross them.
        eventually(|| bench.server.observed().exchanges[0].sent_messages >= sent).await;
    }
    stream.input.send(TtsInput::End { utterance: 1 }).await.unwrap();
    let mut words = Vec::new();
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
