use serde_json::{Value, json};
use tokio::time::Instant;
use vox_shared::model::bot::ApiKey;

use super::*;
use crate::provider::FailureClass;
use crate::provider::link::{Codec, Outgoing, Wishes};
use crate::provider::tts::replies::Tongue as _;
use crate::provider::tts::{TtsEvent, TtsInput};

#[test]
fn messages_are_read() {
    let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
    check(r#"{"type":"Flushed","sequence_id":0}"#, Ok(Event::Flushed));
    check(r#"{"type":"Cleared","sequence_id":0}"#, Ok(Event::Cleared));
    check(r#"{"type":"Metadata","request_id":"r","model_name":"aura-2-thalia-en"}"#, Ok(Event::Other));
    check(r#"{"type":"Warning","warn_code":"X","warn_msg":"slow down"}"#, Ok(Event::Other));
    check(r#"{"type":7}"#, Err(EventError::NoType));
    check("[]", Err(EventError::NotAnObject));
    check("{", Err(EventError::NotAnObject));
}

#[test]
fn settings_become_the_address() {
    let extra = json!({"base_url": "wss://api.eu.deepgram.com", "speed": 1.1, "mip_opt_out": true});
    let settings = TtsSettings {
        api_key: ApiKey::new("k"),
        model: "aura-2-celeste-es".into(),
        extra: extra.as_object().cloned().unwrap(),
        ..TtsSettings::default()
    };
    let url = url(&settings, &Extra::new(&AURA, &settings.extra).unwrap());
    let query = "model=aura-2-celeste-es&encoding=linear16&speed=1.1&mip_opt_out=true";
    assert_eq!(url.as_str(), format!("wss://api.eu.deepgram.com/v1/speak?{query}"));
}

struct Bench {
    codec: RepliesCodec<AuraTongue>,
    wishes: Wishes<TtsEvent>,
}

impl Bench {
    fn new() -> Self {
        let mut bench =
            Self { codec: RepliesCodec::new(AuraTongue::new(8000), 8000), wishes: Wishes::default() };
        bench.codec.open(Instant::now(), &mut bench.wishes);
        assert_eq!(bench.events(), [TtsEvent::Ready]);
        bench
    }

    fn order(&mut self, order: TtsInput) {
        self.codec.order(order, Instant::now(), &mut self.wishes).unwrap();
    }

    fn speak(&mut self, utterance: u64, text: &str) {
        self.order(TtsInput::Speak { utterance, text: text.into() });
    }

    fn hear(&mut self, message: &str) {
        let text = json!({"type": message, "sequence_id": 0}).to_string();
        self.codec.text(&text, Instant::now(), &mut self.wishes).unwrap();
    }

    fn sound(&mut self) {
        self.codec.binary(&[1, 0], Instant::now(), &mut self.wishes).unwrap();
    }

    fn events(&mut self) -> Vec<TtsEvent> {
        std::mem::take(&mut self.wishes.events)
    }

    fn sent(&mut self) -> Vec<String> {
        let read = |message: Outgoing| {
            let Outgoing::Text(text) = message else { panic!("bytes") };
            let value: Value = serde_json::from_str(&text).unwrap();
            value["text"].as_str().or(value["type"].as_str()).unwrap().to_owned()
        };
        std::mem::take(&mut self.wishes.messages).into_iter().map(read).collect()
    }
}

fn sound(utterance: u64) -> TtsEvent {
    TtsEvent::Audio { utterance, pcm: vec![1] }
}

#[test]
fn texts_are_spoken_one_after_the_other_and_replies_too() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.speak(1, "Two.");
    bench.speak(1, "Three.");
    bench.order(TtsInput::End { utterance: 1 });
    bench.speak(2, "Four.");
    assert_eq!(bench.sent(), ["One.", "Flush"]);
    bench.sound();
    bench.hear("Flushed");
    assert_eq!(bench.sent(), ["Two. Three.", "Flush"]);
    bench.sound();
    assert_eq!(bench.events(), [sound(1), sound(1)]);
    bench.hear("Flushed");
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 14 }, TtsEvent::Done { utterance: 1 }]);
    assert_eq!(bench.sent(), ["Four.", "Flush"]);
}

#[test]
fn nothing_of_an_interrupted_reply_is_taken_for_the_next() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.sound();
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.speak(2, "Two.");
    bench.events();
    assert_eq!(bench.sent(), ["One.", "Flush", "Clear"]);
    bench.sound();
    bench.hear("Flushed");
    bench.sound();
    assert_eq!((bench.sent().len(), bench.events()), (0, vec![]));
    bench.hear("Cleared");
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 4 }]);
    assert_eq!(bench.sent(), ["Two.", "Flush"]);
    bench.sound();
    assert_eq!(bench.events(), [sound(2)]);
}

#[test]
fn a_reply_of_which_all_was_spoken_needs_no_clearing() {
    let mut bench = Bench::new();
    bench.speak(1, "One.");
    bench.sound();
    bench.hear("Flushed");
    bench.sent();
    bench.order(TtsInput::Cancel { utterance: 1 });
    bench.speak(2, "Two.");
    assert_eq!(bench.sent(), ["Two.", "Flush"]);
}

#[test]
fn too_many_characters_are_a_limit_and_no_wrong_command() {
    let class = |reason| AuraTongue::new(8000).closed(Some(1008), reason).class;
    assert_eq!(class("DATA-0001"), FailureClass::OverLimit);
    assert_eq!(class("DATA-0000"), FailureClass::Refused);
}
