//! Deepgram against the suite, and what only Deepgram does.

use std::sync::Arc;

use serde_json::json;
use vox_core::provider::FailureClass;
use vox_core::provider::egress::Egress;
use vox_core::provider::stt::deepgram::Deepgram;
use vox_core::provider::stt::{Recogniser, SttEvent};
use vox_shared::egress::Policy;
use vox_shared::model::bot::{ApiKey, SttSettings};
use vox_testkit::vendor::deepgram::{Script, Server, Utterance};

use crate::conformance::{local_egress, next, stt};

fn settings(url: &str, key: &str) -> SttSettings {
    SttSettings {
        provider: "deepgram".into(),
        api_key: ApiKey::new(key),
        extra: json!({"base_url": url, "keyterms": ["Vox Labs"]}).as_object().cloned().unwrap(),
        ..SttSettings::default()
    }
}

const CAN: stt::Can = stt::Can::ALL;
const CLOSES: [(u16, FailureClass); 3] =
    [(1000, FailureClass::Unavailable), (1008, FailureClass::Refused), (1011, FailureClass::Unavailable)];

fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
    Arc::new(Deepgram::from_settings(&settings(url, key), &local_egress()).unwrap())
}

async fn bench_with(script: Script) -> stt::Bench<Script> {
    let server = Server::start(script).await;
    let client = client(&server.url(), server.api_key());
    stt::Bench { server, client }
}

async fn bench() -> stt::Bench<Script> {
    bench_with(Script::saying([stt::WORDS])).await
}

stt::suite!(websocket);

#[tokio::test]
async fn a_wrong_model_is_refused_with_the_vendors_words() {
    let server = Server::start(Script::default()).await;
    let settings = SttSettings { model: "nova-9".into(), ..settings(&server.url(), server.api_key()) };
    let client = Deepgram::from_settings(&settings, &local_egress()).unwrap();
    let Some(SttEvent::Failed(failure)) = next(&mut client.open(16_000).events).await else {
        panic!("no failure")
    };
    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.detail.contains("No such model"), "{failure}");
}

#[tokio::test]
async fn settings_and_rate_are_in_the_address() {
    let bench = bench().await;
    let mut stream = bench.client.open(8000);
    assert_eq!(next(&mut stream.events).await, Some(SttEvent::Ready));
    drop(stream);
    let observed = bench.server.observed();
    let asked = observed.on_path("/v1/listen").next().unwrap();
    assert_eq!(asked.parameter("sample_rate"), Some("8000"));
    assert_eq!(asked.parameter("keyterm"), Some("Vox Labs"));
    bench.finish().await;
}

#[tokio::test]
async fn an_end_that_only_the_second_sign_shows_is_reported() {
    let quiet = Utterance { no_speech_final: true, ..Utterance::text(stt::WORDS) };
    let bench = bench_with(Script { utterances: vec![quiet], ..Script::default() }).await;
    let mut stream = bench.client.open(16_000);
    stt::speak(&stream).await;
    loop {
        match next(&mut stream.events).await.expect("the utterance ends") {
            SttEvent::UtteranceEnd => break,
            SttEvent::Final { utterance_end, .. } => assert!(!utterance_end),
            _ => {}
        }
    }
    drop(stream);
    bench.finish().await;
}

#[test]
fn an_address_of_this_machine_needs_leave() {
    let egress = Arc::new(Egress::new(Policy::default()));
    let failure = Deepgram::from_settings(&settings("http://127.0.0.1:9", "k"), &egress).unwrap_err();
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("VOX_EGRESS_ALLOW"), "{failure}");
}
