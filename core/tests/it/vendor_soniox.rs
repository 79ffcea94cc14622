//! Soniox against the suite, and what only Soniox does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::stt::soniox::Soniox;
use vox_core::provider::stt::{Recogniser, SttEvent};
use vox_shared::model::bot::{ApiKey, SttSettings};
use vox_testkit::vendor::soniox::{Script, Server};

use crate::conformance::{local_egress, next, stt};

fn settings(url: &str, key: &str, extra: Value) -> SttSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), url.into());
    SttSettings { provider: "soniox".into(), api_key: ApiKey::new(key), extra, ..SttSettings::default() }
}

const CAN: stt::Can = stt::Can::ALL;
const CLOSES: [(u16, FailureClass); 4] = [
    (1000, FailureClass::Unavailable),
    (1001, FailureClass::Unavailable),
    (1008, FailureClass::Refused),
    (1011, FailureClass::Unavailable),
];

fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
    Arc::new(Soniox::from_settings(&settings(url, key, json!({})), &local_egress()).unwrap())
}

async fn bench_with(script: Script, extra: Value) -> stt::Bench<Script> {
    let server = Server::start(script).await;
    let settings = settings(&server.url(), server.api_key(), extra);
    let client: Arc<dyn Recogniser> = Arc::new(Soniox::from_settings(&settings, &local_egress()).unwrap());
    stt::Bench { server, client }
}

async fn bench() -> stt::Bench<Script> {
    bench_with(Script::saying([stt::WORDS]), json!({"keyterms": ["Vox Labs"], "tag": "test"})).await
}

stt::suite!(websocket);

#[tokio::test]
async fn words_that_become_final_one_by_one_come_once() {
    let script = Script { final_lag_ms: 200, ..Script::saying([stt::WORDS]) };
    stt::happy(bench_with(script, json!({})).await, CAN).await;
}

#[tokio::test]
async fn a_wrong_model_is_refused_with_the_vendors_words() {
    let server = Server::start(Script::default()).await;
    let settings = settings(&server.url(), server.api_key(), json!({}));
    let settings = SttSettings { model: "stt-rt-v99".into(), ..settings };
    let client = Soniox::from_settings(&settings, &local_egress()).unwrap();
    let mut stream = client.open(16_000);
    assert_eq!(next(&mut stream.events).await, Some(SttEvent::Ready));
    let Some(SttEvent::Failed(failure)) = next(&mut stream.events).await else { panic!("no failure") };
    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.detail.contains("Invalid model specified."), "{failure}");
}

#[tokio::test]
async fn the_settings_stand_in_the_first_message_and_the_key_does_not() {
    let bench = bench().await;
    let mut stream = bench.client.open(8000);
    assert_eq!(next(&mut stream.events).await, Some(SttEvent::Ready));
    stt::speak(&stream).await;
    while !matches!(next(&mut stream.events).await, Some(SttEvent::Final { .. })) {}
    drop(stream);
    let observed = bench.server.observed();
    let first: Value = serde_json::from_str(observed.texts()[0]).unwrap();
    assert_eq!((&first["sample_rate"], &first["context"]["terms"]), (&json!(8000), &json!(["Vox Labs"])));
    assert_eq!(first.get("api_key"), None);
    bench.finish().await;
}
