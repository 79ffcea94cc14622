use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::provider::FailureClass;
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::tts::{TtsEvent, TtsInput};

#[test]
fn messages_are_read() {
    let check = |text: &str, expected| assert_eq!(parse_event(text), expected, "{text}");
    check(
        r#"{"type":"SpeechMetadata","speech_id":"dg_sp_0123456789ab","audio_duration_ms":900,"input_character_count":12,"billable_character_count":11}"#,
        Ok(Event::TurnOver { characters: Some(11) }),
    );
    check(
        r#"{"type":"SpeechInterrupted","audio_played_ms":10,"metadata":{"billable_character_count":4}}"#,
        Ok(Event::Interrupted { characters: Some(4) }),
    );
    check(r#"{"type":"SpeechMetadata"}"#, Ok(Event::TurnOver { characters: None }));
    check(r#"{"type":"Warning","code":"NO_ACTIVE_SPEECH"}"#, Ok(Event::Nothing));
    check(r#"{"type":"Warning","code":"SYNTHESIS_RETRYING"}"#, Ok(Event::Other));
    check(r#"{"type":"Error","code":"NET-0001"}"#, Ok(Event::Error { word: Some("NET-0001".into()) }));
    check(r#"{"type":"Flushed","speech_id":"x"}"#, Ok(Event::Other));
    check(r#"{"kind":"Flushed"}"#, Err(EventError::NoType));
    check("7", Err(EventError::NotAnObject));
}

#[test]
fn settings_become_the_address() {
    let extra = json!({"speed": 0.95, "expressivity": -1, "tag": "a b"});
    let settings = TtsSettings { extra: extra.as_object().cloned().unwrap(), ..TtsSettings::default() };
    let url = url(&settings, &Extra::new(&FLUX_VOICES, &settings.extra).unwrap());
    let query = "model=flux-alexis-en&encoding=linear16&speed=0.95&expressivity=-1&tag=a+b";
    assert_eq!(url.as_str(), format!("wss://api.deepgram.com/v2/speak?{query}"));
}

struct Bench(RepliesCodec<FluxTongue>, Wishes<TtsEvent>);

impl Bench {
    fn new() -> Self {
        let mut bench = Self(RepliesCodec::new(FluxTongue::new(8000), 8000), Wishes::default());
        bench.0.open(Instant::now(), &mut bench.1);
        bench.1 = Wishes::default();
        bench
    }

    fn speak(&mut self, utterance: u64) {
        self.order(TtsInput::Speak { utterance, text: "One.".into() });
    }

    fn order(&mut self, order: TtsInput) {
        self.0.order(order, Instant::now(), &mut self.1).unwrap();
    }

    fn hear(&mut self, message: &Value) -> Result<(), Flaw> {
        self.0.text(&message.to_string(), Instant::now(), &mut self.1)
    }

    fn events(&mut self) -> Vec<TtsEvent> {
        std::mem::take(&mut self.1.events)
    }
}

#[test]
fn the_vendors_bill_counts() {
    let mut bench = Bench::new();
    bench.speak(1);
    bench.order(TtsInput::End { utterance: 1 });
    bench.0.binary(&[1, 0], Instant::now(), &mut bench.1).unwrap();
    bench.events();
    bench.hear(&json!({"type": "SpeechMetadata", "billable_character_count": 3})).unwrap();
    assert_eq!(bench.events(), [TtsEvent::Usage { characters: 3 }, TtsEvent::Done { utterance: 1 }]);
}

#[test]
fn an_interruption_that_comes_too_late_is_answered_all_the_same() {
    for answers in [
        vec![json!({"type": "SpeechInterrupted", "metadata": {"billable_character_count": 2}})],
        vec![
            json!({"type": "SpeechMetadata", "billable_character_count": 2}),
            json!({"type": "Warning", "code": "NO_ACTIVE_SPEECH"}),
        ],
    ] {
        let mut bench = Bench::new();
        bench.speak(1);
        bench.order(TtsInput::Cancel { utterance: 1 });
        bench.speak(2);
        for answer in answers {
            assert_eq!(bench.1.messages.len(), 2, "the next reply waits");
            bench.hear(&answer).unwrap();
        }
        assert_eq!(bench.events(), [TtsEvent::Usage { characters: 2 }]);
        assert_eq!(bench.1.messages.len(), 3);
    }
}

#[test]
fn errors_have_their_class() {
    let check = |code: &str, class| {
        let mut bench = Bench::new();
        let Err(Flaw::Failed(failure)) = bench.hear(&json!({"type": "Error", "code": code})) else {
            panic!("{code} is a failure")
        };
        assert_eq!(failure.class, class, "{code}");
    };
    check("DATA-0000", FailureClass::Refused);
    check("DATA-0001", FailureClass::OverLimit);
    check("NET-0003", FailureClass::Unavailable);
}
