use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::codec::FILL;
use super::*;
use crate::provider::FailureClass;
use crate::provider::egress::Incoming;
use crate::provider::stt::owed::{FINALIZE_WAIT, nothing_more};
use crate::provider::stt::reading::word;
use crate::provider::stt::tried::{self, Call};
use crate::provider::stt::turns::Told;

/// A turn whose words all last from 100 to 200 ms.
fn turn(sequence: u64, event: &str, (index, text): (u64, &str)) -> Value {
    let words: Vec<Value> = text
        .split_whitespace()
        .map(|one| json!({"word": one, "start": 0.1, "end": 0.2, "confidence": 0.5}))
        .collect();
    json!({"type": "TurnInfo", "request_id": "x", "sequence_id": sequence, "event": event, "turn_index": index,
        "audio_window_start": 0.0, "audio_window_end": 2.4, "transcript": text, "words": words,
        "end_of_turn_confidence": 0.5})
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
        let text = r#"{"type":"TurnInfo","sequence_id":11,"event":"EndOfTurn","turn_index":2,"transcript":" I need. ",
            "words":[{"word":"I","confidence":0.5,"start":0.1,"end":0.2},{"word":"need.","confidence":1.0,"start":0.3,"end":-1},
            {"word":"timeless","confidence":0.75}],"end_of_turn_confidence":0.86,"trigger":"model"}"#;
        let words = vec![word("I", 100, 200), word("need.", 300, 300)];
        let told = Told { index: 2, text: "I need.".into(), words, confidence: Some(0.75) };
        let event = Event::Turn(Turn { kind: TurnKind::End, told });
        assert_eq!(parse_event(text), Ok(Message { event, sequence: Some(11) }));
    }

    #[test]
    fn other_messages_are_read() {
        let check = |text: &str, expected: Result<Event, EventError>| {
            assert_eq!(parse_event(text).map(|message| message.event), expected, "{text}");
        };
        let code = |code: &str| code.to_owned();
        check(r#"{"type":"Connected","request_id":"x","sequence_id":0}"#, Ok(Event::Connected));
        check(
            r#"{"type":"Error","code":"INTERNAL_SERVER_ERROR"}"#,
            Ok(Event::Error { code: code("INTERNAL_SERVER_ERROR") }),
        );
        check(r#"{"type":"Warning","error_code":"LATE"}"#, Ok(Event::Warning { code: code("LATE") }));
        check(r#"{"type":"ConfigureSuccess"}"#, Ok(Event::Other));
        check(r#"{"type":"TurnInfo","event":"Sigh","turn_index":0,"transcript":""}"#, Ok(Event::Other));
        check(r#"{"type":"TurnInfo","event":"Update","transcript":""}"#, Err(EventError::NoTurn));
        check(
            r#"{"type":"TurnInfo","event":"Update","turn_index":-1,"transcript":""}"#,
            Err(EventError::NoTurn),
        );
        check(r#"{"type":"TurnInfo","event":7}"#, Err(EventError::NoTurn));
        check("[]", Err(EventError::NoType));
        check("{\"type\":", Err(EventError::NotJson));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", index in any::<i64>(), end in any::<f64>()) {
            let _unknown = parse_event(&text);
            let value = json!({"type": "TurnInfo", "event": "Update", "turn_index": index, "transcript": text,
                "words": [{"word": text, "start": end, "end": end, "confidence": end}]});
            let _read = parse_event(&value.to_string());
        }
    }
}

mod serving {
    use super::*;

    async fn call_as(forces: bool) -> Call {
        let mut call = tried::call(FluxCodec::new(1000, forces)).await;
        call.vendor_says(json!({"type": "Connected", "sequence_id": 0})).await;
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
    async fn a_turn_begins_grows_and_ends() {
        let mut call = call_as(true).await;
        says(&mut call, turn(1, "StartOfTurn", (0, "yes")), &[STARTED, partial("yes")]).await;
        says(&mut call, turn(2, "Update", (0, "yes please")), &[partial("yes please")]).await;
        says(&mut call, turn(3, "EndOfTurn", (0, "yes please")), &[over("yes please", false)]).await;
        says(&mut call, turn(3, "EndOfTurn", (0, "yes please")), &[]).await;
        says(&mut call, turn(4, "StartOfTurn", (1, "and")), &[STARTED, partial("and")]).await;
        says(&mut call, turn(2, "Update", (1, "late")), &[]).await;
        says(&mut call, turn(5, "Update", (1, "and so")), &[partial("and so")]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_from_nowhere_takes_nobodys_place() {
        let mut call = call_as(true).await;
        says(&mut call, turn(1, "StartOfTurn", (4000, "who")), &[]).await;
        says(&mut call, turn(1, "StartOfTurn", (0, "yes")), &[STARTED, partial("yes")]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_likely_end_is_told_and_taken_back() {
        let mut call = call_as(true).await;
        let eager = SttEvent::EagerEnd { text: "yes".into() };
        says(&mut call, turn(1, "StartOfTurn", (0, "yes")), &[STARTED, partial("yes")]).await;
        says(&mut call, turn(2, "EagerEndOfTurn", (0, "yes")), std::slice::from_ref(&eager)).await;
        let resumed = [SttEvent::EagerEndRevoked, partial("yes")];
        says(&mut call, turn(3, "TurnResumed", (0, "yes")), &resumed).await;
        says(&mut call, turn(4, "EagerEndOfTurn", (0, "yes")), &[eager]).await;
        says(&mut call, turn(5, "EndOfTurn", (0, "yes")), &[over("yes", false)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_line_is_silent_silence_is_sent_and_counts_for_nothing() {
        let mut call = call_as(true).await;
        call.input.send(SttInput::Audio(Arc::from(vec![1; 40]))).await.unwrap();
        let silent_since = Instant::now();
        assert_eq!(call.vendor_hears().await, "80 bytes");
        assert_eq!(call.vendor_hears().await, "1000 bytes");
        assert_eq!(silent_since.elapsed(), FILL);
        assert_eq!(call.vendor_hears().await, "1000 bytes");
        let mut late = turn(1, "StartOfTurn", (0, "yes"));
        (late["words"][0]["start"], late["words"][0]["end"]) = (json!(1.1), json!(1.2));
        says(&mut call, late, &[SttEvent::SpeechStarted { at_ms: 100 }, partial("yes")]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn audio_goes_in_the_pieces_that_the_vendor_advises() {
        let mut call = call_as(true).await;
        for _ in 0..3 {
            call.input.send(SttInput::Audio(Arc::from(vec![0; 40]))).await.unwrap();
        }
        assert_eq!(call.vendor_hears().await, "160 bytes");
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.vendor_hears().await, "80 bytes");
        assert_eq!(call.vendor_hears().await, r#"{"type":"ForceEndTurn"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn final_words_are_owed_whether_they_can_be_asked_for_or_not() {
        for forces in [true, false] {
            let mut call = call_as(forces).await;
            call.input.send(SttInput::Finalize).await.unwrap();
            says(&mut call, turn(1, "EndOfTurn", (0, "yes")), &[STARTED, over("yes", true)]).await;
            let asked = Instant::now();
            call.input.send(SttInput::Finalize).await.unwrap();
            assert_eq!(call.next().await, nothing_more());
            assert!(asked.elapsed() >= FINALIZE_WAIT);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn words_on_their_way_are_waited_for() {
        let mut call = call_as(false).await;
        // The silence that is sent meanwhile stands behind the words.
        call.input.send(SttInput::Audio(Arc::from(vec![0; 250]))).await.unwrap();
        says(&mut call, turn(1, "StartOfTurn", (0, "yes")), &[STARTED, partial("yes")]).await;
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(timeout(FINALIZE_WAIT * 2, call.next()).await.ok(), None);
        says(&mut call, turn(2, "EndOfTurn", (0, "yes")), &[over("yes", false)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_welcome_it_fails() {
        let mut call = tried::call(FluxCodec::new(1000, true)).await;
        let early = timeout(Duration::from_secs(1), call.vendor.next()).await;
        assert!(early.is_err(), "{early:?}");
        assert_eq!(call.failure().await.class, FailureClass::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_ends_with_a_close_that_has_no_code() {
        let Call { input, mut events, mut vendor, task } = call_as(true).await;
        drop(input);
        assert_eq!(vendor.next().await.unwrap(), Incoming::Text(r#"{"type":"CloseStream"}"#.into()));
        vendor.close().await;
        assert_eq!(events.recv().await, None);
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_breaks_off_and_says_what_may_help() {
        let mut call = call_as(true).await;
        call.input.send(SttInput::Finalize).await.unwrap();
        assert_eq!(call.vendor_hears().await, r#"{"type":"ForceEndTurn"}"#);
        call.vendor_says(json!({"type": "Error", "sequence_id": 1, "code": "UNPARSABLE_CLIENT_MESSAGE"}))
            .await;
        let failure = call.failure().await;
        assert_eq!(failure.class, FailureClass::Unavailable);
        assert!(
            failure.detail.contains("UNPARSABLE_CLIENT_MESSAGE")
                && failure.detail.contains("extra.force_end_turn")
        );
        let mut call = call_as(true).await;
        call.vendor_says(json!({"type": "Error", "sequence_id": 1, "code": "INTERNAL_SERVER_ERROR"})).await;
        assert_eq!(call.failure().await.detail, "deepgram_flux breaks off: INTERNAL_SERVER_ERROR");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_vendor_closes_with_has_a_class() {
        let check = async |code, reason: &str, class| {
            let welcome = Some(json!({"type": "Connected", "sequence_id": 0}));
            let failure = tried::closed_with(FluxCodec::new(1000, true), welcome, (code, reason)).await;
            assert_eq!(failure.class, class, "{code}");
        };
        check(1000, "", FailureClass::Unavailable).await;
        check(1008, "DATA-0000", FailureClass::Refused).await;
        check(1011, "NET-0001", FailureClass::Unavailable).await;
    }
}

mod settings {
    use super::*;

    fn build(model: &str, language: &str, extra: Value) -> Result<String, Failure> {
        let settings = SttSettings {
            provider: NAME.into(),
            model: model.into(),
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        let extra = Extra::new(&DEEPGRAM_FLUX, &settings.extra)?;
        super::super::url::build(&settings, &extra).map(|url| url.to_string())
    }

    #[test]
    fn the_address_of_a_stream() {
        let check = |(model, language): (&str, &str), extra: Value, expected: &str| {
            let expected = format!("wss://api.deepgram.com/v2/listen?model={expected}");
            assert_eq!(build(model, language, extra).unwrap(), expected);
        };
        check(("", "en-IN"), json!({}), "flux-general-en&encoding=linear16");
        check(
            ("", "en"),
            json!({"eot_threshold": 0.8, "eager_eot_threshold": 0.5, "eot_timeout_ms": 4000, "numerals": true,
                   "keyterms": ["Vox Labs", " "], "tag": "t"}),
            "flux-general-en&encoding=linear16&eot_threshold=0.8&eager_eot_threshold=0.5&eot_timeout_ms=4000&numerals=true&keyterm=Vox+Labs&tag=t",
        );
        let multilingual = "flux-general-multi&encoding=linear16";
        check(("flux-general-multi", "hi-IN"), json!({}), &format!("{multilingual}&language_hint=hi"));
        check(("flux-general-multi", "multi"), json!({}), multilingual);
        check(
            ("flux-general-multi", "en"),
            json!({"language_hints": ["en", "hi"]}),
            &format!("{multilingual}&language_hint=en&language_hint=hi"),
        );
    }

    #[test]
    fn wrong_settings_are_named() {
        let check = |language: &str, extra: Value, part: &str| {
            let failure = build("", language, extra).unwrap_err();
            assert_eq!(failure.class, FailureClass::Refused);
            assert!(failure.detail.contains(part), "{}", failure.detail);
        };
        check("hi", json!({}), "set the model to flux-general-multi");
        check("en", json!({"language_hints": ["de"]}), "set the model to flux-general-multi");
        check("en", json!({"eager_eot_threshold": 0.8}), "must not be above");
        check("en", json!({"eot_threshold": 0.4}), "extra.eot_threshold");
        check("en", json!({"eot_timeout_ms": 100}), "extra.eot_timeout_ms");
    }

    #[test]
    fn ends_are_asked_for_where_the_vendor_knows_it() {
        let egress = Arc::new(Egress::new(vox_shared::egress::Policy::default()));
        let check = |extra: Value, forces| {
            let extra = extra.as_object().cloned().unwrap();
            let settings = SttSettings {
                api_key: vox_shared::model::bot::ApiKey::new("k"),
                extra,
                ..SttSettings::default()
            };
            assert_eq!(Flux::from_settings(&settings, &egress).unwrap().forces, forces);
        };
        check(json!({}), true);
        check(json!({"force_end_turn": false}), false);
        check(json!({"base_url": "wss://api.eu.deepgram.com"}), false);
        check(json!({"base_url": "wss://api.eu.deepgram.com", "force_end_turn": true}), true);
    }
}
