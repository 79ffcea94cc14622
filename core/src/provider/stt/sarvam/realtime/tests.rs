use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::codec::KEEP_ALIVE;
use super::*;
use crate::provider::FailureClass;
use crate::provider::egress::Incoming;
use crate::provider::stt::owed::{FINALIZE_WAIT, nothing_more};
use crate::provider::stt::tried::{self, Call};
use crate::provider::stt::{SttEvent, SttInput};

fn transcript(kind: &str, index: u64, text: &str) -> Value {
    json!({"event": format!("transcript.{kind}"), "utterance_idx": index, "text": text})
}

fn over(text: &str, from_finalize: bool) -> SttEvent {
    SttEvent::Final {
        text: text.into(),
        confidence: None,
        words: Vec::new(),
        from_finalize,
        utterance_end: true,
    }
}

fn partial(text: &str) -> SttEvent {
    SttEvent::Partial { text: text.into() }
}

#[test]
fn messages_are_read() {
    let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
    check(r#"{"event":"session.begin","request_id":"r","config":{}}"#, Ok(Event::Begin));
    check(r#"{"event":"vad.speech_start","utterance_idx":0}"#, Ok(Event::SpeechStarted));
    check(
        r#"{"event":"transcript.partial","utterance_idx":3,"text":" haan "}"#,
        Ok(Event::Partial { index: 3, text: "haan".into() }),
    );
    check(
        r#"{"event":"transcript.final","utterance_idx":3,"text":"haan ji","start_s":1}"#,
        Ok(Event::Final { index: 3, text: "haan ji".into() }),
    );
    check(r#"{"event":"session.end","audio_duration_s":2.5}"#, Ok(Event::End { seconds: 2.5 }));
    let error = |word: &str, is_fatal| Ok(Event::Error { word: word.into(), is_fatal });
    check(r#"{"event":"error","code":"invalid_config","is_fatal":false}"#, error("invalid_config", false));
    check(r#"{"event":"error","message":"x"}"#, error("no code", true));
    check(r#"{"event":"pong"}"#, Ok(Event::Other));
    check(r#"{"event":"transcript.final","text":"x"}"#, Err(EventError::NoTranscript));
    check(r#"{"type":"x"}"#, Err(EventError::NoEvent));
    check("{\"event\":", Err(EventError::NotJson));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", index in proptest::prelude::any::<u64>()) {
        let _unknown = parse_event(&text);
        let _read = parse_event(&transcript("final", index, &text).to_string());
    }
}

async fn call() -> Call {
    let mut call = tried::call(RealtimeCodec::at(16_000)).await;
    call.vendor_says(json!({"event": "session.begin"})).await;
    assert_eq!(call.next().await, SttEvent::Ready);
    call
}

async fn says(call: &mut Call, message: Value, expected: &[SttEvent]) {
    call.vendor_says(message).await;
    for event in expected {
        assert_eq!(&call.next().await, event);
    }
}

#[tokio::test(start_paused = true)]
async fn audio_goes_up_in_pieces_and_a_ping_is_a_sign_of_life() {
    let mut call = call().await;
    for _ in 0..2 {
        call.input.send(SttInput::Audio(Arc::from(vec![1; 640]))).await.unwrap();
    }
    assert!(call.vendor_hears().await.starts_with(r#"{"audio":"AQAB"#));
    let silent_since = Instant::now();
    assert_eq!(call.vendor_hears().await, r#"{"event":"ping"}"#);
    assert_eq!(silent_since.elapsed(), KEEP_ALIVE);
}

#[tokio::test(start_paused = true)]
async fn an_utterance_grows_and_ends() {
    let mut call = call().await;
    let started = SttEvent::SpeechStarted { at_ms: 0 };
    says(&mut call, json!({"event": "vad.speech_start", "utterance_idx": 0}), &[started]).await;
    says(&mut call, transcript("partial", 0, "haan"), &[partial("haan")]).await;
    says(&mut call, transcript("final", 0, "haan ji"), &[over("haan ji", false)]).await;
    says(&mut call, transcript("final", 0, "haan ji"), &[]).await;
    call.input.send(SttInput::Finalize).await.unwrap();
    let asked = Instant::now();
    assert_eq!(call.next().await, nothing_more());
    assert!(asked.elapsed() >= FINALIZE_WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_mistake_that_is_not_fatal_ends_nothing_and_one_that_is_does() {
    let mut call = call().await;
    let error =
        |is_fatal| json!({"event": "error", "code": "invalid_config", "is_fatal": is_fatal, "message": "x"});
    says(&mut call, error(false), &[]).await;
    says(
        &mut call,
        transcript("partial", 0, "haan"),
        &[SttEvent::SpeechStarted { at_ms: 0 }, partial("haan")],
    )
    .await;
    call.vendor_says(error(true)).await;
    assert_eq!(call.failure().await.class, FailureClass::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_brings_the_seconds_billed() {
    let Call { input, mut events, mut vendor, task } = call().await;
    drop(input);
    assert_eq!(vendor.next().await.unwrap(), Incoming::Text(r#"{"event":"end"}"#.into()));
    vendor.send_text(r#"{"event":"session.end","audio_duration_s":1.5}"#).await.unwrap();
    vendor.close_with(1000, "").await;
    assert_eq!(events.recv().await, Some(SttEvent::Usage { seconds: 1.5 }));
    assert_eq!(events.recv().await, None);
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_vendor_closes_with_has_a_class() {
    let check = async |code, reason: &str, class| {
        let begin = Some(json!({"event": "session.begin"}));
        let failure = tried::closed_with(RealtimeCodec::at(16_000), begin, (code, reason)).await;
        assert_eq!(failure.class, class, "{code}");
    };
    check(1003, "rate limit", FailureClass::OverLimit).await;
    check(1003, "invalid API key", FailureClass::Unauthorised).await;
    check(1008, "", FailureClass::Unavailable).await;
    check(1011, "", FailureClass::Unavailable).await;
    check(1013, "", FailureClass::Unavailable).await;
    check(4000, "Invalid model", FailureClass::Refused).await;
}

#[test]
fn the_address_of_a_session() {
    let check = |language: &str, extra: Value, expected: &str| {
        let settings = SttSettings {
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        let url = url(&settings, &Extra::new(&SARVAM_REALTIME, &settings.extra).unwrap()).unwrap();
        assert_eq!(url.as_str(), format!("wss://api.sarvam.ai/speech-to-text-realtime/ws?{expected}"));
    };
    let fixed = "model=saaras%3Av3-realtime&encoding=linear16&endpointing=vad";
    check("od", json!({}), &format!("language_code=or-IN&{fixed}"));
    check(
        "multi",
        json!({"stream_type": "fast", "mode": "codemix", "threshold": 0.5, "silence_duration_ms": 300, "prompt": "A clinic."}),
        &format!(
            "language_code=auto&{fixed}&stream_type=fast&mode=codemix&threshold=0.5&silence_duration_ms=300&prompt=A+clinic."
        ),
    );
}

#[test]
fn terms_are_for_the_model_that_takes_them() {
    let settings = SttSettings {
        extra: json!({"keyterms": ["Vox"]}).as_object().cloned().unwrap(),
        ..SttSettings::default()
    };
    let failure = url(&settings, &Extra::new(&SARVAM_REALTIME, &settings.extra).unwrap()).unwrap_err();
    assert!(failure.detail.contains("extra.keyterms is for saaras:v4"), "{failure}");
}
