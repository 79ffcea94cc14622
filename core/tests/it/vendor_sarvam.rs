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
    fn can(self) -> stt::Can {
        let both = stt::Can { speech_start: false, words: false, confidence: false, ..stt::Can::ALL };
        match self {
            Self::Streaming => stt::Can { partials: false, ..both },
            Self::Realtime => stt::Can { final_on_demand: false, ..both },
        }
    }

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

async fn bench(kind: Kind) -> stt::Bench<Script> {
    let server = Server::start(Script::saying([stt::WORDS])).await;
    let settings = settings(&server.url(), server.api_key(), json!({"mode": "codemix"}));
    let client = kind.client(&settings).unwrap();
    stt::Bench { server, client }
}

#[tokio::test]
async fn an_utterance_becomes_words() {
    for kind in BOTH {
        stt::happy_as(bench(kind).await, kind.can()).await;
    }
}

#[tokio::test]
async fn final_words_come_when_asked_for() {
    for kind in BOTH {
        stt::finalizes_as(bench(kind).await, kind.can()).await;
    }
}

#[tokio::test]
async fn a_slow_vendor_loses_no_audio() {
    for kind in BOTH {
        stt::slow_vendor(bench(kind).await).await;
    }
}

#[tokio::test]
async fn a_vendor_that_trickles_is_understood() {
    for kind in BOTH {
        stt::dripping_vendor(bench(kind).await).await;
    }
}

#[tokio::test]
async fn a_silent_vendor_is_left_to_the_session() {
    for kind in BOTH {
        stt::silent_vendor(bench(kind).await).await;
    }
}

#[tokio::test]
async fn a_vendor_that_reads_nothing_is_left_to_the_session() {
    for kind in BOTH {
        stt::deaf_vendor(bench(kind).await).await;
    }
}

#[tokio::test]
async fn a_cut_connection_is_a_failure() {
    for kind in BOTH {
        stt::cut(bench(kind).await).await;
    }
}

#[tokio::test]
async fn close_codes_have_their_class() {
    for kind in BOTH {
        let codes = [
            (1000, FailureClass::Unavailable),
            (1003, FailureClass::OverLimit),
            (1008, FailureClass::Unavailable),
            (1011, FailureClass::Unavailable),
            (1013, FailureClass::Unavailable),
            (4000, FailureClass::Refused),
        ];
        stt::closed(bench(kind).await, &codes).await;
    }
}

#[tokio::test]
async fn a_lying_vendor_changes_no_words() {
    for kind in BOTH {
        stt::lying_vendor(bench(kind).await).await;
    }
}

#[tokio::test]
async fn what_is_no_text_is_a_failure() {
    for kind in BOTH {
        stt::garbled(|url| kind.client(&settings(url, "k", json!({}))).unwrap()).await;
    }
}

#[tokio::test]
async fn an_oversized_message_is_a_failure() {
    for kind in BOTH {
        stt::oversized_vendor(bench(kind).await).await;
    }
}

#[tokio::test]
async fn refusals_have_their_class() {
    for kind in BOTH {
        stt::refused(bench(kind).await).await;
    }
}

#[tokio::test]
async fn a_dropped_stream_leaves_nothing_open() {
    for kind in BOTH {
        stt::dropped(bench(kind).await).await;
    }
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    for kind in BOTH {
        stt::slow_reader(bench(kind).await).await;
    }
}

async fn failure_with(kind: Kind, settings: SttSettings) -> Failure {
    let mut stream = kind.client(&settings).unwrap().open(16_000);
    let Some(SttEvent::Failed(failure)) = next(&mut stream.events).await else { panic!("no failure") };
    failure
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised() {
    for kind in BOTH {
        let server = Server::start(Script::default()).await;
        let failure = failure_with(kind, settings(&server.url(), "wrong-k3y", json!({}))).await;
        assert_eq!(failure.class, FailureClass::Unauthorised, "{failure}");
        assert!(failure.detail.contains("403") && !failure.detail.contains("wrong-k3y"), "{failure}");
    }
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
        let bench = bench(kind).await;
        let mut stream = bench.client.open(24_000);
        stt::speak(&stream).await;
        while !matches!(next(&mut stream.events).await, Some(SttEvent::Final { .. })) {}
        drop(stream);
        let observed = bench.server.observed();
        assert_eq!(observed.exchanges[0].parameter("sample_rate"), Some("16000"));
        bench.finish().await;
    }
}
