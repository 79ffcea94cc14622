//! Exotel's Voicebot: `/exotel/{bot_id}`, JSON text frames, slin at 8, 16 or 24 kHz, a message about every 100 ms.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Effect, Intake, fields, fields::Fields, marks::Marks, payload};
use crate::{options::Options, violation::Rule};

/// The carrier gathers five frames into one message.
const MESSAGE_MS: u32 = 100;
const FRAME_MS: u32 = 20;
/// Every payload to Exotel is a multiple of this...
const PAYLOAD_UNIT: usize = 320;
/// ...at least this (smaller pieces may be distorted)...
const PAYLOAD_MIN: usize = 3_200;
/// ...and at most this (larger ones may time out).
const PAYLOAD_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Exotel {
    stream_sid: String,
    call_sid: String,
    account_sid: String,
    start: Value,
    media_head: String,
    sequence: u64,
    chunk: u64,
    /// Frames sent or gathered so far.
    frames: u64,
    gathered: Vec<i16>,
    message_samples: usize,
    bytes: Vec<u8>,
    marks: Marks,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: MediaBody<'a>,
}

#[derive(Deserialize)]
struct MediaBody<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

impl Exotel {
    pub(super) fn new(options: &Options, stream_sid: &str, rate_hz: u32) -> Self {
        let parameters: Map<String, Value> =
            options.query.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let (call_sid, account_sid) = (format!("call{stream_sid}"), "voxcaller1".to_owned());
        let start = json!({
            "stream_sid": stream_sid, "call_sid": call_sid, "account_sid": account_sid,
            "from": options.caller_id, "to": options.did, "custom_parameters": parameters,
            "media_format": {"encoding": "raw/slin", "sample_rate": rate_hz.to_string(), "bit_rate": "16"},
        });
        let message_samples = (rate_hz * MESSAGE_MS / 1_000) as usize;
        Self {
            stream_sid: stream_sid.to_owned(),
            call_sid,
            account_sid,
            start,
            media_head: format!(r#"{{"event":"media","stream_sid":{},"#, json!(stream_sid)),
            sequence: 0,
            chunk: 0,
            frames: 0,
            gathered: Vec::with_capacity(message_samples),
            message_samples,
            bytes: Vec::with_capacity(message_samples * 2),
            marks: Marks::default(),
        }
    }

    pub(super) fn opening(&mut self) -> Vec<Message> {
        let start = self.start.take();
        vec![Message::text(r#"{"event":"connected"}"#), self.event("start", start)]
    }

    pub(super) fn frame(&mut self, frame: &[i16]) -> Option<Message> {
        self.gathered.extend_from_slice(frame);
        self.frames += 1;
        if self.gathered.len() < self.message_samples {
            return None;
        }
        self.chunk += 1;
        self.sequence += 1;
        let sent_ms = self.frames * u64::from(FRAME_MS) - u64::from(MESSAGE_MS);
        let mut json = String::with_capacity(self.message_samples * 3 + 160);
        json.push_str(&self.media_head);
        json.push_str(&format!(
            r#""sequence_number":"{}","media":{{"chunk":"{}","timestamp":"{sent_ms}","payload":""#,
            self.sequence, self.chunk
        ));
        payload::encode(&self.gathered, &mut self.bytes, &mut json);
        json.push_str("\"}}");
        self.gathered.clear();
        Some(Message::text(json))
    }

    pub(super) fn dtmf(&mut self, digit: char) -> Message {
        self.event("dtmf", json!({"digit": digit.to_string(), "duration": "100"}))
    }

    pub(super) fn stop(&mut self) -> Message {
        let stop = json!({"call_sid": self.call_sid, "account_sid": self.account_sid, "reason": "callended"});
        self.event("stop", stop)
    }

    pub(super) fn mark_played(&mut self, name: &str) -> Message {
        self.marks.played(name);
        self.event("mark", json!({"name": name}))
    }

    fn event(&mut self, name: &str, body: Value) -> Message {
        self.sequence += 1;
        let mut event = json!({
            "event": name, "stream_sid": self.stream_sid, "sequence_number": self.sequence.to_string(),
        });
        event[name] = body;
        Message::text(event.to_string())
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let media = serde_json::from_str::<Media<'_>>(text).ok();
        if let Some(media) =
            media.filter(|media| media.event == "media" && media.stream_sid == self.stream_sid)
        {
            return self.play(&media.media.payload, intake);
        }
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "event", intake)?;
        if !matches!(name, "media" | "mark" | "clear") {
            intake.note(Rule::UnknownEvent, || name.to_owned());
            return None;
        }
        fields.text_is("stream_sid", &self.stream_sid, intake);
        match name {
            "media" => {
                let payload = fields.object("media", intake)?.text("payload", intake)?;
                self.play(payload, intake)
            }
            "mark" => self.mark(&fields, intake),
            _ => Some(Effect::Clear),
        }
    }

    fn play(&mut self, payload: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let size = payload::decode(payload, intake)?;
        if size % PAYLOAD_UNIT != 0 || !(PAYLOAD_MIN..=PAYLOAD_MAX).contains(&size) {
            intake.note(Rule::PayloadSize, || {
                format!(
                    "{size} bytes; a payload is a multiple of {PAYLOAD_UNIT}, {PAYLOAD_MIN} to {PAYLOAD_MAX}"
                )
            });
        }
        self.marks.audio();
        (size >= 2).then_some(Effect::Audio)
    }

    fn mark(&mut self, fields: &Fields<'_>, intake: &Intake<'_>) -> Option<Effect> {
        self.marks.sent(fields.object("mark", intake)?.text("name", intake)?.to_owned(), intake)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::{options::Protocol, protocol::Scratch, violation::Ledger};

    fn check(messages: &[Value], expected: &[(Rule, u64)]) {
        let options = Options::new(Protocol::Exotel { rate_hz: 8_000 }, "ws://h/exotel/b").unwrap();
        let (ledger, mut scratch) = (Ledger::default(), Scratch::default());
        let mut codec = Exotel::new(&options, "s1", 8_000);
        for message in messages {
            let mut intake = Intake { at_ms: 1.0, ledger: &ledger, scratch: &mut scratch };
            codec.text(&message.to_string(), &mut intake);
        }
        let noted: Vec<_> = ledger.violations().into_iter().map(|noted| (noted.rule, noted.count)).collect();
        assert_eq!(noted, expected);
    }

    fn media(size: usize) -> Value {
        json!({"event": "media", "stream_sid": "s1", "media": {"payload": STANDARD.encode(vec![0; size])}})
    }

    fn mark(name: &str) -> Value {
        json!({"event": "mark", "stream_sid": "s1", "mark": {"name": name}})
    }

    #[test]
    fn the_chunk_rule() {
        for size in [3_200, 3_520, 99_840] {
            check(&[media(size)], &[]);
        }
        for size in [320, 2_880, 3_201 + 1, 3_210, 100_160] {
            check(&[media(size)], &[(Rule::PayloadSize, 1)]);
        }
        check(&[media(3_201)], &[(Rule::OddPayload, 1), (Rule::PayloadSize, 1)]);
    }

    #[test]
    fn marks_follow_audio_and_are_not_doubled() {
        check(&[media(3_200), mark("a"), mark("b")], &[]);
        check(&[mark("a")], &[(Rule::MarkOrder, 1)]);
        check(&[media(3_200), mark("a"), mark("a")], &[(Rule::MarkOrder, 1)]);
    }

    #[test]
    fn shapes_are_exact() {
        check(
            &[json!({"event": "media", "stream_sid": "s2", "media": {"payload": ""}})],
            &[(Rule::WrongField, 1), (Rule::PayloadSize, 1)],
        );
        check(&[json!({"event": "media", "media": {}})], &[(Rule::MissingField, 2)]);
        check(&[json!({"event": "clear"})], &[(Rule::MissingField, 1)]);
        check(&[json!({"event": "hangup", "stream_sid": "s1"})], &[(Rule::UnknownEvent, 1)]);
    }

    #[test]
    fn five_frames_make_a_message_with_string_numbers() {
        let options = Options::new(Protocol::Exotel { rate_hz: 8_000 }, "ws://h/exotel/b").unwrap();
        let mut codec = Exotel::new(&options, "s1", 8_000);
        codec.opening();
        let messages: Vec<Message> = (0..10).filter_map(|_| codec.frame(&[1; 160])).collect();
        let second: Value = serde_json::from_str(messages[1].to_text().unwrap()).unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!((&second["sequence_number"], &second["stream_sid"]), (&json!("3"), &json!("s1")));
        assert_eq!((&second["media"]["chunk"], &second["media"]["timestamp"]), (&json!("2"), &json!("100")));
        assert_eq!(STANDARD.decode(second["media"]["payload"].as_str().unwrap()).unwrap().len(), 1_600);
    }
}
