//! Sarvam's two recognisers against the suite, and what only they do.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::stt::sarvam::realtime::SarvamRealtime;
use vox_core::provider::stt::sarvam::streaming::Sarvam;
use vox_core::provider::stt::{Recogniser, SttEvent};
use vox_core::provider::{Failure, FailureClass};
use vox_shared::model::bot::{ApiKey, SttSettings};
use vox_testkit::vendor::sarvam::{Script, Server};

use crate::conformance::{local_egress, next, stt};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Streaming,
    Realtime,
}

const BOTH: [Kind; 2] = [Kind::Streaming, Kind::Realtime];

impl Kind {
    fn client(self, settings: &SttSettings) -> Result<Arc<dyn Recogniser>, Failure> {
        Ok(match self {
            Self::Streaming => Arc::new(Sarvam::from_settings(settings, &local_egress())?),
            Self::Realtime => Arc::new(SarvamRealtime::from_settings(settings, &local_egress())?),
        })
    }
}

fn settings(url: &str, key: &str, extra: Value) -> SttSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), url.into());
    SttSettings { language: "hi".into(), api_key: ApiKey::new(key), extra, ..SttSettings::default() }
}

async fn bench_of(kind: Kind) -> stt::Bench<Script> {
    let server = Server::start(Script::saying([stt::WORDS])).await;
    let settings = settings(&server.url(), server.api_key(), json!({"mode": "codemix"}));
    let client = kind.client(&settings).unwrap();
    stt::Bench { server, client }
}

/// Of both.
const CLOSES: [(u16, FailureClass); 6] = [
    (1000, FailureClass::Unavailable),
    (1003, FailureClass::OverLimit),
    (1008, FailureClass::Unavailable),
    (1011, FailureClass::Unavailable),
    (1013, FailureClass::Unavailable),
    (4000, FailureClass::Refused),
];
const BASE: stt::Can = stt::Can { speech_start: false, words: false, confidence: false, ..stt::Can::ALL };

mod streaming {
    use super::*;

    const CAN: stt::Can = stt::Can { partials: false, ..BASE };

    fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
        Kind::Streaming.client(&settings(url, key, json!({}))).unwrap()
    }

    async fn bench() -> stt::Bench<Script> {
        bench_of(Kind::Streaming).await
    }

    stt::suite!(websocket);
}

mod realtime {
    use super::*;

    const CAN: stt::Can = stt::Can { final_on_demand: false, ..BASE };

    fn client(url: &str, key: &str) -> Arc<dyn Recogniser> {
        Kind::Realtime.client(&settings(url, key, json!({}))).unwrap()
    }

    async fn bench() -> stt::Bench<Script> {
        bench_of(Kind::Realtime).await
    }

    stt::suite!(websocket);
}

async fn failure_with(kind: Kind, settings: SttSettings) -> Failure {
    let mut stream = kind.client(&settings).unwrap().open(16_000);
    let Some(SttEvent::Failed(failure)) = next(&mut stream.events).await else { panic!("no failure") };
    failure
}

#[tokio::test]
async fn a_wrong_model_is_refused_with_the_vendors_words() {
    for kind in BOTH {
        let server = Server::start(Script::default()).await;
        let settings = settings(&server.url(), server.api_key(), json!({}));
        let failure = failure_with(kind, SttSettings { model: "saaras:v9".into(), ..settings }).await;
        assert_eq!(failure.class, FailureClass::Refused);
        assert!(failure.detail.contains("Invalid model"), "{failure}");
    }
}

#[tokio::test]
async fn a_line_at_another_rate_is_heard_all_the_same() {
    for kind in BOTH {
        let bench = bench_of(kind).await;
        let mut stream = bench.client.open(24_000);
        stt::speak(&stream).await;
        while !matches!(next(&mut stream.events).await, Some(SttEvent::Final { .. })) {}
        drop(stream);
        let observed = bench.server.observed();
        assert_eq!(observed.exchanges[0].parameter("sample_rate"), Some("16000"));
        bench.finish().await;
    }
}
