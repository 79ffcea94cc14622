//! Transcription over HTTP against the suite, and what only it does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::stt::transcription::Transcription;
use vox_core::provider::stt::{Recogniser, SttEvent, SttInput};
use vox_shared::model::bot::{ApiKey, SttSettings};
use vox_testkit::vendor::Lie;
use vox_testkit::vendor::transcription::{Billing, Script, Server};

use crate::conformance::{local_egress, lying, next, stt};

fn settings(url: &str, key: &str, extra: Value) -> SttSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), url.into());
    SttSettings {
        provider: "openai".into(),
        model: "whisper-1".into(),
        api_key: ApiKey::new(key),
        extra,
        ..SttSettings::default()
    }
}

/// Words of an utterance that goes on come only where it goes on for long.
const CAN: stt::Can = stt::Can { partials: false, ..stt::Can::ALL };

fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
    Arc::new(Transcription::from_settings(&settings(url, key, json!({})), &local_egress()).unwrap())
}

async fn bench_with(script: Script, extra: Value) -> stt::Bench<Script> {
    let server = Server::start(script).await;
    let settings = settings(&server.url(), server.api_key(), extra);
    let client: Arc<dyn Recogniser> =
        Arc::new(Transcription::from_settings(&settings, &local_egress()).unwrap());
    stt::Bench { server, client }
}

async fn bench() -> stt::Bench<Script> {
    bench_with(Script::saying([stt::WORDS]), json!({"keyterms": ["Vox Labs"]})).await
}

stt::suite!(http);

#[tokio::test]
async fn an_answer_that_is_none_is_a_failure_and_harmless_lies_are_harmless() {
    for (lie, expected) in [
        (Lie::MalformedJson, Some(FailureClass::Malformed)),
        (Lie::WrongTypes, Some(FailureClass::Malformed)),
        (Lie::Duplicate, None),
    ] {
        let bench = bench().await;
        bench.server.set_faults(lying(lie));
        let mut stream = bench.client.open(16_000);
        stt::speak(&stream).await;
        let seen = loop {
            match next(&mut stream.events).await.expect("words or a failure") {
                SttEvent::Failed(failure) => break Some(failure.class),
                SttEvent::Final { text, .. } => {
                    assert_eq!(text, stt::WORDS);
                    break None;
                }
                _ => {}
            }
        };
        assert_eq!(seen, expected, "{lie:?}");
        drop(stream);
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_wrong_model_is_refused() {
    let server = Server::start(Script::default()).await;
    let settings = settings(&server.url(), server.api_key(), json!({}));
    let settings = SttSettings { model: "whisper-9".into(), ..settings };
    let mut stream = Transcription::from_settings(&settings, &local_egress()).unwrap().open(16_000);
    stt::speak(&stream).await;
    loop {
        match next(&mut stream.events).await.expect("a failure") {
            SttEvent::Failed(failure) => {
                assert_eq!(failure.class, FailureClass::Refused);
                break assert!(failure.detail.contains("model_not_found"), "{failure}");
            }
            _ => continue,
        }
    }
}

#[tokio::test]
async fn a_server_of_ones_own_needs_no_key_tells_no_cost_and_may_have_its_routes_below_v1() {
    let script = Script {
        needs_key: false,
        billing: Billing::Nothing,
        only_below_v1: true,
        ..Script::saying([stt::WORDS])
    };
    let server = Server::start(script).await;
    let client = client(&server.url(), "");
    stt::happy(stt::Bench { server, client }, CAN).await;
}

#[tokio::test]
async fn one_that_speaks_for_long_is_heard_so_far() {
    let bench = bench_with(Script::saying([stt::WORDS]), json!({"interim_ms": 300})).await;
    let mut stream = bench.client.open(16_000);
    for _ in 0..25 {
        let loud = (0..320).map(|at| if at % 40 < 20 { 8000 } else { -8000 }).collect();
        stream.input.send(SttInput::Audio(loud)).await.unwrap();
    }
    loop {
        match next(&mut stream.events).await.expect("words so far") {
            SttEvent::Partial { text } => break assert_eq!(text, "Hello, can you"),
            SttEvent::Failed(failure) => panic!("{failure}"),
            _ => {}
        }
    }
    drop(stream);
    bench.finish().await;
}

#[tokio::test]
async fn words_that_the_model_made_up_are_none() {
    let bench =
        bench_with(Script { doubt: [0.9, -1.5], ..Script::saying(["Thanks for watching!"]) }, json!({}))
            .await;
    let mut stream = bench.client.open(16_000);
    stt::speak(&stream).await;
    loop {
        match next(&mut stream.events).await.expect("the segment is told") {
            SttEvent::Final { text, .. } => panic!("{text}"),
            SttEvent::Usage { .. } => break,
            _ => {}
        }
    }
    drop(stream);
    bench.finish().await;
}
