//! Twilio's Media Streams: `/twilio/{bot_id}`, JSON text frames, µ-law at 8 kHz, 20 ms.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Effect, Intake, fields, marks::Marks, stream, stream::Sound};
use crate::{options::Options, violation::Rule};

#[derive(Debug)]
pub(crate) struct Twilio {
    stream_sid: String,
    call_sid: String,
    start: Value,
    shape: String,
    sound: Sound,
    marks: Marks,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, rename = "streamSid")]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: Body<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

impl Twilio {
    pub(super) fn new(options: &Options, stream_id: &str) -> Self {
        let (stream_sid, call_sid) = (format!("MZ{stream_id}"), format!("CA{stream_id}"));
        let start = json!({
            "streamSid": stream_sid, "accountSid": "AC0123456789", "callSid": call_sid, "tracks": ["inbound"],
            "customParameters": stream::parameters(options),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8_000, "channels": 1},
        });
        let shape = format!(
            r#"{{"event":"media","sequenceNumber":"{{n}}","media":{{"track":"inbound","chunk":"{{chunk}}","timestamp":"{{ms}}","payload":"{{payload}}"}},"streamSid":"{stream_sid}"}}"#
        );
        Self { stream_sid, call_sid, start, shape, sound: Sound::at(8_000), marks: Marks::default() }
    }

    pub(super) fn opening(&mut self) -> Vec<Message> {
        let connected = json!({"event": "connected", "protocol": "Call", "version": "1.0.0"});
        let start = self.start.take();
        vec![Message::text(connected.to_string()), self.event("start", start)]
    }

    pub(super) fn frame(&mut self, frame: &[i16]) -> Message {
        self.sound.frame(&self.shape, frame)
    }

    pub(super) fn dtmf(&mut self, digit: char) -> Message {
        self.event("dtmf", json!({"track": "inbound_track", "digit": digit.to_string()}))
    }

    pub(super) fn stop(&mut self) -> Message {
        let stop = json!({"accountSid": "AC0123456789", "callSid": self.call_sid});
        self.event("stop", stop)
    }

    /// After a clear too: then all of them come back at once.
    pub(super) fn mark_played(&mut self, name: &str) -> Option<Message> {
        self.marks.played(name).then(|| self.event("mark", json!({"name": name})))
    }

    fn event(&mut self, name: &str, body: Value) -> Message {
        let mut event = json!({
            "event": name, "sequenceNumber": self.sound.next().to_string(), "streamSid": self.stream_sid,
        });
        event[name] = body;
        Message::text(event.to_string())
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let media = serde_json::from_str::<Media<'_>>(text).ok();
        if let Some(media) = media.filter(|m| m.event == "media" && m.stream_sid == self.stream_sid) {
            self.marks.audio();
            return self.sound.play(&media.media.payload, intake);
        }
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "event", intake)?;
        if !matches!(name, "media" | "mark" | "clear") {
            intake.note(Rule::UnknownEvent, || name.to_owned());
            return None;
        }
        fields.text_is("streamSid", &self.stream_sid, intake);
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
            _ => Some(Effect::Clear),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::Protocol,
        protocol::{Scratch, tests::check_text},
    };

    fn check(messages: &[Value], expected: &[(Rule, u64)]) {
        let options = Options::new(Protocol::Twilio, "ws://h/twilio/b").unwrap();
        let mut codec = Twilio::new(&options, "1");
        check_text(messages, expected, |text, intake| codec.text(text, intake));
    }

    fn media(stream_sid: &str, payload: &str) -> Value {
        json!({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}})
    }

    #[test]
    fn shapes_are_exact() {
        let frame = "/".repeat(212) + "/w==";
        let mark = json!({"event": "mark", "streamSid": "MZ1", "mark": {"name": "a"}});
        let clear = json!({"event": "clear", "streamSid": "MZ1"});
        check(&[media("MZ1", &frame), mark.clone(), clear], &[]);
        check(&[mark], &[(Rule::MarkOrder, 1)]);
        check(&[media("MZ2", &frame)], &[(Rule::WrongField, 1)]);
        check(&[media("MZ1", "/////w==")], &[(Rule::PayloadSize, 1)]);
        check(&[media("MZ1", "*")], &[(Rule::PayloadEncoding, 1)]);
        check(&[json!({"event": "stop", "streamSid": "MZ1"})], &[(Rule::UnknownEvent, 1)]);
        check(&[json!({"event": "clear"})], &[(Rule::MissingField, 1)]);
    }

    #[test]
    fn numbers_are_texts_and_count_up() {
        let options = Options::new(Protocol::Twilio, "ws://h/twilio/b").unwrap();
        let mut codec = Twilio::new(&options, "1");
        codec.opening();
        codec.frame(&[0; 160]);
        let second: Value = serde_json::from_str(codec.frame(&[0; 160]).to_text().unwrap()).unwrap();
        assert_eq!((&second["sequenceNumber"], &second["media"]["chunk"]), (&json!("3"), &json!("2")));
        assert_eq!(second["media"]["timestamp"], "20");
        let mut scratch = Scratch::default();
        let ledger = crate::violation::Ledger::default();
        let mut intake = Intake { at_ms: 0.0, ledger: &ledger, scratch: &mut scratch };
        let payload = second["media"]["payload"].as_str().unwrap();
        codec.sound.play(payload, &mut intake).unwrap();
        assert_eq!(scratch.samples, [0; 160]);
    }
}
