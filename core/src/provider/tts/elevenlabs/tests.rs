use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::codec::{CONTEXT_WAIT, CONTEXTS_MAX, KEEP_ALIVE};
use super::*;
use crate::provider::budget::MALFORMED_MAX;
use crate::provider::egress::Incoming;
use crate::provider::tts::{UtteranceId, WordMark};

mod parsing {
    use proptest::prelude::*;

    use super::super::event::AlignedChar;
    use super::*;

    fn char(text: &str, started_ms: f64, duration_ms: f64) -> AlignedChar {
        AlignedChar { text: text.into(), started_ms, duration_ms }
    }

    fn check(text: &str, expected: Result<Event, EventError>) {
        assert_eq!(parse_event(text), expected, "{text}");
    }

    #[test]
    fn both_generations_of_names_are_read() {
        let alignment = || Some(Alignment { chars: vec![char("H", 0.0, 80.0), char("i", 80.0, 60.0)] });
        let piece = |context: &str, given, normalized| Event::Piece {
            context: Some(context.into()),
            pcm: vec![1, 0],
            alignments: Alignments { given, normalized },
            is_final: false,
        };
        check(
            r#"{"audio":"AQA=","contextId":"u1","alignment":{"chars":["H","i"],"charStartTimesMs":[0,80],"charDurationsMs":[80,60]}}"#,
            Ok(piece("u1", alignment(), None)),
        );
        check(
            r#"{"audio":"AQA=","context_id":"u2","alignment":null,
                "normalizedAlignment":{"chars":["H","i"],"charsStartTimesMs":[0,80],"charsDurationsMs":[80,60]}}"#,
            Ok(piece("u2", None, alignment())),
        );
    }

    #[test]
    fn ends_errors_and_the_unknown_are_told_apart() {
        let end = Event::Piece {
            context: Some("u1".into()),
            pcm: vec![],
            alignments: Alignments::default(),
            is_final: true,
        };
        check(r#"{"isFinal":true,"contextId":"u1"}"#, Ok(end.clone()));
        check(r#"{"isFinal":true,"audio":null,"contextId":"u1"}"#, Ok(end));
        let error = Event::Error { word: "max_active_conversations".into(), code: Some(1008) };
        check(r#"{"message":"Maximum","error":"max_active_conversations","code":1008}"#, Ok(error));
        check(r#"{"somethingNew":1}"#, Ok(Event::Other));
        check(r#"{"audio":7,"contextId":"u1"}"#, Err(EventError::NotBase64));
        check(r#"{"audio":"%%%"}"#, Err(EventError::NotBase64));
        check("[1]", Err(EventError::NotAnObject));
        check("{", Err(EventError::NotAnObject));
        check(&"[".repeat(100_000), Err(EventError::NotAnObject));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", start in any::<f64>(), length in any::<f64>()) {
            let _unknown = parse_event(&text);
            let value = json!({"audio": "", "contextId": text, "alignment":
                {"chars": [text, "b"], "charStartTimesMs": [start], "charDurationsMs": [length, text]}});
            prop_assert!(parse_event(&value.to_string()).is_ok());
        }
    }
}

mod serving {
    use super::*;

    struct Call {
        input: mpsc::Sender<TtsInput>,
        events: mpsc::Receiver<TtsEvent>,
        vendor: WebSocket,
        task: tokio::task::JoinHandle<()>,
        /// Where the vendor's end of a replacing connection comes out.
        replaced: mpsc::Receiver<WebSocket>,
    }

    async fn call() -> Call {
        let (ours, vendor) = WebSocket::pair().await;
        let (input, input_end) = mpsc::channel(STREAM_DEPTH);
        let (events_end, mut events) = mpsc::channel(STREAM_DEPTH);
        let (replacing, replaced) = mpsc::channel(1);
        let first = Arc::new(std::sync::Mutex::new(Some(ours)));
        let connect = move || {
            let (replacing, first) = (replacing.clone(), first.lock().unwrap().take());
            async move {
                let Some(first) = first else {
                    let (ours, vendor) = WebSocket::pair().await;
                    replacing.send(vendor).await.unwrap();
                    return Ok(ours);
                };
                Ok(first)
            }
        };
        let codec = ContextsCodec::new(16_000, json!({"speed": 1.0}));
        let task = tokio::spawn(link::run(codec, connect, input_end, events_end));
        assert_eq!(events.recv().await, Some(TtsEvent::Ready));
        Call { input, events, vendor, task, replaced }
    }

    impl Call {
        async fn say(&self, utterance: UtteranceId, text: &str) {
            self.input.send(TtsInput::Speak { utterance, text: text.into() }).await.unwrap();
        }

        async fn end(&self, utterance: UtteranceId) {
            self.input.send(TtsInput::End { utterance }).await.unwrap();
        }

        async fn cancel(&self, utterance: UtteranceId) {
            self.input.send(TtsInput::Cancel { utterance }).await.unwrap();
        }

        async fn vendor_hears(&mut self) -> Value {
            match self.vendor.next().await.unwrap() {
                Incoming::Text(text) => serde_json::from_str(text.as_str()).unwrap(),
                other => panic!("{other:?}"),
            }
        }

        /// The three messages of a reply that was spoken and ended at once.
        async fn vendor_hears_reply(&mut self, id: &str) {
            for _ in 0..3 {
                assert_eq!(self.vendor_hears().await["context_id"], id);
            }
        }

        async fn vendor_says(&mut self, message: Value) {
            self.vendor.send_text(message.to_string()).await.unwrap();
        }
    }

    fn sound(id: &str, samples: usize) -> Value {
        json!({"audio": STANDARD.encode(vec![0u8; samples * 2]), "contextId": id})
    }

    fn last(id: &str) -> Value {
        json!({"isFinal": true, "contextId": id})
    }

    fn done(utterance: UtteranceId) -> Option<TtsEvent> {
        Some(TtsEvent::Done { utterance })
    }

    fn used(characters: u64) -> Option<TtsEvent> {
        Some(TtsEvent::Usage { characters })
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_from_its_text_to_its_end() {
        let mut call = call().await;
        call.say(1, "Hello there.").await;
        let opening = json!({"text": " ", "context_id": "u1", "voice_settings": {"speed": 1.0}});
        assert_eq!(call.vendor_hears().await, opening);
        assert_eq!(call.vendor_hears().await, json!({"text": "Hello there. ", "context_id": "u1"}));
        call.end(1).await;
        assert_eq!(call.vendor_hears().await, json!({"context_id": "u1", "close_context": true}));
        assert_eq!(call.events.recv().await, used(12));
        let mut first = sound("u1", 800);
        first["alignment"] = json!({"chars": ["H", "i", " "], "charStartTimesMs": [0, 20, 40], "charDurationsMs": [20, 20, 10]});
        call.vendor_says(first).await;
        let words = vec![WordMark { text: "Hi".into(), started_ms: 0, ended_ms: 40 }];
        assert_eq!(call.events.recv().await, Some(TtsEvent::Words { utterance: 1, words }));
        assert_eq!(call.events.recv().await, Some(TtsEvent::Audio { utterance: 1, pcm: vec![0; 800] }));
        call.vendor_says(last("u1")).await;
        assert_eq!(call.events.recv().await, done(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_without_text_is_over_at_once() {
        let mut call = call().await;
        call.say(1, "  ").await;
        call.end(1).await;
        assert_eq!(call.events.recv().await, done(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_of_an_interrupted_reply_is_heard() {
        let mut call = call().await;
        call.say(1, "Long story.").await;
        call.vendor_hears().await;
        call.vendor_hears().await;
        // More than the reader's channel holds: some of it waits within when the interruption comes.
        call.vendor_says(sound("u1", 16_000 * 10)).await;
        assert!(matches!(call.events.recv().await, Some(TtsEvent::Audio { .. })));
        call.cancel(1).await;
        assert_eq!(call.vendor_hears().await, json!({"context_id": "u1", "close_context": true}));
        call.say(1, "late text").await;
        call.say(2, "New.").await;
        assert_eq!(call.vendor_hears().await["context_id"], "u2");
        call.vendor_says(sound("u1", 100)).await;
        call.vendor_says(last("u1")).await;
        call.vendor_says(sound("u2", 100)).await;
        let mut old_pieces = 0;
        loop {
            match call.events.recv().await.unwrap() {
                TtsEvent::Audio { utterance: 1, .. } => old_pieces += 1,
                TtsEvent::Audio { utterance: 2, .. } => break,
                TtsEvent::Usage { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(old_pieces <= STREAM_DEPTH, "{old_pieces} pieces of the interrupted reply");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_bridged_for_the_connection_and_for_each_open_reply() {
        let mut call = call().await;
        let idle = Instant::now();
        assert_eq!(call.vendor_hears().await, json!({"text": ""}));
        assert_eq!(idle.elapsed().as_secs(), KEEP_ALIVE.as_secs());
        call.say(1, "One.").await;
        call.vendor_hears().await;
        call.vendor_hears().await;
        assert_eq!(call.vendor_hears().await, json!({"text": "", "context_id": "u1"}));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fifth_reply_waits_until_the_first_is_final() {
        let mut call = call().await;
        for utterance in 1..=5 {
            call.say(utterance, "Yes.").await;
            call.end(utterance).await;
        }
        for utterance in 1..=CONTEXTS_MAX {
            call.vendor_hears_reply(&format!("u{utterance}")).await;
        }
        let within = tokio::time::timeout(CONTEXT_WAIT / 2, call.vendor.next()).await;
        assert!(within.is_err(), "a fifth context was opened: {within:?}");
        call.vendor_says(sound("u1", 100)).await;
        call.vendor_says(last("u1")).await;
        call.vendor_hears_reply("u5").await;
    }

    #[tokio::test(start_paused = true)]
    async fn interrupted_replies_that_never_end_cost_a_new_connection() {
        let mut call = call().await;
        for utterance in 1..=4 {
            call.say(utterance, "Yes.").await;
            call.cancel(utterance).await;
            call.vendor_hears_reply(&format!("u{utterance}")).await;
        }
        call.say(5, "At last.").await;
        call.end(5).await;
        call.vendor = call.replaced.recv().await.unwrap();
        call.vendor_hears_reply("u5").await;
        call.vendor_says(sound("u5", 100)).await;
        call.vendor_says(last("u5")).await;
        while call.events.recv().await.expect("the reply ends") != (TtsEvent::Done { utterance: 5 }) {}
    }

    #[tokio::test(start_paused = true)]
    async fn replies_that_are_wanted_and_never_end_are_a_failure() {
        let mut call = call().await;
        for utterance in 1..=5 {
            call.say(utterance, "Yes.").await;
            call.end(utterance).await;
        }
        let failure = loop {
            match call.events.recv().await.unwrap() {
                TtsEvent::Failed(failure) => break failure,
                _ => continue,
            }
        };
        assert_eq!(failure.class, FailureClass::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_have_a_class_and_what_was_sent_is_counted() {
        let mut call = call().await;
        call.say(1, "Four").await;
        call.vendor_hears().await;
        call.vendor_hears().await;
        call.vendor_says(json!({"message": "x", "error": "quota_exceeded", "code": 1008})).await;
        assert_eq!(call.events.recv().await, used(4));
        let Some(TtsEvent::Failed(failure)) = call.events.recv().await else { panic!("no failure") };
        assert_eq!(failure.class, FailureClass::OverLimit);
        assert_eq!(failure.detail, "elevenlabs reports an error: quota_exceeded (1008)");
        assert_eq!(call.events.recv().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_has_a_class() {
        let check = async |code, reason: &str, class| {
            let Call { mut events, vendor, input: _input, .. } = call().await;
            vendor.close_with(code, reason).await;
            let Some(TtsEvent::Failed(failure)) = events.recv().await else {
                panic!("no failure for {code}")
            };
            assert_eq!(failure.class, class, "{code} {reason}");
        };
        check(1008, "Invalid API key", FailureClass::Unauthorised).await;
        check(1008, "This request exceeds your quota", FailureClass::OverLimit).await;
        check(1008, "voice settings only in the first message", FailureClass::Refused).await;
        check(1011, "", FailureClass::Unavailable).await;
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_and_nonsense_are_ignored_up_to_a_point() {
        let mut call = call().await;
        call.say(1, "Yes.").await;
        call.vendor_says(sound("u99", 10)).await;
        call.vendor_says(last("somebody else's")).await;
        call.vendor_says(sound("u1", 10)).await;
        assert_eq!(call.events.recv().await, Some(TtsEvent::Audio { utterance: 1, pcm: vec![0; 10] }));
        for _ in 0..MALFORMED_MAX {
            call.vendor.send_text("{").await.unwrap();
        }
        assert_eq!(call.events.recv().await, used(4));
        let Some(TtsEvent::Failed(failure)) = call.events.recv().await else { panic!("no failure") };
        assert_eq!(failure.class, FailureClass::Malformed);
    }

    /// Half a reply counted as all of it: it was taken for heard, and kept as the sound of its phrase.
    #[tokio::test(start_paused = true)]
    async fn a_reply_that_stops_in_its_middle_has_failed_and_is_not_done() {
        let mut call = call().await;
        call.say(1, "We are open from nine to five.").await;
        call.end(1).await;
        call.vendor_hears_reply("u1").await;
        let mut first = sound("u1", 8_000);
        let chars: Vec<String> = "We are ".chars().map(String::from).collect();
        let times: Vec<usize> = (0..chars.len()).map(|at| at * 70).collect();
        first["alignment"] =
            json!({"chars": chars, "charStartTimesMs": times, "charDurationsMs": vec![70; 7]});
        call.vendor_says(first).await;
        let failure = loop {
            match call.events.recv().await.unwrap() {
                TtsEvent::Failed(failure) => break failure,
                TtsEvent::Done { .. } => panic!("half a reply is done"),
                _ => continue,
            }
        };
        assert_eq!(failure.class, FailureClass::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_lets_the_last_reply_finish() {
        let mut call = call().await;
        call.say(1, "Bye.").await;
        call.end(1).await;
        call.vendor_hears_reply("u1").await;
        let Call { input, mut events, mut vendor, task, .. } = call;
        drop(input);
        assert_eq!(vendor.next().await.unwrap(), Incoming::Text(r#"{"close_socket":true}"#.into()));
        vendor.send_text(sound("u1", 10).to_string()).await.unwrap();
        vendor.send_text(last("u1").to_string()).await.unwrap();
        vendor.close_with(1000, "").await;
        assert_eq!(events.recv().await, used(4));
        assert!(matches!(events.recv().await, Some(TtsEvent::Audio { utterance: 1, .. })));
        assert_eq!(events.recv().await, done(1));
        assert_eq!(events.recv().await, None);
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_vendor_does_not_hold_the_goodbye_up() {
        let Call { input, mut events, vendor, .. } = call().await;
        let left = Instant::now();
        drop(input);
        assert_eq!(events.recv().await, None);
        assert!(left.elapsed() < Duration::from_secs(3));
        drop(vendor);
    }
}

mod settings {
    use super::*;

    fn build(model: &str, language: &str, voice: &str) -> Result<String, Failure> {
        let settings = TtsSettings {
            model: model.into(),
            language: language.into(),
            voice: voice.into(),
            ..TtsSettings::default()
        };
        url::build(&settings, &Extra::new(&ELEVENLABS, &settings.extra)?).map(|url| url.to_string())
    }

    #[test]
    fn the_address_of_a_connection() {
        let host = "wss://api.elevenlabs.io/v1/text-to-speech/v1/multi-stream-input";
        let fixed = "auto_mode=true&sync_alignment=true";
        let check =
            |model, language, expected: String| assert_eq!(build(model, language, "v1").unwrap(), expected);
        check("", "en-US", format!("{host}?model_id=eleven_flash_v2_5&{fixed}&language_code=en"));
        check("eleven_multilingual_v2", "en", format!("{host}?model_id=eleven_multilingual_v2&{fixed}"));
        check("", "multi", format!("{host}?model_id=eleven_flash_v2_5&{fixed}"));
    }

    #[test]
    fn a_voice_is_needed_and_cannot_change_the_path() {
        for voice in ["", "  ", "../x", "a/b", "a?b"] {
            assert_eq!(build("", "en", voice).unwrap_err().class, FailureClass::Refused, "{voice:?}");
        }
    }

    #[test]
    fn only_the_given_voice_settings_are_sent() {
        let check = |extra: Value, expected: Result<Value, &str>| {
            let map = extra.as_object().cloned().unwrap();
            match (Extra::new(&ELEVENLABS, &map).map(|extra| url::voice_settings(&extra)), expected) {
                (Ok(got), Ok(expected)) => assert_eq!(Value::Object(got), expected),
                (Err(failure), Err(part)) => assert!(failure.detail.contains(part), "{}", failure.detail),
                (got, expected) => panic!("{got:?} instead of {expected:?}"),
            }
        };
        check(json!({}), Ok(json!({})));
        check(
            json!({"stability": 0.5, "use_speaker_boost": true}),
            Ok(json!({"stability": 0.5, "use_speaker_boost": true})),
        );
        check(json!({"speed": 2.0}), Err("extra.speed must be a number from 0.7 to 1.2"));
    }
}

mod protocol {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::provider::link::{Codec, Wishes};

    #[derive(Clone, Debug)]
    enum Step {
        Order(TtsInput),
        Message(Value),
        Wait,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let message = |id: u64, letters: &str, is_final: bool| {
            let times: Vec<usize> = (0..letters.len()).collect();
            let chars: Vec<String> = letters.chars().map(String::from).collect();
            json!({"audio": "AAAA", "contextId": format!("u{id}"), "isFinal": is_final,
                "alignment": {"chars": chars, "charStartTimesMs": times, "charDurationsMs": times}})
        };
        let step = (0u64..7, 0..7).prop_map(move |(utterance, what)| match what {
            0 => Step::Order(TtsInput::Speak { utterance, text: "One two.".into() }),
            1 => Step::Order(TtsInput::Speak { utterance, text: "Three four.".into() }),
            2 => Step::Order(TtsInput::End { utterance }),
            3 => Step::Order(TtsInput::Cancel { utterance }),
            4 => Step::Message(message(utterance, "One two.", utterance % 2 == 0)),
            5 => Step::Message(message(utterance, "ree f", utterance % 3 == 0)),
            _ => Step::Wait,
        });
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        /// Whatever comes in whatever order: a reply ends once, nothing of it follows, and the vendor's limit holds.
        #[test]
        fn no_reply_ends_twice_or_goes_on_after_its_end(steps in steps()) {
            let mut codec = ContextsCodec::new(16_000, Value::Null);
            let mut now = Instant::now();
            let mut over = BTreeSet::new();
            for step in steps {
                let mut wishes = Wishes::default();
                match step {
                    Step::Order(order) if codec.takes_orders() => codec.order(order, now, &mut wishes).unwrap(),
                    Step::Order(_) => {}
                    Step::Message(message) => codec.text(&message.to_string(), now, &mut wishes).unwrap(),
                    Step::Wait => {
                        now = codec.due().unwrap_or(now).max(now);
                        if codec.tick(now, &mut wishes).is_err() {
                            return Ok(());
                        }
                        if wishes.reconnect {
                            codec.open(now, &mut wishes);
                        }
                        prop_assert!(codec.due().is_none_or(|due| due > now), "a wait that ran out is done with");
                    }
                }
                for event in wishes.events {
                    match event {
                        TtsEvent::Done { utterance } => prop_assert!(over.insert(utterance), "u{} ended twice", utterance),
                        TtsEvent::Audio { utterance, .. } | TtsEvent::Words { utterance, .. } => {
                            prop_assert!(!over.contains(&utterance), "u{} went on", utterance);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
