//! Plivo's audio streams: `/plivo/{bot_id}`, JSON text frames, µ-law at 8 kHz or 16-bit linear at 16 kHz, 20 ms. The socket is
//! closed when the call ends; a clear is confirmed, and the checkpoints before it do not come back.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Effect, Intake, fields, fields::Fields, marks::Marks, payload::Form, stream, stream::Sound};
use crate::{options::Options, violation::Rule};

#[derive(Debug)]
pub(crate) struct Plivo {
    stream_id: String,
    start: Value,
    shape: String,
    sound: Sound,
    marks: Marks,
    /// Clears that are not confirmed yet.
    cleared: u32,
}

impl Plivo {
    pub(super) fn new(options: &Options, stream_id: &str, rate_hz: u32) -> Self {
        let sound = Sound::at(rate_hz);
        // Letters and digits are all that the carrier passes on.
        let plain = |value: &Value| -> String {
            value.as_str().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect()
        };
        let extra: Vec<String> = stream::parameters(options)
            .iter()
            .map(|(name, value)| format!("X-PH-{}: {}", plain(&name.as_str().into()), plain(value)))
            .collect();
        let start = json!({
            "sequenceNumber": 0, "event": "start",
            "start": {
                "callId": format!("call-{stream_id}"), "streamId": stream_id, "accountId": "100200", "tracks": ["inbound"],
                "mediaFormat": {"encoding": content_type(sound.form), "sampleRate": rate_hz},
            },
            "extra_headers": format!("{{{}}}", extra.join(", ")),
        });
        let shape = format!(
            r#"{{"sequenceNumber":{{n}},"streamId":"{stream_id}","event":"media","media":{{"track":"inbound","timestamp":"{{ms}}","chunk":{{chunk}},"payload":"{{payload}}"}},"extra_headers":"{{}}"}}"#
        );
        Self { stream_id: stream_id.to_owned(), start, shape, sound, marks: Marks::default(), cleared: 0 }
    }

    pub(super) fn opening(&mut self) -> Vec<Message> {
        vec![Message::text(self.start.take().to_string())]
    }

    pub(super) fn frame(&mut self, frame: &[i16]) -> Message {
        self.sound.frame(&self.shape, frame)
    }

    pub(super) fn dtmf(&mut self, digit: char) -> Message {
        let dtmf = json!({"track": "inbound", "digit": digit.to_string(), "timestamp": "0"});
        let event = json!({
            "event": "dtmf", "sequenceNumber": self.sound.next(), "streamId": self.stream_id, "dtmf": dtmf,
        });
        Message::text(event.to_string())
    }

    pub(super) fn mark_played(&mut self, name: &str) -> Option<Message> {
        let event = json!({
            "event": "playedStream", "sequenceNumber": self.sound.next(), "streamId": self.stream_id, "name": name,
        });
        self.marks.played(name).then(|| Message::text(event.to_string()))
    }

    /// The confirmation of a clear.
    pub(super) fn reply(&mut self) -> Option<Message> {
        self.cleared = self.cleared.checked_sub(1)?;
        let event =
            json!({"event": "clearedAudio", "sequenceNumber": self.sound.next(), "streamId": self.stream_id});
        Some(Message::text(event.to_string()))
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "event", intake)?;
        if !matches!(name, "playAudio" | "checkpoint" | "clearAudio" | "sendDTMF") {
            intake.note(Rule::UnknownEvent, || name.to_owned());
            return None;
        }
        fields.text_is("streamId", &self.stream_id, intake);
        match name {
            "playAudio" => self.play(&fields.object("media", intake)?, intake),
            "checkpoint" => self.marks.sent(fields.text("name", intake)?.to_owned(), intake),
            "clearAudio" => {
                self.marks.forget();
                self.cleared += 1;
                Some(Effect::Clear)
            }
            _ => None,
        }
    }

    fn play(&mut self, media: &Fields<'_>, intake: &mut Intake<'_>) -> Option<Effect> {
        media.text_is("contentType", content_type(self.sound.form), intake);
        media.whole_is("sampleRate", self.sound.rate_hz.into(), intake);
        self.marks.audio();
        self.sound.play(media.text("payload", intake)?, intake)
    }
}

fn content_type(form: Form) -> &'static str {
    match form {
        Form::Ulaw => "audio/x-mulaw",
        Form::Linear16 => "audio/x-l16",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::Protocol, protocol::tests::check_text};

    fn codec(rate_hz: u32) -> Plivo {
        Plivo::new(&Options::new(Protocol::Plivo { rate_hz }, "ws://h/plivo/b").unwrap(), "s1", rate_hz)
    }

    fn check(rate_hz: u32, messages: &[Value], expected: &[(Rule, u64)]) {
        let mut codec = codec(rate_hz);
        check_text(messages, expected, |text, intake| codec.text(text, intake));
    }

    fn play(content_type: &str, rate_hz: u32, payload: &str) -> Value {
        let media = json!({"contentType": content_type, "sampleRate": rate_hz, "payload": payload});
        json!({"event": "playAudio", "streamId": "s1", "media": media})
    }

    #[test]
    fn shapes_are_exact() {
        let (frame, wide) = ("/".repeat(212) + "/w==", "A".repeat(852) + "AA==");
        let checkpoint = json!({"event": "checkpoint", "streamId": "s1", "name": "a"});
        let clear = json!({"event": "clearAudio", "streamId": "s1"});
        check(
            8_000,
            &[play("audio/x-mulaw", 8_000, &frame), checkpoint.clone(), clear, checkpoint.clone()],
            &[],
        );
        check(16_000, &[play("audio/x-l16", 16_000, &wide)], &[]);
        check(8_000, &[checkpoint], &[(Rule::MarkOrder, 1)]);
        check(8_000, &[play("audio/x-l16", 16_000, &frame)], &[(Rule::WrongField, 2)]);
        check(8_000, &[json!({"event": "clear", "streamId": "s1"})], &[(Rule::UnknownEvent, 1)]);
        check(8_000, &[json!({"event": "clearAudio"})], &[(Rule::MissingField, 1)]);
    }

    #[test]
    fn what_is_sent_along_is_letters_and_digits() {
        let opening = codec(8_000).opening();
        let start: Value = serde_json::from_str(opening[0].to_text().unwrap()).unwrap();
        let extra = start["extra_headers"].as_str().unwrap();
        assert!(extra.contains("X-PH-from: 919800000001") && !extra.contains('+'), "{extra}");
    }
}
