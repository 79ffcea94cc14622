use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::codec::{FORMAT_WAIT, KEEP_ALIVE};
use super::*;
use crate::provider::FailureClass;
use crate::provider::egress::Incoming;
use crate::provider::stt::owed::{FINALIZE_WAIT, nothing_more};
use crate::provider::stt::reading::word;
use crate::provider::stt::tried::{self, Call};
use crate::provider::stt::turns::Told;

/// A turn whose words all end at 200 ms.
fn turn(index: u64, text: &str, changes: Value) -> Value {
    let words: Vec<Value> = text
        .split_whitespace()
        .map(|one| json!({"text": one, "start": 100, "end": 200, "confidence": 0.5, "word_is_final": true}))
        .collect();
    let mut turn = json!({"type": "Turn", "turn_order": index, "turn_is_formatted": false, "end_of_turn": false,
        "transcript": text, "utterance": "", "end_of_turn_confidence": 0.1, "words": words});
    for (name, value) in changes.as_object().unwrap() {
        turn[name] = value.clone();
    }
    turn
}

fn ended(index: u64, text: &str, formatted: bool) -> Value {
    turn(index, text, json!({"end_of_turn": true, "turn_is_formatted": formatted}))
}

fn over(text: &str, from_finalize: bool) -> SttEvent {
    let words = text.split_whitespace().map(|one| word(one, 100, 200)).collect();
    SttEvent::Final { text: text.into(), confidence: Some(0.5), words, from_finalize, utterance_end: true }
}

fn partial(text: &str) -> SttEvent {
    SttEvent::Partial { text: text.into() }
}

const STARTED: SttEvent = SttEvent::SpeechStarted { at_ms: 100 };

mod parsing {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn turns_are_read() {
        let text = r#"{"type":"Turn","turn_order":3,"turn_is_formatted":false,"end_of_turn":false,"transcript":"my",
            "utterance":"my.","words":[{"text":"my","start":1216,"end":1635,"confidence":0.5,"word_is_final":true},
            {"text":"name","start":1700,"end":1600,"confidence":1.0,"word_is_final":false},{"text":7}]}"#;
        let words = vec![word("my", 1216, 1635), word("name", 1700, 1700)];
        let told = Told { index: 3, text: "my name".into(), words, confidence: Some(0.75) };
        let turn = Turn { told, ended: false, formatted: false, likely_ended: true };
        assert_eq!(parse_event(text), Ok(Event::Turn(turn)));
    }

    #[test]
    fn other_messages_are_read() {
        let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
        check(r#"{"type":"Begin","id":"x","expires_at":1}"#, Ok(Event::Begin));
        check(r#"{"type":"SpeechStarted","timestamp":1216}"#, Ok(Event::SpeechStarted { at_ms: 1216 }));
        check(
            r#"{"type":"Termination","audio_duration_seconds":12.3,"session_duration_seconds":13.5}"#,
            Ok(Event::Termination { seconds: 13.5 }),
        );
        check(
            r#"{"type":"Error","error_code":3008,"error":"Session Expired"}"#,
            Ok(Event::Error { code: 3008, text: "Session Expired".into() }),
        );
        check(r#"{"type":"Warning","warning_code":7,"warning":"x"}"#, Ok(Event::Warning { code: 7 }));
        check(r#"{"type":"Heartbeat"}"#, Ok(Event::Other));
        check(r#"{"type":"Turn","transcript":"x"}"#, Err(EventError::NoTurn));
        check(r#"{"type":"Turn","turn_order":-1,"transcript":"x"}"#, Err(EventError::NoTurn));
        check(r#"{"type":"Turn","turn_order":1,"transcript":7}"#, Err(EventError::NoTurn));
        check("[]", Err(EventError::NoType));
        check("{\"type\":", Err(EventError::NotJson));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", order in any::<i64>(), end in any::<f64>()) {
            let _unknown = parse_event(&text);
            let value = json!({"type": "Turn", "turn_order": order, "transcript": text,
                "words": [{"text": text, "start": order, "end": end, "confidence": end}]});
            let _read = parse_event(&value.to_string());
        }
    }
}

mod serving {
    use super::*;

    async fn call_as(formats: bool) -> Call {
        let mut call = tried::call(TurnsCodec::new(1000, formats)).await;
        call.vendor_says(json!({"type": "Begin"})).await;
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
    async fn audio_waits_for_the_beginning_and_goes_in_pieces_that_the_vendor_takes() {
        let mut call = tried::call(TurnsCodec::new(1000, true)).await;
        for _ in 0..3 {
            call.input.send(SttInput::Audio(Arc::from(vec![0; 40]))).await.unwrap();
        }
        let early = tokio::time::timeout(Duration::from_secs(1), call.vendor.next()).await;
        assert!(early.is_err(), "{early:?}");
        call.vendor_says(json!({"type": "Begin"})).await;
        assert_eq!(call.vendor_hears().await, "160 bytes");
        let silent_since = Instant::now();
        assert_eq!(call.vendor_hears().await, r#"{"type":"KeepAlive"}"#);
        assert_eq!(silent_since.elapsed().as_secs(), KEEP_ALIVE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_beginning_it_fails() {
        let mut call = tried::call(TurnsCodec::new(1000, true)).await;
        assert_eq!(call.failure().await.class, FailureClass::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_formatted_turn_counts() {
        let mut call = call_as(true).await;
        says(&mut call, turn(0, "yes", json!({})), &[STARTED, partial("yes")]).await;
        says(&mut call, ended(0, "yes please", false), &[partial("yes please")]).await;
        says(&mut call, ended(0, "Yes, please.", true), &[over("Yes, please.", false)]).await;
        says(&mut call, turn(1, "and", json!({})), &[STARTED, partial("and")]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_not_formatted_counts_after_a_while() {
        let mut call = call_as(true).await;
        says(&mut call, ended(0, "yes please", false), &[STARTED, partial("yes please")]).await;
        let since = Instant::now();
        assert_eq!(call.next().await, over("yes please", false));
        assert!(since.elapsed() >= FORMAT_WAIT);
        says(&mut call, ended(0, "Yes, please.", true), &[]).await;
        says(&mut call, turn(1, "and", json!({})), &[STARTED, partial("and")]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_vendors_start_of_speech_is_told_once() {
        let mut call = call_as(false).await;
        let started = SttEvent::SpeechStarted { at_ms: 90 };
        says(&mut call, json!({"type": "SpeechStarted", "timestamp": 90}), &[started]).await;
        says(&mut call, turn(0, "yes", json!({})), &[partial("yes")]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_utterance_is_a_likely_end() {
        let mut call = call_as(false).await;
        let eager = SttEvent::EagerEnd { text: "yes".into() };
        says(&mut call, turn(0, "yes", json!({"utterance": "yes"})), &[STARTED, eager]).await;
        let events = [SttEvent::EagerEndRevoked, partial("yes I")];
        says(&mut call, turn(0, "yes I", json!({})), &events).await;
        says(&mut call, ended(0, "yes I do", false), &[over("yes I do", false)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn final_words_are_asked_for_and_owed() {
        let mut call = call_as(false).await;
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.vendor_hears().await, r#"{"type":"ForceEndpoint"}"#);
        says(&mut call, ended(0, "yes", false), &[STARTED, over("yes", true)]).await;
        let asked = Instant::now();
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.next().await, nothing_more());
        assert!(asked.elapsed() >= FINALIZE_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn words_on_their_way_are_waited_for() {
        let mut call = call_as(false).await;
        says(&mut call, turn(0, "yes", json!({})), &[STARTED, partial("yes")]).await;
        call.input.send(SttInput::Finalize).await.unwrap();
        call.vendor_hears().await;
        assert_eq!(timeout(FINALIZE_WAIT * 2, call.next()).await.ok(), None);
        says(&mut call, ended(0, "yes", false), &[over("yes", false)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_brings_the_seconds_of_the_session() {
        let Call { input, mut events, mut vendor, task } = call_as(false).await;
        drop(input);
        assert_eq!(vendor.next().await.unwrap(), Incoming::Text(r#"{"type":"Terminate"}"#.into()));
        let last =
            json!({"type": "Termination", "audio_duration_seconds": 1, "session_duration_seconds": 1.5});
        vendor.send_text(last.to_string()).await.unwrap();
        vendor.close_with(1000, "").await;
        assert_eq!(events.recv().await, Some(SttEvent::Usage { seconds: 1.5 }));
        assert_eq!(events.recv().await, None);
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_vendor_closes_with_has_a_class_and_so_has_its_error() {
        let check = async |code: u16, reason: &str, class| {
            let begin = Some(json!({"type": "Begin"}));
            let closed = tried::closed_with(TurnsCodec::new(1000, true), begin, (code, reason)).await;
            let mut call = call_as(true).await;
            call.vendor_says(json!({"type": "Error", "error_code": code, "error": reason})).await;
            assert_eq!((closed.class, call.failure().await.class), (class, class), "{code} {reason}");
        };
        check(1000, "", FailureClass::Unavailable).await;
        check(1008, "Missing key", FailureClass::Unauthorised).await;
        check(1008, "Insufficient account balance", FailureClass::OverLimit).await;
        check(1013, "", FailureClass::Unavailable).await;
        check(3005, "Session Cancelled", FailureClass::Unavailable).await;
        check(3006, "Invalid message type", FailureClass::Refused).await;
        check(3007, "Input duration violation", FailureClass::Unavailable).await;
        check(3008, "Session Expired", FailureClass::Unavailable).await;
        check(3009, "Too many concurrent sessions", FailureClass::OverLimit).await;
    }
}

mod settings {
    use super::*;

    fn build(model: &str, language: &str, extra: Value) -> Result<(String, bool), Failure> {
        let settings = SttSettings {
            provider: NAME.into(),
            model: model.into(),
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        let extra = Extra::new(&ASSEMBLYAI, &settings.extra)?;
        super::super::url::build(&settings, &extra).map(|(url, formats)| (url.to_string(), formats))
    }

    #[test]
    fn the_address_of_a_session() {
        let check = |model: &str, extra: Value, expected: &str, formats| {
            assert_eq!(build(model, "en-IN", extra).unwrap(), (expected.to_owned(), formats));
        };
        let host = "wss://streaming.assemblyai.com/v3/ws?speech_model=";
        let fixed = format!("{host}universal-streaming-english&encoding=pcm_s16le&format_turns");
        check("", json!({}), &format!("{fixed}=true"), true);
        check(
            "",
            json!({"format_turns": false, "min_turn_silence": 160, "end_of_turn_confidence_threshold": 0.5,
                   "keyterms": ["Vox Labs", " "], "profanity_filter": true, "vad_threshold": null}),
            &format!(
                "{fixed}=false&end_of_turn_confidence_threshold=0.5&min_turn_silence=160&filter_profanity=true&keyterms_prompt=%5B%22Vox+Labs%22%5D"
            ),
            false,
        );
        check(
            "u3-rt-pro",
            json!({"mode": "min_latency", "language_hints": ["en", "hi"], "prompt": "A clinic."}),
            &format!(
                "{host}u3-rt-pro&encoding=pcm_s16le&mode=min_latency&language_codes=%5B%22en%22%2C%22hi%22%5D&prompt=A+clinic."
            ),
            false,
        );
    }

    #[test]
    fn wrong_settings_are_named() {
        let check = |model: &str, language: &str, extra: Value, part: &str| {
            let failure = build(model, language, extra).unwrap_err();
            assert_eq!(failure.class, FailureClass::Refused);
            assert!(failure.detail.contains(part), "{}", failure.detail);
        };
        check("", "hi", json!({}), "set the model to universal-streaming-multilingual");
        check("", "en", json!({"mode": "balanced"}), "extra.mode is for the Universal-3 models");
        check(
            "u3-rt-pro",
            "en",
            json!({"format_turns": true}),
            "extra.format_turns is for the universal-streaming",
        );
        check("", "en", json!({"mode": "fast"}), "extra.mode must be one of");
        check("", "en", json!({"min_turn_silence": -1}), "extra.min_turn_silence");
        assert!(build("universal-streaming-multilingual", "hi", json!({})).is_ok());
    }
}
