use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::provider::FailureClass;
use crate::provider::link::{Codec, Flaw, Outgoing, Wishes};
use crate::provider::tts::{TtsEvent, TtsInput, WordMark};

#[test]
fn messages_are_read() {
    let check = |text: &str, expected: Result<Event, EventError>| assert_eq!(parse_event(text), expected);
    let audio =
        |stream: &str, pcm: &[u8]| Event::Audio { stream: stream.into(), pcm: pcm.into(), chars: vec![] };
    check(r#"{"stream_id":"u1-0","audio":"AQA="}"#, Ok(audio("u1-0", &[1, 0])));
    check(r#"{"stream_id":"u1-0","audio":"","audio_end":true}"#, Ok(audio("u1-0", &[])));
    let timed = r#"{"stream_id":"s","audio":"","timestamps":{"characters":["H"],"character_start_times_seconds":[0.1],"character_end_times_seconds":[0.05]}}"#;
    let Ok(Event::Audio { chars, .. }) = parse_event(timed) else { panic!("it is sound") };
    assert_eq!((chars[0].text.as_str(), chars[0].started_ms, chars[0].ended_ms), ("H", 100.0, 100.0));
    check(r#"{"stream_id":"u1-0","terminated":true}"#, Ok(Event::Terminated { stream: "u1-0".into() }));
    check(
        r#"{"error_code":429,"error_message":"m","error_type":"limit_exceeded"}"#,
        Ok(Event::Error { stream: None, code: Some(429), word: Some("limit_exceeded".into()) }),
    );
    check(r#"{"keep_alive":true}"#, Ok(Event::Other));
    check(r#"{"audio":"AQA="}"#, Err(EventError::NoStream));
    check(r#"{"stream_id":"s","audio":3}"#, Err(EventError::NotBase64));
    check(r#"{"stream_id":"s","audio":"","timestamps":{"characters":["H"]}}"#, Err(EventError::Uneven));
    check("{", Err(EventError::NotAnObject));
}

#[test]
fn settings_become_the_first_message() {
    let extra = json!({"speed": 1.1, "reduce_silence": true, "tag": "call"});
    let settings = TtsSettings {
        language: "hi-IN".into(),
        extra: extra.as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    let opening = opening(&settings, &Extra::new(&SONIOX_VOICES, &settings.extra).unwrap());
    let expected = json!({
        "model": "tts-rt-v2", "language": "hi", "voice": "Adrian", "audio_format": "pcm_s16le", "return_timestamps": true,
        "speed": 1.1, "reduce_silence": true, "client_reference_id": "call"
    });
    assert_eq!(Value::Object(opening), expected);
}

struct Bench(RepliesCodec<SonioxTongue>, Wishes<TtsEvent>);

impl Bench {
    fn new() -> Self {
        let mut bench = Self(RepliesCodec::new(SonioxTongue::new(Map::new(), 8000), 8000), Wishes::default());
        bench.0.open(Instant::now(), &mut bench.1);
        bench.events();
        bench
    }

    fn order(&mut self, order: TtsInput) {
        self.0.order(order, Instant::now(), &mut self.1).unwrap();
    }

    fn speak(&mut self, utterance: u64, text: &str) {
        self.order(TtsInput::Speak { utterance, text: text.into() });
    }

    fn hear(&mut self, message: &Value) -> Result<(), Flaw> {
        self.0.text(&message.to_string(), Instant::now(), &mut self.1)
    }

    fn events(&mut self) -> Vec<TtsEvent> {
        std::mem::take(&mut self.1.events)
    }

    /// The stream and what is said of it.
    fn sent(&mut self) -> Vec<String> {
        let read = |message: Outgoing| {
            let Outgoing::Text(text) = message else { panic!("bytes") };
            let value: Value = serde_json::from_str(&text).unwrap();
            let what = match &value {
                value if value["cancel"] == true => "cancel",
                value if value["text_end"] == true => "end",
                value if value["text"].is_string() => value["text"].as_str().unwrap(),
                _ => "open",
            };
            format!("{} {}", value["stream_id"].as_str().unwrap(), what.trim())
        };
        std::mem::take(&mut self.1.messages).into_iter().map(read).collect()
    }
}

#[test]
fn a_stream_that_was_closed_for_want_of_text_is_opened_anew_and_its_words_count_on() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    assert_eq!(bench.sent(), ["u1-0 open", "u1-0 One."]);
    let second = "AAAA".repeat(16_000 / 3 + 1);
    bench.hear(&json!({"stream_id": "u1-0", "audio": second})).unwrap();
    bench.hear(&json!({"stream_id": "u1-0", "error_code": 408, "error_type": "timeout"})).unwrap();
    bench.hear(&json!({"stream_id": "u1-0", "terminated": true})).unwrap();
    bench.speak(1, "Two.");
    bench.order(TtsInput::End { utterance: 1 });
    assert_eq!(bench.sent(), ["u1-1 open", "u1-1 Two.", "u1-1 end"]);
    bench.events();
    let timestamps = json!({
        "characters": ["T", "w"], "character_start_times_seconds": [0.0, 0.1], "character_end_times_seconds": [0.1, 0.2]
    });
    bench.hear(&json!({"stream_id": "u1-1", "audio": "AAAA", "timestamps": timestamps})).unwrap();
    bench.hear(&json!({"stream_id": "u1-1", "terminated": true})).unwrap();
    let words = bench.events().into_iter().find_map(|event| match event {
        TtsEvent::Words { words, .. } => Some(words),
        _ => None,
    });
    assert_eq!(words, Some(vec![WordMark { text: "Tw".into(), started_ms: 1000, ended_ms: 1200 }]));
}

fn starve(bench: &mut Bench, stream: &str) {
    bench.hear(&json!({"stream_id": stream, "error_code": 408, "error_type": "timeout"})).unwrap();
    bench.hear(&json!({"stream_id": stream, "terminated": true})).unwrap();
}

/// What the vendor says of a message for a stream that it has closed.
fn refuse(bench: &mut Bench, stream: &str) {
    bench.hear(&json!({"stream_id": stream, "error_code": 400, "error_type": "invalid_request"})).unwrap();
    bench.hear(&json!({"stream_id": stream, "terminated": true})).unwrap();
}

#[test]
fn text_that_crosses_the_end_of_its_stream_is_sent_into_the_next() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.hear(&json!({"stream_id": "u1-0", "audio": "AAAA"})).unwrap();
    bench.speak(1, "Two.");
    bench.speak(1, "Three.");
    bench.sent();
    starve(&mut bench, "u1-0");
    assert_eq!(bench.sent(), ["u1-1 open", "u1-1 Two.", "u1-1 Three."]);
    refuse(&mut bench, "u1-0");
    refuse(&mut bench, "u1-0");
    bench.hear(&json!({"stream_id": "u1-1", "audio": "AAAA"})).unwrap();
    // The end crosses the next one: all of it was spoken.
    bench.events();
    bench.order(TtsInput::End { utterance: 1 });
    bench.sent();
    starve(&mut bench, "u1-1");
    assert_eq!(bench.sent(), [] as [&str; 0]);
    assert!(bench.events().contains(&TtsEvent::Done { utterance: 1 }));
}

#[test]
fn text_and_end_that_cross_together_are_sent_again_once() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.hear(&json!({"stream_id": "u1-0", "audio": "AAAA"})).unwrap();
    bench.speak(1, "Two.");
    bench.order(TtsInput::End { utterance: 1 });
    bench.sent();
    starve(&mut bench, "u1-0");
    assert_eq!(bench.sent(), ["u1-1 open", "u1-1 Two.", "u1-1 end"]);
    bench.events();
    // It makes no sound of that, and says so in the same way.
    starve(&mut bench, "u1-1");
    assert_eq!(bench.sent(), [] as [&str; 0]);
    assert!(bench.events().contains(&TtsEvent::Done { utterance: 1 }));
}

#[test]
fn an_interrupted_reply_that_crosses_its_end_is_not_spoken_after_all() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.sent();
    starve(&mut bench, "u1-0");
    assert_eq!(bench.sent(), [] as [&str; 0]);
}

#[test]
fn an_interruption_is_sent_only_while_text_may_come_and_waits_for_the_streams_end() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.speak(2, "Two.");
    bench.order(TtsInput::End { utterance: 2 });
    bench.sent();
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.order(TtsInput::Cancel { utterance: 2 });
    assert_eq!(bench.sent(), ["u1-0 cancel"]);
    for stream in ["u1-0", "u2-0"] {
        bench.hear(&json!({"stream_id": stream, "audio": "AAAA"})).unwrap();
        bench.hear(&json!({"stream_id": stream, "terminated": true})).unwrap();
        assert_eq!(bench.events(), [TtsEvent::Usage { characters: 4 }]);
    }
}

#[test]
fn an_error_of_a_stream_is_a_failure_unless_nobody_wants_it() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.hear(&json!({"stream_id": "u1-0", "error_code": 400, "error_type": "invalid"})).unwrap();
    bench.speak(2, "Two.");
    let Err(Flaw::Failed(failure)) = bench.hear(&json!({"stream_id": "u2-0", "error_code": 402})) else {
        panic!("it is a failure")
    };
    assert_eq!(failure.class, FailureClass::OverLimit);
    assert_eq!(bench.0.keep_alive(), Duration::from_secs(20));
}
