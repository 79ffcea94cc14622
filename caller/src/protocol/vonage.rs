//! Vonage's WebSocket endpoint: `/vonage/{bot_id}`, binary frames of 20 ms of 16-bit linear sound both ways, JSON text for events.
//! The socket is closed when the call ends.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Effect, Intake, fields, marks::Marks, payload, stream};
use crate::{options::Options, violation::Rule};

#[derive(Debug)]
pub(crate) struct Vonage {
    connected: Value,
    frame_bytes: usize,
    marks: Marks,
    /// Clears that are not confirmed yet.
    cleared: u32,
}

impl Vonage {
    pub(super) fn new(options: &Options, stream_id: &str, rate_hz: u32) -> Self {
        let mut connected = stream::parameters(options);
        // Numbers are without their + here.
        for value in connected.values_mut() {
            if let Some(number) = value.as_str().and_then(|text| text.strip_prefix('+')) {
                *value = number.to_owned().into();
            }
        }
        connected.insert("event".into(), "websocket:connected".into());
        connected.insert("content-type".into(), format!("audio/l16;rate={rate_hz}").into());
        connected.insert("uuid".into(), stream_id.into());
        let frame_bytes = (rate_hz / 50 * 2) as usize;
        Self { connected: Value::Object(connected), frame_bytes, marks: Marks::default(), cleared: 0 }
    }

    pub(super) fn opening(&mut self) -> Vec<Message> {
        vec![Message::text(self.connected.take().to_string())]
    }

    pub(super) fn frame(&self, frame: &[i16]) -> Message {
        Message::binary(frame.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(super) fn dtmf(&self, digit: char) -> Message {
        let event = json!({"event": "websocket:dtmf", "digit": digit.to_string(), "duration": 260});
        Message::text(event.to_string())
    }

    pub(super) fn mark_played(&mut self, name: &str) -> Option<Message> {
        let event = json!({"event": "websocket:notify", "payload": {"mark": name}});
        self.marks.played(name).then(|| Message::text(event.to_string()))
    }

    /// The confirmation of a clear.
    pub(super) fn reply(&mut self) -> Option<Message> {
        self.cleared = self.cleared.checked_sub(1)?;
        Some(Message::text(r#"{"event":"websocket:cleared"}"#))
    }

    pub(super) fn binary(&mut self, bytes: &[u8], intake: &mut Intake<'_>) -> Option<Effect> {
        if bytes.len() != self.frame_bytes {
            let expected = self.frame_bytes;
            intake.note(Rule::PayloadSize, || format!("{} bytes instead of {expected}", bytes.len()));
        }
        payload::read(bytes, intake);
        self.marks.audio();
        (bytes.len() >= 2).then_some(Effect::Audio)
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "action", intake)?;
        match name {
            "notify" => {
                let name = fields.object("payload", intake)?.text("mark", intake)?.to_owned();
                self.marks.sent(name, intake)
            }
            "clear" => {
                self.marks.forget();
                self.cleared += 1;
                Some(Effect::Clear)
            }
            other => {
                intake.note(Rule::UnknownEvent, || other.to_owned());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::Protocol, protocol::Scratch, protocol::tests::check_text, violation::Ledger};

    fn codec() -> Vonage {
        let options = Options::new(Protocol::Vonage { rate_hz: 16_000 }, "ws://h/vonage/b").unwrap();
        Vonage::new(&options, "uuid-1", 16_000)
    }

    #[test]
    fn frames_are_of_one_size() {
        for (size, broken) in
            [(640, vec![]), (320, vec![Rule::PayloadSize]), (641, vec![Rule::OddPayload, Rule::PayloadSize])]
        {
            let (ledger, mut scratch) = (Ledger::default(), Scratch::default());
            let mut intake = Intake { at_ms: 1.0, ledger: &ledger, scratch: &mut scratch };
            codec().binary(&vec![0; size], &mut intake);
            let noted: Vec<Rule> = ledger.violations().iter().map(|noted| noted.rule).collect();
            assert_eq!(noted, broken, "{size}");
        }
    }

    #[test]
    fn actions_are_exact() {
        for (message, expected) in [
            (json!({"action": "clear"}), vec![]),
            (json!({"action": "notify", "payload": {"mark": "a"}}), vec![(Rule::MarkOrder, 1)]),
            (json!({"action": "notify", "payload": "a"}), vec![(Rule::WrongField, 1)]),
            (json!({"action": "hangup"}), vec![(Rule::UnknownEvent, 1)]),
            (json!({"event": "clear"}), vec![(Rule::MissingField, 1)]),
        ] {
            let mut codec = codec();
            check_text(&[message], &expected, |text, intake| codec.text(text, intake));
        }
    }
}
