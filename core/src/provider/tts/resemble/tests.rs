use tokio::time::Instant;

use super::*;
use crate::provider::FailureClass;
use crate::provider::link::{Codec, Flaw, Outgoing, Wishes};
use crate::provider::tts::{TtsEvent, TtsInput, WordMark};

#[test]
fn messages_are_read() {
    let check = |text: &str, expected: Result<Event, EventError>| assert_eq!(parse_event(text), expected);
    let timed = r#"{"type":"audio","request_id":3,"audio_content":"AQA=","audio_timestamps":{"graph_chars":["H"],"graph_times":[[0.1,0.2]]}}"#;
    let Ok(Event::Audio { request: 3, pcm, chars }) = parse_event(timed) else { panic!("it is sound") };
    assert_eq!((pcm.as_slice(), chars[0].started_ms, chars[0].ended_ms), ([1, 0].as_slice(), 100.0, 200.0));
    let plain = |chars: &str| format!(r#"{{"type":"audio","request_id":3,"audio_content":"AQA="{chars}}}"#);
    for without in
        ["", r#","audio_timestamps":{"graph_chars":["H"],"graph_times":[]}"#, r#","audio_timestamps":7"#]
    {
        check(&plain(without), Ok(Event::Audio { request: 3, pcm: vec![1, 0], chars: vec![] }));
    }
    check(r#"{"type":"audio_end","request_id":3}"#, Ok(Event::AudioEnd { request: 3 }));
    check(
        r#"{"type":"error","success":false,"error_name":"ConnectionFailure","status_code":401,"message":"m"}"#,
        Ok(Event::Error { request: None, status: Some(401), word: Some("ConnectionFailure".into()) }),
    );
    check(r#"{"type":"ping"}"#, Ok(Event::Other));
    check(r#"{"type":"audio","audio_content":"AQA="}"#, Err(EventError::NoRequest));
    check(r#"{"type":"audio","request_id":3}"#, Err(EventError::NotBase64));
    check("7", Err(EventError::NotAnObject));
}

struct Bench(RepliesCodec<ResembleTongue>, Wishes<TtsEvent>);

impl Bench {
    fn new() -> Self {
        let mut bench =
            Self(RepliesCodec::new(ResembleTongue::new(Map::new(), 8000), 8000), Wishes::default());
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

    fn sent(&mut self) -> Vec<(u64, String)> {
        let read = |message: Outgoing| {
            let Outgoing::Text(text) = message else { panic!("bytes") };
            let value: Value = serde_json::from_str(&text).unwrap();
            (value["request_id"].as_u64().unwrap(), value["data"].as_str().unwrap().to_owned())
        };
        std::mem::take(&mut self.1.messages).into_iter().map(read).collect()
    }
}

fn audio(request: u64, content: &str) -> Value {
    json!({"type": "audio", "request_id": request, "audio_content": content})
}

#[test]
fn texts_are_asked_for_one_after_the_other_and_half_a_sample_does_not_shift_the_next() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.speak(1, "Two.");
    bench.order(TtsInput::End { utterance: 1 });
    assert_eq!(bench.sent(), [(1, "One.".to_owned())]);
    // Three bytes: a sample and a half.
    bench.hear(&audio(1, "AQAC")).unwrap();
    bench.hear(&json!({"type": "audio_end", "request_id": 1})).unwrap();
    assert_eq!(bench.sent(), [(2, "Two.".to_owned())]);
    bench.hear(&audio(2, "AwA=")).unwrap();
    let sound = |pcm| TtsEvent::Audio { utterance: 1, pcm: vec![pcm] };
    assert_eq!(bench.events(), [sound(1), sound(3)]);
    bench.hear(&json!({"type": "audio_end", "request_id": 2})).unwrap();
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 8 }, TtsEvent::Done { utterance: 1 }]);
}

#[test]
fn words_count_from_the_replys_beginning() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.speak(1, "Two.");
    bench.hear(&audio(1, &"AAAA".repeat(16_000 / 3 + 1))).unwrap();
    bench.hear(&json!({"type": "audio_end", "request_id": 1})).unwrap();
    bench.events();
    let mut timed = audio(2, "AAAA");
    timed["audio_timestamps"] =
        json!({"graph_chars": ["T", "o", " "], "graph_times": [[0, 0.1], [0.1, 0.2], [0.2, 0.3]]});
    bench.hear(&timed).unwrap();
    let words = vec![WordMark { text: "To".into(), started_ms: 1000, ended_ms: 1200 }];
    assert_eq!(bench.events()[0], TtsEvent::Words { utterance: 1, words });
}

#[test]
fn the_last_word_of_a_reply_whose_end_is_not_told_is_told() {
    let mut bench = Bench::new();
    bench.speak(1, "To.");
    bench.order(TtsInput::End { utterance: 1 });
    let mut timed = audio(1, &"AAAA".repeat(16_000 / 3 + 1));
    timed["audio_timestamps"] =
        json!({"graph_chars": ["T", "o", "."], "graph_times": [[0, 0.1], [0.1, 0.2], [0.2, 0.3]]});
    bench.hear(&timed).unwrap();
    bench.events();
    let due = bench.0.due().expect("it is over by itself");
    bench.0.tick(due, &mut bench.1).unwrap();
    let words = vec![WordMark { text: "To.".into(), started_ms: 0, ended_ms: 300 }];
    let expected = [
        TtsEvent::Words { utterance: 1, words },
        TtsEvent::Usage { characters: 3 },
        TtsEvent::Done { utterance: 1 },
    ];
    assert_eq!(bench.events(), expected);
}

#[test]
fn what_still_comes_of_an_interrupted_reply_is_thrown_away() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.order(TtsInput::Cancel { utterance: 1 });
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 4 }]);
    bench.speak(2, "Two.");
    bench.hear(&audio(1, "AQA=")).unwrap();
    bench.hear(&json!({"type": "audio_end", "request_id": 1})).unwrap();
    bench.hear(&json!({"type": "error", "request_id": 1, "status_code": 400})).unwrap();
    assert_eq!(bench.events(), []);
    let Err(Flaw::Failed(failure)) =
        bench.hear(&json!({"type": "error", "request_id": 1, "status_code": 401}))
    else {
        panic!("it is about the connection")
    };
    assert_eq!(failure.class, FailureClass::Unauthorised);
}

#[test]
fn a_rate_that_the_vendor_has_not_is_converted() {
    let mut codec = RepliesCodec::new(ResembleTongue::new(Map::new(), 24_000), 24_000);
    let mut wishes = Wishes::default();
    codec.open(Instant::now(), &mut wishes);
    codec.order(TtsInput::Speak { utterance: 1, text: "One.".into() }, Instant::now(), &mut wishes).unwrap();
    let [Outgoing::Text(text)] = &wishes.messages[..] else { panic!("{:?}", wishes.messages) };
    let request: Value = serde_json::from_str(text).unwrap();
    assert_eq!(request["sample_rate"], 32_000);
}
