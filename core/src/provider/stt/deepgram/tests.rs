use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::{Instant, advance};
use vox_shared::wire::result::Word;

use super::codec::KEEP_ALIVE;
use super::heard::Heard;
use super::*;
use crate::provider::budget::MALFORMED_MAX;
use crate::provider::egress::Incoming;
use crate::provider::stt::owed::FINALIZE_WAIT;
use crate::provider::stt::tried::{self, Call};
use crate::provider::{FailureClass, STREAM_DEPTH};

fn results(text: &str, (start, duration): (f64, f64), flags: &[&str]) -> Value {
    let mut value = json!({"type": "Results", "start": start, "duration": duration,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.5, "words": []}]}});
    for flag in flags {
        value[*flag] = true.into();
    }
    value
}

fn final_words(text: &str) -> SttEvent {
    SttEvent::Final {
        text: text.into(),
        confidence: (!text.is_empty()).then_some(0.5),
        words: Vec::new(),
        from_finalize: false,
        utterance_end: false,
    }
}

fn partial(text: &str) -> SttEvent {
    SttEvent::Partial { text: text.into() }
}

mod parsing {
    use proptest::prelude::*;

    use super::super::event::EventError;
    use super::*;

    #[test]
    fn results_are_read() {
        let text = r#"{"type":"Results","channel_index":[0,1],"start":1.5,"duration":1.98,"is_final":true,"speech_final":true,
            "from_finalize":false,"channel":{"alternatives":[{"transcript":" Hello, world.","confidence":0.75,"words":[
            {"word":"hello","punctuated_word":"Hello,","start":1.66,"end":1.98,"confidence":0.99},
            {"word":"world","start":2.0,"end":-1}]}]}}"#;
        let word = |text: &str, started_ms, ended_ms| Word { text: text.into(), started_ms, ended_ms };
        let expected = Results {
            start: 1.5,
            duration: 1.98,
            is_final: true,
            speech_final: true,
            from_finalize: false,
            text: "Hello, world.".into(),
            confidence: Some(0.75),
            words: vec![word("Hello,", 1660, 1980), word("world", 2000, 2000)],
        };
        assert_eq!(parse_event(text), Ok(Event::Results(expected)));
    }

    #[test]
    fn other_messages_are_read() {
        let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
        check(r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":-1}"#, Ok(Event::UtteranceEnd));
        check(r#"{"type":"SpeechStarted","timestamp":9.54}"#, Ok(Event::SpeechStarted { at_ms: 9540 }));
        check(r#"{"type":"SpeechStarted","timestamp":"x"}"#, Ok(Event::SpeechStarted { at_ms: 0 }));
        check(r#"{"type":"Metadata","duration":12.3,"channels":1}"#, Ok(Event::Metadata { seconds: 12.3 }));
        check(
            r#"{"type":"Error","variant":"SchemaError","message":"x"}"#,
            Ok(Event::Error { variant: "SchemaError".into() }),
        );
        check(r#"{"type":"ConfigureSuccess"}"#, Ok(Event::Other));
        check(r#"{"type":"Results","channel":{"alternatives":[]}}"#, Err(EventError::NoTranscript));
        check(
            r#"{"type":"Results","channel":{"alternatives":[{"transcript":7}]}}"#,
            Err(EventError::NoTranscript),
        );
        check(r#"{"kind":"Results"}"#, Err(EventError::NoType));
        check("[]", Err(EventError::NoType));
        check("{\"type\":", Err(EventError::NotJson));
        check(&"[".repeat(100_000), Err(EventError::NotJson));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", start in any::<f64>(), end in any::<f64>()) {
            let _unknown = parse_event(&text);
            let value = json!({"type": "Results", "start": start, "duration": end, "channel": {"alternatives": [
                {"transcript": text, "confidence": end, "words": [{"word": text, "start": start, "end": end}]}]}});
            prop_assert!(parse_event(&value.to_string()).is_ok());
        }
    }
}

mod hearing {
    use super::*;

    fn check(messages: &[Value], expected: &[SttEvent]) {
        let mut heard = Heard::default();
        let got: Vec<SttEvent> = messages
            .iter()
            .filter_map(|message| heard.take(parse_event(&message.to_string()).unwrap()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn interims_and_finals() {
        check(
            &[
                results("hel", (0.0, 0.5), &[]),
                results("hello", (0.0, 1.0), &[]),
                results("hello", (0.0, 1.2), &["is_final"]),
                results("", (1.2, 0.5), &[]),
                results("", (1.2, 1.0), &["is_final"]),
            ],
            // The last two have no words: signs of life, or a caller who hums would look like a dead vendor.
            &[partial("hel"), partial("hello"), final_words("hello"), partial(""), partial("")],
        );
    }

    #[test]
    fn an_interim_older_than_the_final_words_is_dropped() {
        check(
            &[
                results("hello", (0.0, 1.2), &["is_final"]),
                results("hel", (0.0, 0.5), &[]),
                results("you", (1.2, 0.4), &[]),
            ],
            &[final_words("hello"), partial("you")],
        );
    }

    #[test]
    fn words_that_come_twice_count_once() {
        let hello = results("hello", (0.0, 1.2), &["is_final"]);
        check(&[hello.clone(), hello], &[final_words("hello")]);
    }

    #[test]
    fn the_vendors_second_sign_counts_only_without_the_first() {
        let end = json!({"type": "UtteranceEnd"});
        let mut ended = final_words("hello");
        if let SttEvent::Final { utterance_end, .. } = &mut ended {
            *utterance_end = true;
        }
        check(&[results("hello", (0.0, 1.0), &["is_final", "speech_final"]), end.clone()], &[ended]);
        check(
            &[results("hello", (0.0, 1.0), &["is_final"]), end],
            &[final_words("hello"), SttEvent::UtteranceEnd],
        );
    }
}

mod serving {
    use super::*;

    async fn call() -> Call {
        let mut call = tried::call(ListenCodec::default()).await;
        assert_eq!(call.next().await, SttEvent::Ready);
        call
    }

    #[tokio::test(start_paused = true)]
    async fn audio_goes_up_and_silence_is_bridged() {
        let mut call = call().await;
        call.input.send(SttInput::Audio(Arc::from(vec![]))).await.unwrap();
        call.input.send(SttInput::Audio(Arc::from(vec![0x0102, -1]))).await.unwrap();
        assert_eq!(call.vendor.next().await.unwrap(), Incoming::Binary(vec![2, 1, 0xff, 0xff].into()));
        let silent_since = Instant::now();
        assert_eq!(call.vendor_hears().await, r#"{"type":"KeepAlive"}"#);
        assert_eq!(silent_since.elapsed().as_secs(), KEEP_ALIVE.as_secs());
        assert_eq!(call.vendor_hears().await, r#"{"type":"KeepAlive"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn finalize_is_answered_even_if_the_vendor_does_not() {
        let mut call = call().await;
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.vendor_hears().await, r#"{"type":"Finalize"}"#);
        let asked = Instant::now();
        let answer = call.events.recv().await.unwrap();
        assert!(matches!(answer, SttEvent::Final { from_finalize: true, .. }), "{answer:?}");
        assert!(asked.elapsed() >= FINALIZE_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn finalize_is_answered_once() {
        let mut call = call().await;
        call.input.send(SttInput::Finalize).await.unwrap();
        call.vendor_hears().await;
        call.vendor_says(results("yes", (0.0, 1.0), &["is_final", "from_finalize"])).await;
        let answer = call.events.recv().await.unwrap();
        assert!(
            matches!(&answer, SttEvent::Final { text, from_finalize: true, .. } if text == "yes"),
            "{answer:?}"
        );
        advance(FINALIZE_WAIT * 2).await;
        call.vendor_says(results("more", (1.0, 1.0), &[])).await;
        assert_eq!(call.events.recv().await, Some(partial("more")));
    }

    #[tokio::test(start_paused = true)]
    async fn words_on_their_way_are_not_cut_off_by_a_late_finalize() {
        let mut call = call().await;
        call.vendor_says(results("my number is", (0.0, 1.0), &[])).await;
        assert_eq!(call.events.recv().await, Some(partial("my number is")));
        call.input.send(SttInput::Finalize).await.unwrap();
        call.vendor_hears().await;
        advance(FINALIZE_WAIT * 2).await;
        call.vendor_says(results("my number is", (0.0, 1.2), &["is_final"])).await;
        assert_eq!(call.events.recv().await, Some(final_words("my number is")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_brings_the_last_words_and_the_seconds_billed() {
        let Call { input, mut events, mut vendor, task } = call().await;
        drop(input);
        assert_eq!(vendor.next().await.unwrap(), Incoming::Text(r#"{"type":"CloseStream"}"#.into()));
        vendor.send_text(results("bye", (0.0, 1.0), &["is_final"]).to_string()).await.unwrap();
        vendor.send_text(r#"{"type":"Metadata","duration":1.5}"#).await.unwrap();
        vendor.close_with(1000, "").await;
        assert_eq!(events.recv().await, Some(final_words("bye")));
        assert_eq!(events.recv().await, Some(SttEvent::Usage { seconds: 1.5 }));
        assert_eq!(events.recv().await, None);
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_vendor_does_not_hold_the_goodbye_up() {
        let Call { input, mut events, vendor, task } = call().await;
        let left = Instant::now();
        drop(input);
        assert_eq!(events.recv().await, None);
        task.await.unwrap();
        assert!(left.elapsed().as_millis() < 1000);
        drop(vendor);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_vendor_closes_with_has_a_class() {
        let check = async |code, reason: &str, class| {
            let failure = tried::closed_with(ListenCodec::default(), None, (code, reason)).await;
            assert_eq!(failure.class, class, "{code}");
            assert!(failure.detail.contains(reason), "{}", failure.detail);
        };
        check(1008, "DATA-0000", FailureClass::Refused).await;
        check(1011, "NET-0001", FailureClass::Unavailable).await;
        check(1000, "", FailureClass::Unavailable).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_is_tolerated_up_to_a_point() {
        let mut call = call().await;
        for _ in 1..MALFORMED_MAX {
            call.vendor.send_text("{").await.unwrap();
        }
        call.vendor_says(results("hello", (0.0, 1.0), &[])).await;
        assert_eq!(call.events.recv().await, Some(partial("hello")));
        for _ in 0..MALFORMED_MAX {
            call.vendor.send_binary(vec![1]).await.unwrap();
        }
        assert_eq!(call.failure().await.class, FailureClass::Malformed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_slows_the_vendor_down_and_not_the_keep_alive() {
        let Call { input, mut events, mut vendor, task: _task } = call().await;
        let sent = tokio::spawn(async move {
            let mut sent = 0;
            let message = results("word", (0.0, 1.0), &[]).to_string();
            while tokio::time::timeout(
                std::time::Duration::from_millis(100),
                vendor.send_text(message.clone()),
            )
            .await
            .is_ok()
            {
                sent += 1;
            }
            (sent, vendor)
        });
        let (sent, mut vendor) = sent.await.unwrap();
        assert!(sent < STREAM_DEPTH + 100, "{sent} messages were taken from the vendor");
        assert_eq!(vendor.next().await.unwrap(), Incoming::Text(r#"{"type":"KeepAlive"}"#.into()));
        assert_eq!(events.recv().await, Some(partial("word")));
        drop(input);
    }
}

mod settings {
    use super::*;

    fn build(settings: SttSettings) -> Result<String, Failure> {
        Ok(url::build(&settings, &Extra::new(&DEEPGRAM, &settings.extra)?).to_string())
    }

    fn with(extra: Value) -> SttSettings {
        SttSettings { extra: extra.as_object().cloned().unwrap(), ..SttSettings::default() }
    }

    #[test]
    fn the_address_of_a_stream() {
        let fixed = "model=nova-3-general&language=en&encoding=linear16&channels=1&interim_results=true&punctuate=true&vad_events=true";
        let check = |extra: Value, expected: &str| assert_eq!(build(with(extra)).unwrap(), expected);
        let host = "wss://api.deepgram.com/v1/listen";
        check(json!({}), &format!("{host}?{fixed}&endpointing=300&utterance_end_ms=1000"));
        check(
            json!({"base_url": "http://127.0.0.1:9", "endpointing": false, "utterance_end_ms": 0, "smart_format": true,
                   "keyterms": ["Vox Labs", " ", "x&y"]}),
            &format!(
                "ws://127.0.0.1:9/v1/listen?{fixed}&endpointing=false&smart_format=true&keyterm=Vox+Labs&keyterm=x%26y"
            ),
        );
    }

    #[test]
    fn older_models_have_keywords() {
        let mut settings = with(json!({"keyterms": ["Vox"]}));
        settings.model = "nova-2-general".into();
        assert!(build(settings).unwrap().ends_with("&keywords=Vox"));
    }

    #[test]
    fn wrong_settings_are_named() {
        let check = |extra: Value, part: &str| {
            let failure = build(with(extra)).unwrap_err();
            assert_eq!(failure.class, FailureClass::Refused);
            assert!(failure.detail.contains(part), "{}", failure.detail);
        };
        check(json!({"endpointing": "soon"}), "extra.endpointing");
        check(json!({"utterance_end_ms": 1e9}), "extra.utterance_end_ms");
        check(json!({"keyterms": "Vox"}), "extra.keyterms");
        check(json!({"smart_format": "yes"}), "extra.smart_format");
    }
}
