//! OpenAI's speech against the suite, and what servers that speak it do otherwise.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::tts::speech::Speech;
use vox_core::provider::tts::{TtsEvent, TtsInput, Voice};
use vox_shared::model::bot::{ApiKey, TtsSettings};
use vox_testkit::vendor::speaking::{Habit, Speaking};
use vox_testkit::vendor::speech::{Script, Server};

use crate::conformance::{local_egress, next, rest, tts};

fn client_with(url: &str, key: &str, extra: Value) -> Arc<dyn Voice> {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), url.into());
    let settings =
        TtsSettings { provider: "openai".into(), api_key: ApiKey::new(key), extra, ..TtsSettings::default() };
    Arc::new(Speech::from_settings(&settings, &local_egress()).unwrap())
}

fn client(url: &str, key: &str) -> Arc<dyn Voice> {
    client_with(url, key, json!({"instructions": "Calmly."}))
}

async fn bench(speaking: Speaking) -> tts::Bench<Script> {
    let server = Server::start(Script { speaking, ..Script::default() }).await;
    let client = client(&format!("{}/v1", server.url()), server.api_key());
    tts::Bench { server, client }
}

tts::suite!(http);

/// The samples of one reply.
async fn reply(client: &dyn Voice) -> usize {
    let mut stream = client.open(24_000);
    stream.input.send(TtsInput::Speak { utterance: 1, text: "Ten chars.".into() }).await.unwrap();
    stream.input.send(TtsInput::End { utterance: 1 }).await.unwrap();
    let mut samples = 0;
    loop {
        match next(&mut stream.events).await.expect("the reply ends") {
            TtsEvent::Audio { pcm, .. } => samples += pcm.len(),
            TtsEvent::Done { .. } => return samples,
            TtsEvent::Failed(failure) => panic!("{failure}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_server_of_ones_own_needs_neither_a_key_nor_the_whole_address() {
    let script = Script { needs_key: false, only_below_v1: true, ..Script::default() };
    let server = Server::start(script).await;
    let client = client_with(&server.url(), "", json!({}));
    assert_eq!(reply(client.as_ref()).await, 14_400);
    server.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_file_is_read_by_its_header() {
    let server = Server::start(Script::default()).await;
    let extra = json!({"response_format": "wav", "pcm_rate_hz": 8000});
    let client = client_with(&server.url(), server.api_key(), extra);
    assert_eq!(reply(client.as_ref()).await, 14_400);
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
