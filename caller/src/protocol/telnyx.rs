//! Telnyx' media streaming: `/telnyx/{bot_id}`, JSON text frames, µ-law at 8 kHz or 16-bit linear at 16 kHz, 20 ms.

use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Effect, Intake, fields, marks::Marks, payload::Form, stream::Sound};
use crate::{options::Options, violation::Rule};

#[derive(Debug)]
pub(crate) struct Telnyx {
    stream_id: String,
    call: String,
    start: Value,
    shape: String,
    sound: Sound,
    marks: Marks,
}

impl Telnyx {
    pub(super) fn new(options: &Options, stream_id: &str, rate_hz: u32) -> Self {
        let sound = Sound::at(rate_hz);
        let call = format!("v3:{stream_id}");
        let encoding = if sound.form == Form::Ulaw { "PCMU" } else { "L16" };
        let parameters: Map<String, Value> =
            options.query.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let start = json!({
            "user_id": "u1", "call_control_id": call, "call_session_id": "s1",
            "from": options.caller_id, "to": options.did, "tags": [], "client_state": "aGVsbG8=",
            "custom_parameters": parameters,
            "media_format": {"encoding": encoding, "sample_rate": rate_hz, "channels": 1},
        });
        let shape = format!(
            r#"{{"event":"media","sequence_number":"{{n}}","media":{{"track":"inbound","chunk":"{{chunk}}","timestamp":"{{ms}}","payload":"{{payload}}"}},"stream_id":"{stream_id}"}}"#
        );
        Self { stream_id: stream_id.to_owned(), call, start, shape, sound, marks: Marks::default() }
    }

    pub(super) fn opening(&mut self) -> Vec<Message> {
        let start = self.start.take();
        vec![Message::text(r#"{"event":"connected","version":"1.0.0"}"#), self.event("start", start)]
    }

    pub(super) fn frame(&mut self, frame: &[i16]) -> Message {
        self.sound.frame(&self.shape, frame)
    }

    pub(super) fn dtmf(&mut self, digit: char) -> Message {
        self.event("dtmf", json!({"digit": digit.to_string()}))
    }

    pub(super) fn stop(&mut self) -> Message {
        let stop = json!({"user_id": "u1", "call_control_id": self.call});
        self.event("stop", stop)
    }

    pub(super) fn mark_played(&mut self, name: &str) -> Option<Message> {
        self.marks.played(name).then(|| self.event("mark", json!({"name": name})))
    }

    fn event(&mut self, name: &str, body: Value) -> Message {
        let number = self.sound.next().to_string();
        let mut event = json!({"event": name, "sequence_number": number, "stream_id": self.stream_id});
        event[name] = body;
        Message::text(event.to_string())
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "event", intake)?;
        match name {
            "media" => {
                let payload = fields.object("media", intake)?.text("payload", intake)?;
                self.marks.audio();
                self.sound.play(payload, intake)
            }
            "mark" => {
                let name = fields.object("mark", intake)?.text("name", intake)?.to_owned();
                self.marks.sent(name, intake)
            }
            "clear" => Some(Effect::Clear),
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
    use crate::{options::Protocol, protocol::tests::check_text};

    fn check(messages: &[Value], expected: &[(Rule, u64)]) {
        let options = Options::new(Protocol::Telnyx { rate_hz: 8_000 }, "ws://h/telnyx/b").unwrap();
        let mut codec = Telnyx::new(&options, "s1", 8_000);
        check_text(messages, expected, |text, intake| codec.text(text, intake));
    }

    #[test]
    fn shapes_are_exact() {
        let media = |payload: &str| json!({"event": "media", "media": {"payload": payload}});
        let mark = json!({"event": "mark", "mark": {"name": "a"}});
        check(&[media(&("/".repeat(212) + "/w==")), mark.clone(), json!({"event": "clear"})], &[]);
        check(&[mark], &[(Rule::MarkOrder, 1)]);
        check(&[media("/////w==")], &[(Rule::PayloadSize, 1)]);
        check(&[json!({"event": "media", "media": {}})], &[(Rule::MissingField, 1)]);
        check(&[json!({"event": "hangup"})], &[(Rule::UnknownEvent, 1)]);
    }
}
