use std::time::Duration;

use tokio::time::Instant;
use vox_shared::model::bot::ApiKey;

use super::*;
use crate::provider::link::{Codec, Outgoing, Wishes};
use crate::provider::tts::{TtsEvent, TtsInput, WordMark};

fn settings(extra: Value) -> TtsSettings {
    TtsSettings {
        provider: NAME.into(),
        api_key: ApiKey::new("k"),
        voice: "a0e99841-438c".into(),
        language: "hi-IN".into(),
        extra: extra.as_object().cloned().unwrap(),
        ..TtsSettings::default()
    }
}

#[test]
fn messages_are_read() {
    let check = |text: &str, expected: Result<Event, EventError>| assert_eq!(parse_event(text), expected);
    let context = || "u1-0".to_owned();
    check(
        r#"{"type":"chunk","context_id":"u1-0","data":"AQA=","done":false,"status_code":206,"step_time":9}"#,
        Ok(Event::Chunk { context: context(), pcm: vec![1, 0] }),
    );
    let word = |text: &str, started_ms, ended_ms| WordMark { text: text.into(), started_ms, ended_ms };
    check(
        r#"{"type":"timestamps","context_id":"u1-0","word_timestamps":{"words":["Hi","all"],"start":[0.1,-1],"end":[0.25,0.5]}}"#,
        Ok(Event::Words { context: context(), words: vec![word("Hi", 100, 250), word("all", 0, 500)] }),
    );
    check(
        r#"{"type":"flush_done","context_id":"u1-0","flush_id":2,"flush_done":true,"done":false}"#,
        Ok(Event::Flushed { context: context(), segment: 2 }),
    );
    check(r#"{"type":"done","context_id":"u1-0","done":true}"#, Ok(Event::Done { context: context() }));
    check(
        r#"{"type":"error","done":true,"status_code":429,"error_code":"concurrency_limited","title":"Too many"}"#,
        Ok(Event::Error { context: None, status: Some(429), word: Some("concurrency_limited".into()) }),
    );
    check(r#"{"type":"phoneme_timestamps","context_id":"u1-0"}"#, Ok(Event::Other));
    check(r#"{"type":"chunk","context_id":"u1-0","data":7}"#, Err(EventError::NotBase64));
    check(r#"{"type":"chunk","data":"AQA="}"#, Err(EventError::NoContext));
    check(
        r#"{"type":"timestamps","context_id":"a","word_timestamps":{"words":["Hi"],"start":[],"end":[1]}}"#,
        Err(EventError::Uneven),
    );
    check("[1]", Err(EventError::NotAnObject));
    check(&"[".repeat(100_000), Err(EventError::NotAnObject));
}

#[test]
fn settings_become_the_request() {
    let settings = settings(json!({"speed": 1.2, "emotion": "calm", "pronunciation_dict_id": "d1"}));
    let fixed = fixed(&settings, &Extra::new(&CARTESIA, &settings.extra).unwrap());
    let expected = json!({
        "model_id": "sonic-3.6", "voice": {"mode": "id", "id": "a0e99841-438c"}, "language": "hi",
        "add_timestamps": true, "max_buffer_delay_ms": 0, "generation_config": {"speed": 1.2, "emotion": "calm"},
        "pronunciation_dict_id": "d1"
    });
    assert_eq!(Value::Object(fixed), expected);
}

struct Bench {
    codec: RepliesCodec<CartesiaTongue>,
    wishes: Wishes<TtsEvent>,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let codec = RepliesCodec::new(CartesiaTongue::new(Map::new(), 16_000), 16_000);
        let mut bench = Self { codec, wishes: Wishes::default(), now: Instant::now() };
        bench.codec.open(bench.now, &mut bench.wishes);
        assert_eq!(bench.events(), [TtsEvent::Ready]);
        bench
    }

    fn speak(&mut self, text: &str) {
        self.order(TtsInput::Speak { utterance: 1, text: text.into() });
    }

    fn order(&mut self, order: TtsInput) {
        self.codec.order(order, self.now, &mut self.wishes).unwrap();
    }

    fn hear(&mut self, message: &Value) {
        self.codec.text(&message.to_string(), self.now, &mut self.wishes).unwrap();
    }

    fn events(&mut self) -> Vec<TtsEvent> {
        std::mem::take(&mut self.wishes.events)
    }

    /// Context, transcript and whether it goes on.
    fn sent(&mut self) -> Vec<(String, String, bool)> {
        let read = |message: Outgoing| {
            let Outgoing::Text(text) = message else { panic!("bytes") };
            let value: Value = serde_json::from_str(&text).unwrap();
            let text = |name: &str| value[name].as_str().unwrap_or("-").to_owned();
            (text("context_id"), text("transcript"), value["continue"] == json!(true))
        };
        std::mem::take(&mut self.wishes.messages).into_iter().map(read).collect()
    }
}

fn sent(id: &str, transcript: &str, goes_on: bool) -> (String, String, bool) {
    (id.into(), transcript.into(), goes_on)
}

#[test]
fn a_reply_ends_with_its_last_segment() {
    let mut bench = Bench::new();
    bench.speak("One.");
    bench.speak("Two.");
    bench.order(TtsInput::End { utterance: 1 });
    assert_eq!(
        bench.sent(),
        [sent("u1-0", "One. ", true), sent("u1-0", "Two. ", true), sent("u1-0", "", false)]
    );
    bench.hear(&json!({"type": "chunk", "context_id": "u1-0", "data": "AQACAA=="}));
    bench.hear(&json!({"type": "flush_done", "context_id": "u1-0", "flush_id": 1}));
    assert_eq!(bench.events(), [TtsEvent::Audio { utterance: 1, pcm: vec![1, 2] }]);
    bench.hear(&json!({"type": "flush_done", "context_id": "u1-0", "flush_id": 2}));
    bench.hear(&json!({"type": "done", "context_id": "u1-0"}));
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 8 }, TtsEvent::Done { utterance: 1 }]);
}

#[test]
fn what_comes_after_a_pause_goes_into_another_context_and_its_words_count_on() {
    let mut bench = Bench::new();
    bench.speak("One.");
    let second = "AAAA".repeat(32_000 / 3);
    bench.hear(&json!({"type": "chunk", "context_id": "u1-0", "data": second}));
    bench.hear(&json!({"type": "flush_done", "context_id": "u1-0", "flush_id": 1}));
    bench.now += Duration::from_millis(700);
    bench.speak("Two.");
    assert_eq!(bench.sent()[1], sent("u1-1", "Two. ", true));
    bench.events();
    let times = json!({"words": ["Two."], "start": [0.1], "end": [0.3]});
    bench.hear(&json!({"type": "timestamps", "context_id": "u1-1", "word_timestamps": times}));
    let words = vec![WordMark { text: "Two.".into(), started_ms: 1099, ended_ms: 1299 }];
    assert_eq!(bench.events(), [TtsEvent::Words { utterance: 1, words }]);
    // The vendor says itself that it has let go.
    bench.hear(&json!({"type": "done", "context_id": "u1-1"}));
    assert_eq!(bench.events(), [], "more text may follow");
    bench.speak("Three.");
    assert_eq!(bench.sent(), [sent("u1-2", "Three. ", true)]);
}

#[test]
fn an_interrupted_reply_is_cancelled_and_what_still_comes_of_it_ignored() {
    let mut bench = Bench::new();
    bench.speak("One.");
    bench.sent();
    bench.order(TtsInput::Cancel { utterance: 1 });
    assert_eq!(bench.sent(), [sent("u1-0", "-", false)]);
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 4 }]);
    bench.hear(&json!({"type": "chunk", "context_id": "u1-0", "data": "AQA="}));
    bench.hear(&json!({"type": "error", "context_id": "u1-0", "status_code": 400}));
    assert_eq!(bench.events(), []);
}

#[test]
fn an_idle_connection_is_replaced_before_the_vendor_closes_it() {
    let mut bench = Bench::new();
    let due = bench.codec.due().expect("there is a bound");
    assert_eq!(due - bench.now, Duration::from_secs(270));
    bench.codec.tick(due, &mut bench.wishes).unwrap();
    assert!(bench.wishes.reconnect && bench.codec.due().is_none());
    bench.speak("One.");
    assert!(bench.codec.due().is_none(), "a reply is not cut off by this");
}

#[test]
fn a_text_that_crosses_the_end_of_its_context_is_timed_behind_what_was_spoken() {
    let mut bench = Bench::new();
    let chunk = |bytes: usize| {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(vec![0; bytes]);
        json!({"type": "chunk", "context_id": "u1-0", "data": data, "done": false})
    };
    let word = |text: &str| json!({"type": "timestamps", "context_id": "u1-0", "word_timestamps": {"words": [text], "start": [0.0], "end": [0.25]}});
    let flushed =
        json!({"type": "flush_done", "context_id": "u1-0", "flush_id": 1, "flush_done": true, "done": false});
    bench.speak("One.");
    // A second of sound.
    for message in [word("One."), chunk(32_000), flushed.clone()] {
        bench.hear(&message);
    }
    bench.speak("Two.");
    bench.hear(&json!({"type": "done", "context_id": "u1-0", "done": true}));
    for message in [word("Two."), chunk(32_000), flushed] {
        bench.hear(&message);
    }
    bench.order(TtsInput::End { utterance: 1 });
    let told = bench.events();
    let starts: Vec<u32> = told
        .iter()
        .filter_map(
            |event| if let TtsEvent::Words { words, .. } = event { Some(words[0].started_ms) } else { None },
        )
        .collect();
    assert_eq!(starts, [0, 1_000], "{told:?}");
    assert!(matches!(told.last(), Some(TtsEvent::Done { .. })), "{told:?}");
}
