use serde_json::{Value, json};
use tokio::time::{Instant, advance, timeout};

use super::codec::{FINALIZE_GAP, KEEP_ALIVE};
use super::*;
use crate::provider::FailureClass;
use crate::provider::stt::owed::FINALIZE_WAIT;
use crate::provider::stt::reading::word;
use crate::provider::stt::tried::{self, Call};

fn token(text: &str, (start_ms, end_ms): (u64, u64), is_final: bool) -> Value {
    json!({"text": text, "start_ms": start_ms, "end_ms": end_ms, "confidence": 0.5, "is_final": is_final})
}

fn message(total_ms: u64, tokens: &[Value]) -> Value {
    json!({"tokens": tokens, "final_audio_proc_ms": 0, "total_audio_proc_ms": total_ms})
}

fn mark(text: &str) -> Value {
    json!({"text": text, "is_final": true})
}

fn partial(text: &str) -> SttEvent {
    SttEvent::Partial { text: text.into() }
}

fn codec() -> TokensCodec {
    TokensCodec::new("{}".into())
}

mod parsing {
    use proptest::prelude::*;

    use super::super::event::EventError;
    use super::*;

    #[test]
    fn tokens_are_read() {
        let text = r#"{"tokens":[{"text":" Hel","start_ms":600,"end_ms":760,"confidence":0.5,"is_final":true,"speaker":"1"},
            {"text":"hola","start_ms":1,"end_ms":2,"is_final":true,"translation_status":"translation"},
            {"text":"<end>","is_final":true}],"final_audio_proc_ms":760,"total_audio_proc_ms":880,"finished":true}"#;
        let hel = What::Text { text: " Hel".into(), started_ms: 600, ended_ms: 760, confidence: Some(0.5) };
        let tokens = vec![Token { what: hel, is_final: true }, Token { what: What::End, is_final: true }];
        assert_eq!(parse_event(text), Ok(Event::Tokens(Tokens { tokens, total_ms: 880, finished: true })));
    }

    #[test]
    fn other_messages_are_read() {
        let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
        let error = |status, word: &str| Ok(Event::Error { status, word: word.into() });
        check(
            r#"{"tokens":[],"error_code":400,"error_message":"Invalid model specified."}"#,
            error(400, "Invalid model specified."),
        );
        check(
            r#"{"error_code":503,"error_message":"Cannot (1)","error_type":"restart"}"#,
            error(503, "restart"),
        );
        check(r#"{"error_code":70000}"#, error(500, "no reason"));
        check(r#"{"prophecy":1}"#, Ok(Event::Other));
        check(r#"{"tokens":{}}"#, Err(EventError::NoTokens));
        check(r#"{"tokens":[{"text":7}]}"#, Err(EventError::NoTokens));
        check(r#"{"tokens":[{"text":"a","start_ms":-1}]}"#, Err(EventError::NoTokens));
        check("{\"tokens\":", Err(EventError::NotJson));
        check(&"[".repeat(100_000), Err(EventError::NotJson));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", start in any::<i64>(), total in any::<f64>()) {
            let _unknown = parse_event(&text);
            let token = json!({"text": text, "start_ms": start, "end_ms": total, "confidence": total});
            let _read = parse_event(&json!({"tokens": [token], "total_audio_proc_ms": total}).to_string());
        }
    }
}

mod hearing {
    use super::super::heard::{By, Heard, News, Said};
    use super::*;

    fn check(messages: &[Value], expected: Vec<News>) {
        let mut heard = Heard::default();
        let mut got = Vec::new();
        for message in messages {
            match parse_event(&message.to_string()).unwrap() {
                Event::Tokens(tokens) => got.extend(heard.take(tokens)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(got, expected);
    }

    fn over(text: &str, words: Vec<vox_shared::wire::result::Word>, by: By) -> News {
        let confidence = (!words.is_empty()).then_some(0.5);
        News::Over { said: Said { text: text.into(), words, confidence }, by }
    }

    fn so_far(text: &str) -> News {
        News::SoFar(text.into())
    }

    #[test]
    fn parts_become_words_with_their_times() {
        check(
            &[
                message(100, &[]),
                message(900, &[token("Hel", (600, 760), false)]),
                message(1000, &[token("Hel", (600, 760), true), token("lo", (780, 900), false)]),
                message(1500, &[token("lo", (780, 900), true), token(" you", (950, 1100), true)]),
                message(2000, &[token(".", (1100, 1120), true), mark("<end>")]),
            ],
            vec![
                so_far(""),
                News::Began { at_ms: 600 },
                so_far("Hel"),
                so_far("Hello"),
                so_far("Hello you"),
                over("Hello you.", vec![word("Hello", 600, 900), word("you.", 950, 1120)], By::Vendor),
            ],
        );
    }

    #[test]
    fn what_comes_twice_or_late_changes_nothing() {
        let first = message(1000, &[token("Yes", (600, 760), true)]);
        let second = message(1500, &[token(" please", (800, 900), true)]);
        let end = message(2000, &[mark("<end>")]);
        let expected = |told: Vec<News>| {
            let words = vec![word("Yes", 600, 760), word("please", 800, 900)];
            told.into_iter().chain([over("Yes please", words, By::Vendor)]).collect::<Vec<_>>()
        };
        let (began, later) = (News::Began { at_ms: 600 }, News::Began { at_ms: 800 });
        check(
            &[first.clone(), first.clone(), second.clone(), end.clone(), end.clone()],
            expected(vec![began, so_far("Yes"), so_far("Yes"), so_far("Yes please")]),
        );
        check(&[second, first, end], expected(vec![later, so_far("please")]));
    }

    #[test]
    fn what_stands_behind_a_mark_is_the_next_utterance() {
        check(
            &[message(900, &[token("Yes", (1, 2), true), mark("<fin>"), token("And", (3, 4), false)])],
            vec![
                News::Began { at_ms: 1 },
                over("Yes", vec![word("Yes", 1, 2)], By::Request),
                News::Began { at_ms: 3 },
                so_far("And"),
            ],
        );
    }
}

mod serving {
    use super::*;

    async fn call() -> Call {
        let mut call = tried::call(codec()).await;
        assert_eq!(call.next().await, SttEvent::Ready);
        assert_eq!(call.vendor_hears().await, "{}");
        call
    }

    async fn is_answered(call: &mut Call, expected: &str) {
        match call.next().await {
            SttEvent::Final { text, from_finalize: true, .. } => assert_eq!(text, expected),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn audio_goes_up_and_silence_is_bridged() {
        let mut call = call().await;
        call.input.send(SttInput::Audio(Arc::from(vec![]))).await.unwrap();
        call.input.send(SttInput::Audio(Arc::from(vec![1, -1]))).await.unwrap();
        assert_eq!(call.vendor_hears().await, "4 bytes");
        let silent_since = Instant::now();
        assert_eq!(call.vendor_hears().await, r#"{"type":"keepalive"}"#);
        assert_eq!(silent_since.elapsed().as_secs(), KEEP_ALIVE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn final_words_are_not_asked_for_too_often_and_answered_each_time() {
        let mut call = call().await;
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.vendor_hears().await, r#"{"type":"finalize"}"#);
        call.vendor_says(message(900, &[token("Yes", (1, 2), true), mark("<fin>")])).await;
        assert_eq!(call.next().await, SttEvent::SpeechStarted { at_ms: 1 });
        is_answered(&mut call, "Yes").await;
        let asked = Instant::now();
        call.input.send(SttInput::Finalize).await.unwrap();
        is_answered(&mut call, "").await;
        assert!(asked.elapsed() >= FINALIZE_WAIT);
        advance(FINALIZE_GAP).await;
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.vendor_hears().await, r#"{"type":"finalize"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn words_on_their_way_are_waited_for() {
        let mut call = call().await;
        call.vendor_says(message(900, &[token("Yes", (1, 2), false)])).await;
        assert_eq!(call.next().await, SttEvent::SpeechStarted { at_ms: 1 });
        assert_eq!(call.next().await, partial("Yes"));
        call.input.send(SttInput::Finalize).await.unwrap();
        call.vendor_hears().await;
        assert_eq!(timeout(FINALIZE_WAIT * 2, call.next()).await.ok(), None);
        call.vendor_says(message(950, &[token("Yes", (1, 2), true), mark("<end>")])).await;
        match call.next().await {
            SttEvent::Final { text, utterance_end: true, .. } => assert_eq!(text, "Yes"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_brings_the_last_words_and_the_seconds_billed() {
        let Call { input, mut events, mut vendor, task } = call().await;
        drop(input);
        assert_eq!(vendor.next().await.unwrap(), crate::provider::egress::Incoming::Text("".into()));
        let mut last = message(1500, &[]);
        last["finished"] = true.into();
        vendor.send_text(last.to_string()).await.unwrap();
        vendor.close_with(1000, "").await;
        assert_eq!(events.recv().await, Some(partial("")));
        assert_eq!(events.recv().await, Some(SttEvent::Usage { seconds: 1.5 }));
        assert_eq!(events.recv().await, None);
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_the_vendor_has_a_class() {
        let check = async |code: u16, class| {
            let mut call = call().await;
            call.vendor_says(json!({"tokens": [], "error_code": code, "error_message": "No good."})).await;
            let failure = call.failure().await;
            assert_eq!((failure.class, failure.detail), (class, format!("soniox: error {code}: No good.")));
        };
        check(400, FailureClass::Refused).await;
        check(401, FailureClass::Unauthorised).await;
        check(402, FailureClass::OverLimit).await;
        check(408, FailureClass::TimedOut).await;
        check(429, FailureClass::OverLimit).await;
        check(500, FailureClass::Unavailable).await;
        check(503, FailureClass::Unavailable).await;
        check(200, FailureClass::Unavailable).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_without_an_error_may_be_tried_again() {
        for code in [1000, 1001, 1011] {
            let failure = tried::closed_with(codec(), None, (code, "")).await;
            assert_eq!(failure.class, FailureClass::Unavailable, "{failure}");
        }
    }
}

mod settings {
    use super::*;

    fn opening(language: &str, extra: Value) -> Result<Value, Failure> {
        let settings = SttSettings {
            provider: NAME.into(),
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        let extra = Extra::new(&SONIOX, &settings.extra)?;
        Ok(Value::Object(super::super::opening::build(&settings, &extra)))
    }

    #[test]
    fn the_first_message_has_all_settings() {
        let least = json!({"model": "stt-rt-v5", "audio_format": "pcm_s16le", "num_channels": 1,
            "enable_endpoint_detection": true});
        assert_eq!(opening("multi", json!({})).unwrap(), least);
        let all = json!({"language_hints": ["en-IN", "hi"], "language_hints_strict": true, "max_endpoint_delay_ms": 700,
            "endpoint_sensitivity": 0.5, "endpoint_latency_adjustment_level": 2, "endpoint_detection": false,
            "context": "A clinic.", "keyterms": ["Vox"], "tag": "call"});
        let mut expected = least;
        for (name, value) in [
            ("language_hints", json!(["en", "hi"])),
            ("language_hints_strict", json!(true)),
            ("max_endpoint_delay_ms", json!(700)),
            ("endpoint_sensitivity", json!(0.5)),
            ("endpoint_latency_adjustment_level", json!(2)),
            ("enable_endpoint_detection", json!(false)),
            ("context", json!({"text": "A clinic.", "terms": ["Vox"]})),
            ("client_reference_id", json!("call")),
        ] {
            expected[name] = value;
        }
        assert_eq!(opening("en", all).unwrap(), expected);
        assert_eq!(opening("de-AT", json!({})).unwrap()["language_hints"], json!(["de"]));
    }

    #[test]
    fn wrong_settings_are_named() {
        let check = |extra: Value, part: &str| {
            let failure = opening("en", extra).unwrap_err();
            assert!(failure.detail.contains(part), "{}", failure.detail);
        };
        check(json!({"max_endpoint_delay_ms": 400}), "extra.max_endpoint_delay_ms");
        check(json!({"max_endpoint_delay_ms": 700.5}), "a whole number from 500 to 3000");
        check(json!({"endpoint_sensitivity": 2}), "extra.endpoint_sensitivity");
        check(json!({"keyterms": "Vox"}), "extra.keyterms");
    }
}
