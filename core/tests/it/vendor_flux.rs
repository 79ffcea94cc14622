//! Deepgram Flux against the suite, and what only Flux does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::stt::flux::Flux;
use vox_core::provider::stt::{Recogniser, SttEvent, SttInput};
use vox_core::provider::{Failure, FailureClass};
use vox_shared::model::bot::{ApiKey, SttSettings};
use vox_testkit::vendor::flux::{Script, Server};

use crate::conformance::{local_egress, next, stt};

fn settings(url: &str, key: &str, extra: Value) -> SttSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), url.into());
    SttSettings {
        provider: "deepgram_flux".into(),
        api_key: ApiKey::new(key),
        extra,
        ..SttSettings::default()
    }
}

/// What was heard is not told: the samples are counted.
const CAN: stt::Can = stt::Can { usage: false, ..stt::Can::ALL };

const CLOSES: [(u16, FailureClass); 3] =
    [(1000, FailureClass::Unavailable), (1008, FailureClass::Refused), (1011, FailureClass::Unavailable)];

fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
    Arc::new(Flux::from_settings(&settings(url, key, json!({})), &local_egress()).unwrap())
}

async fn bench_with(script: Script, extra: Value) -> stt::Bench<Script> {
    let server = Server::start(script).await;
    let settings = settings(&server.url(), server.api_key(), extra);
    let client: Arc<dyn Recogniser> = Arc::new(Flux::from_settings(&settings, &local_egress()).unwrap());
    stt::Bench { server, client }
}

async fn bench() -> stt::Bench<Script> {
    bench_with(Script::saying([stt::WORDS]), json!({"keyterms": ["Vox Labs"], "force_end_turn": true})).await
}

stt::suite!(websocket);

async fn failure_with(settings: SttSettings) -> Failure {
    let client = Flux::from_settings(&settings, &local_egress()).unwrap();
    let Some(SttEvent::Failed(failure)) = next(&mut client.open(16_000).events).await else {
        panic!("no failure")
    };
    failure
}

#[tokio::test]
async fn a_wrong_model_is_refused_with_the_vendors_words() {
    let server = Server::start(Script::default()).await;
    let settings = settings(&server.url(), server.api_key(), json!({}));
    let failure = failure_with(SttSettings { model: "flux-9".into(), ..settings }).await;
    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.detail.contains("No such model"), "{failure}");
}

#[tokio::test]
async fn likely_ends_come_before_ends_and_are_taken_back() {
    // The speaker's last word comes after the likely end.
    let bench = bench_with(Script::saying([stt::WORDS]), json!({"eager_eot_threshold": 0.5})).await;
    let mut stream = bench.client.open(16_000);
    stt::speak(&stream).await;
    let (mut eager, mut last) = (None, None);
    while last.is_none() {
        match next(&mut stream.events).await.expect("the turn ends") {
            SttEvent::EagerEnd { text } => eager = Some(text),
            SttEvent::EagerEndRevoked => eager = None,
            SttEvent::Final { text, .. } => last = Some(text),
            _ => {}
        }
    }
    assert_eq!(last.as_deref(), Some(stt::WORDS));
    assert!(eager.is_none_or(|text| text == stt::WORDS), "an end says what its likely end said");
    let asked = bench.server.observed();
    assert_eq!(asked.on_path("/v2/listen").next().unwrap().parameter("eager_eot_threshold"), Some("0.5"));
    drop(stream);
    bench.finish().await;
}

#[tokio::test]
async fn a_host_that_does_not_end_turns_when_asked_breaks_off_and_the_failure_says_what_to_set() {
    let script = Script { knows_force: false, ..Script::saying([stt::WORDS]) };
    let bench = bench_with(script, json!({"force_end_turn": true})).await;
    let mut stream = bench.client.open(16_000);
    stream.input.send(SttInput::Finalize).await.unwrap();
    assert_eq!(next(&mut stream.events).await, Some(SttEvent::Ready));
    let Some(SttEvent::Failed(failure)) = next(&mut stream.events).await else { panic!("no failure") };
    assert!(failure.class.is_transient() && failure.detail.contains("extra.force_end_turn"), "{failure}");
}

#[tokio::test]
async fn a_host_that_is_not_asked_ends_turns_by_itself() {
    let script = Script { knows_force: false, ..Script::saying([stt::WORDS]) };
    let bench = bench_with(script, json!({"force_end_turn": false})).await;
    stt::finalizes(bench, stt::Can { final_on_demand: false, ..CAN }).await;
}

#[tokio::test]
async fn a_line_that_sends_nothing_still_ends_its_turns() {
    let bench = bench().await;
    let mut stream = bench.client.open(16_000);
    for _ in 0..40 {
        let loud = (0..320).map(|at| if at % 40 < 20 { 8000 } else { -8000 }).collect();
        stream.input.send(SttInput::Audio(loud)).await.unwrap();
    }
    while !matches!(next(&mut stream.events).await.expect("the turn ends"), SttEvent::Final { .. }) {}
    drop(stream);
    bench.finish().await;
}
