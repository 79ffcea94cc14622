use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::codec::KEEP_ALIVE;
use super::*;
use crate::provider::FailureClass;
use crate::provider::stt::owed::{FINALIZE_WAIT, nothing_more};
use crate::provider::stt::tried::{self, Call};
use crate::provider::stt::{SttEvent, SttInput};

fn utterance(request: &str, text: &str, seconds: f64) -> Value {
    json!({"type": "data", "data": {"request_id": request, "transcript": text, "metrics": {"audio_duration": seconds}}})
}

fn signal(signal: &str) -> Value {
    json!({"type": "events", "data": {"event_type": "vad", "signal_type": signal, "occured_at": 1}})
}

fn over(text: &str, from_finalize: bool) -> SttEvent {
    let utterance_end = !text.is_empty();
    SttEvent::Final { text: text.into(), confidence: None, words: Vec::new(), from_finalize, utterance_end }
}

#[test]
fn messages_are_read() {
    let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
    check(
        r#"{"type":"data","data":{"request_id":"r","transcript":" haan ","metrics":{"audio_duration":3.2}}}"#,
        Ok(Event::Utterance { text: "haan".into(), seconds: 3.2, request: Some("r".into()) }),
    );
    check(r#"{"type":"events","data":{"signal_type":"START_SPEECH"}}"#, Ok(Event::SpeechStarted));
    check(r#"{"type":"events","data":{"signal_type":"END_SPEECH"}}"#, Ok(Event::SpeechEnded));
    check(r#"{"type":"events","data":{"signal_type":"SIGH"}}"#, Ok(Event::Other));
    check(
        r#"{"type":"error","data":{"error":"x","code":"rate_limit_exceeded_error"}}"#,
        Ok(Event::Error { word: "rate_limit_exceeded_error".into() }),
    );
    check(r#"{"type":"error","data":{"code":429}}"#, Ok(Event::Error { word: "429".into() }));
    check(r#"{"type":"pong"}"#, Ok(Event::Other));
    check(r#"{"type":"data","data":{"transcript":null}}"#, Err(EventError::NoTranscript));
    check("[]", Err(EventError::NoType));
    check("{\"type\":", Err(EventError::NotJson));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", seconds in proptest::prelude::any::<f64>()) {
        let _unknown = parse_event(&text);
        let _read = parse_event(&utterance(&text, &text, seconds).to_string());
    }
}

async fn call() -> Call {
    let mut call = tried::call(UtterancesCodec::at(16_000)).await;
    assert_eq!(call.next().await, SttEvent::Ready);
    call
}

#[tokio::test(start_paused = true)]
async fn audio_goes_up_in_pieces_and_silence_is_a_sign_of_life() {
    let mut call = call().await;
    for _ in 0..2 {
        call.input.send(SttInput::Audio(Arc::from(vec![1; 640]))).await.unwrap();
    }
    let sent: Value = serde_json::from_str(&call.vendor_hears().await).unwrap();
    assert_eq!(
        (&sent["audio"]["encoding"], &sent["audio"]["sample_rate"]),
        (&json!("audio/wav"), &json!(16_000))
    );
    assert_eq!(sent["audio"]["data"].as_str().unwrap().len(), 1280 * 2 / 3 * 4 + 4);
    let silent_since = Instant::now();
    assert!(call.vendor_hears().await.contains("AAAA"));
    assert_eq!(silent_since.elapsed(), KEEP_ALIVE);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_goes_first() {
    let codec = UtterancesCodec::new(Fit::new(8_000, &RATES), Some("A clinic.".into()));
    let mut call = tried::call(codec).await;
    assert_eq!(call.vendor_hears().await, r#"{"prompt":"A clinic.","type":"config"}"#);
}

#[tokio::test(start_paused = true)]
async fn an_utterance_is_told_once_and_its_seconds_add_up() {
    let mut call = call().await;
    call.vendor_says(signal("START_SPEECH")).await;
    assert_eq!(call.next().await, SttEvent::SpeechStarted { at_ms: 0 });
    for seconds in [1.5, 1.5] {
        call.vendor_says(utterance("a", "haan", seconds)).await;
    }
    call.vendor_says(utterance("b", "ji", 0.5)).await;
    assert_eq!(call.next().await, over("haan", false));
    assert_eq!(call.next().await, SttEvent::Usage { seconds: 1.5 });
    assert_eq!(call.next().await, over("ji", false));
    assert_eq!(call.next().await, SttEvent::Usage { seconds: 2.0 });
    call.vendor_says(utterance("c", "", 0.5)).await;
    assert_eq!(call.next().await, SttEvent::Partial { text: String::new() });
}

#[tokio::test(start_paused = true)]
async fn final_words_are_asked_for_and_owed() {
    let mut call = call().await;
    call.input.send(SttInput::Finalize).await.unwrap();
    assert_eq!(call.vendor_hears().await, r#"{"type":"flush"}"#);
    call.vendor_says(utterance("a", "haan", 1.0)).await;
    assert_eq!(call.next().await, over("haan", true));
    assert_eq!(call.next().await, SttEvent::Usage { seconds: 1.0 });
    let asked = Instant::now();
    call.input.send(SttInput::Finalize).await.unwrap();
    assert_eq!(call.next().await, nothing_more());
    assert!(asked.elapsed() >= FINALIZE_WAIT);
    call.vendor_says(signal("START_SPEECH")).await;
    assert_eq!(call.next().await, SttEvent::SpeechStarted { at_ms: 0 });
    call.input.send(SttInput::Finalize).await.unwrap();
    call.vendor_hears().await;
    call.vendor_hears().await;
    assert_eq!(timeout(FINALIZE_WAIT * 2, call.next()).await.ok(), None);
    call.vendor_says(utterance("b", "ji", 0.5)).await;
    assert_eq!(call.next().await, over("ji", false), "its words were to come");
}

#[tokio::test(start_paused = true)]
async fn an_error_and_a_close_have_a_class() {
    let mut call = call().await;
    call.vendor_says(json!({"type": "error", "data": {"error": "x", "code": "insufficient_quota_error"}}))
        .await;
    assert_eq!(call.failure().await.class, FailureClass::OverLimit);
    for (code, class) in [
        (1000, FailureClass::Unavailable),
        (1003, FailureClass::OverLimit),
        (1008, FailureClass::Unavailable),
    ] {
        let failure = tried::closed_with(UtterancesCodec::at(16_000), None, (code, "")).await;
        assert_eq!(failure.class, class, "{code}");
    }
}

#[test]
fn the_address_of_a_stream() {
    let check = |language: &str, extra: Value, expected: &str| {
        let settings = SttSettings {
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        let url = url(&settings, &Extra::new(&SARVAM, &settings.extra).unwrap()).unwrap();
        let fixed = "vad_signals=true&flush_signal=true&input_audio_codec=pcm_s16le";
        let expected = expected.replace("FIXED", fixed);
        assert_eq!(url.as_str(), format!("wss://api.sarvam.ai/speech-to-text/ws?{expected}"));
    };
    check("hi", json!({}), "language-code=hi-IN&model=saaras%3Av4&mode=transcribe&FIXED");
    check(
        "multi",
        json!({"mode": "codemix", "high_vad_sensitivity": true, "keyterms": ["Vox"]}),
        "language-code=unknown&model=saaras%3Av4&mode=codemix&FIXED&high_vad_sensitivity=true&keyterms=%5B%22Vox%22%5D",
    );
}
