use serde_json::json;
use tokio::time::Instant;
use vox_shared::egress::Policy;
use vox_shared::model::bot::ApiKey;

use super::*;
use crate::provider::FailureClass;
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::tts::TtsInput;

#[test]
fn messages_are_read() {
    let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
    check(
        r#"{"type":"audio","data":{"content_type":"audio/wav","audio":"AQA=","request_id":"r"}}"#,
        Ok(Event::Audio { pcm: vec![1, 0] }),
    );
    check(
        r#"{"type":"event","data":{"event_type":"final","message":"m","timestamp":"t"}}"#,
        Ok(Event::Final),
    );
    check(r#"{"type":"event","data":{"event_type":"else"}}"#, Ok(Event::Other));
    check(r#"{"type":"error","data":{"message":"m","code":429}}"#, Ok(Event::Error { code: Some(429) }));
    check(r#"{"type":"error","data":null}"#, Ok(Event::Error { code: None }));
    check(r#"{"type":"audio","data":{"audio":5}}"#, Err(EventError::NotBase64));
    check(r#"{"type":5}"#, Err(EventError::NoType));
    check("{", Err(EventError::NotAnObject));
}

fn settings(language: &str, voice: &str, extra: Value) -> TtsSettings {
    TtsSettings {
        provider: NAME.into(),
        api_key: ApiKey::new("k"),
        voice: voice.into(),
        language: language.into(),
        extra: extra.as_object().cloned().unwrap(),
        ..TtsSettings::default()
    }
}

#[test]
fn settings_become_the_first_message() {
    let check = |settings: TtsSettings, expected: Value| {
        let extra = Extra::new(&SARVAM_VOICES, &settings.extra).unwrap();
        assert_eq!(Value::Object(config(&settings, &extra, "bulbul:v3")), expected);
    };
    let fixed = |language: &str, speaker: &str| json!({"target_language_code": language, "speaker": speaker, "model": "bulbul:v3", "output_audio_codec": "linear16"});
    check(settings("hi", "", json!({})), fixed("hi-IN", "shubh"));
    check(settings("or-IN", "Ritu", json!({})), fixed("od-IN", "ritu"));
    let mut all = fixed("en-IN", "priya");
    (all["pace"], all["temperature"], all["dict_id"]) = (json!(1.2), json!(0.5), json!("d"));
    check(settings("en-US", "priya", json!({"pace": 1.2, "temperature": 0.5, "dict_id": "d"})), all);
}

#[test]
fn a_language_that_it_does_not_speak_is_refused() {
    let egress = Arc::new(Egress::new(Policy::default()));
    let failure = Sarvam::from_settings(&settings("fr", "", json!({})), &egress).unwrap_err();
    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.detail.contains("fr"), "{failure}");
}

#[test]
fn an_interrupted_reply_is_left_behind_with_its_connection() {
    let mut codec = RepliesCodec::new(SarvamTongue::new(Map::new(), 8000), 8000);
    let (mut wishes, now) = (Wishes::default(), Instant::now());
    codec.open(now, &mut wishes);
    codec.order(TtsInput::Speak { utterance: 1, text: "One.".into() }, now, &mut wishes).unwrap();
    codec.order(TtsInput::Cancel { utterance: 1 }, now, &mut wishes).unwrap();
    assert!(std::mem::take(&mut wishes.reconnect));
    codec.order(TtsInput::Speak { utterance: 2, text: "Two.".into() }, now, &mut wishes).unwrap();
    assert_eq!(wishes.messages.len(), 3, "the next reply waits for the new connection");
    wishes.messages.clear();
    codec.open(now, &mut wishes);
    assert_eq!(wishes.messages.len(), 3, "the settings, the text and its flush");
    let Err(Flaw::Failed(failure)) = codec.text(r#"{"type":"error","data":{"code":429}}"#, now, &mut wishes)
    else {
        panic!("an error is a failure")
    };
    assert_eq!(failure.class, FailureClass::OverLimit);
}
