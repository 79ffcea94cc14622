//! iCallMate's dialler: `/ws/{bot_id}`, JSON text frames, 8 kHz mono LINEAR16, 20 ms.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{Effect, Intake, fields, fields::Fields, payload};
use crate::{options::Options, violation::Rule};

const FRAME_BYTES: usize = 320;
const FRAME_MS: i64 = 20;

#[derive(Debug)]
pub(crate) struct Ws {
    stream_id: String,
    caller_id: String,
    did: String,
    direction: &'static str,
    connected: Value,
    /// `media` up to its payload, the same for every frame.
    media_head: String,
    /// A whole frame of silence: most of a call is one.
    silence: Utf8Bytes,
    bytes: Vec<u8>,
    last_chunk: Option<i64>,
    /// The last message was `reverse-media-stop`.
    stopped: bool,
}

/// `reverse-media` when it is right; anything else is looked at field by field.
#[derive(Deserialize)]
struct ReverseMedia<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    chunk: i64,
    #[serde(borrow)]
    did: Cow<'a, str>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, rename = "streamId")]
    stream_id: Cow<'a, str>,
    #[serde(borrow, rename = "callerId")]
    caller_id: Cow<'a, str>,
    chunk_durn_ms: i64,
    #[serde(borrow, rename = "callDirection")]
    direction: Cow<'a, str>,
    #[serde(borrow)]
    encoding: Cow<'a, str>,
    #[serde(rename = "RevMediaQ")]
    queue: i64,
    #[serde(borrow)]
    source: Cow<'a, str>,
}

impl Ws {
    pub(super) fn new(options: &Options, stream_id: &str) -> Self {
        let mut connected = options.connected.clone();
        connected.insert("event".to_owned(), "connected".into());
        connected.insert("callerId".to_owned(), options.caller_id.as_str().into());
        connected.insert("did".to_owned(), options.did.as_str().into());
        connected.insert("callDirection".to_owned(), options.direction.as_str().into());
        connected.insert("streamId".to_owned(), stream_id.into());
        let media_head = format!(
            r#"{{"event":"media","streamId":{},"callerId":{},"payload":""#,
            json!(stream_id),
            json!(options.caller_id)
        );
        let mut ws = Self {
            stream_id: stream_id.to_owned(),
            caller_id: options.caller_id.clone(),
            did: options.did.clone(),
            direction: options.direction.as_str(),
            connected: Value::Object(connected),
            media_head,
            silence: Utf8Bytes::default(),
            bytes: Vec::with_capacity(FRAME_BYTES),
            last_chunk: None,
            stopped: false,
        };
        ws.silence = ws.media(&[0; FRAME_BYTES / 2]).into();
        ws
    }

    pub(super) fn opening(&self) -> Vec<Message> {
        let format = json!({"encoding": "LINEAR16", "sampleRate": 8_000, "channels": 1, "bitsPerSample": 16});
        let start = json!({"event": "start", "streamId": self.stream_id, "mediaFormat": format});
        let answer = json!({"event": "answer", "streamId": self.stream_id, "callerId": self.caller_id});
        [&self.connected, &start, &answer].map(|event| Message::text(event.to_string())).into()
    }

    pub(super) fn frame(&mut self, frame: &[i16]) -> Message {
        if frame.iter().all(|&sample| sample == 0) {
            return Message::Text(self.silence.clone());
        }
        Message::text(self.media(frame))
    }

    fn media(&mut self, frame: &[i16]) -> String {
        let mut json = String::with_capacity(self.media_head.len() + FRAME_BYTES * 4 / 3 + 8);
        json.push_str(&self.media_head);
        payload::encode(frame, &mut self.bytes, &mut json);
        json.push_str("\"}");
        json
    }

    pub(super) fn dtmf(&self, digit: char) -> Message {
        let event = json!({
            "event": "dtmf", "digit": digit.to_string(), "streamId": self.stream_id, "callerId": self.caller_id,
        });
        Message::text(event.to_string())
    }

    pub(super) fn hangup(&self, disconnected_by: &str) -> Message {
        let event = json!({
            "event": "hangup-call", "disconnectedBy": disconnected_by,
            "streamId": self.stream_id, "callerId": self.caller_id,
        });
        Message::text(event.to_string())
    }

    pub(super) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let media = serde_json::from_str::<ReverseMedia<'_>>(text).ok();
        if let Some(media) = media.filter(|media| self.is_right(media)) {
            self.chunk(media.chunk, intake);
            return self.play(&media.payload, intake);
        }
        let value = serde_json::from_str::<Value>(text);
        let (name, fields) = fields::event(&value, "event", intake)?;
        match name {
            "reverse-media" => self.wrong_media(&fields, intake),
            "reverse-media-stop" => {
                self.ids(&fields, intake);
                self.stopped = true;
                Some(Effect::Clear)
            }
            "reverse-hangup-call" => Some(self.bot_hangup(&fields, intake)),
            "reverse-call-transfer" => {
                self.ids(&fields, intake);
                if !self.stopped {
                    intake
                        .note(Rule::HangupWithoutMediaStop, || "reverse-call-transfer came first".to_owned());
                }
                let to = fields.text("transferTo", intake)?.to_owned();
                Some(Effect::Transfer { to })
            }
            // Some bots acknowledge the handshake with marks; diallers take them.
            "mark" => None,
            other => {
                intake.note(Rule::UnknownEvent, || other.to_owned());
                None
            }
        }
    }

    fn is_right(&self, media: &ReverseMedia<'_>) -> bool {
        media.event == "reverse-media"
            && media.stream_id == self.stream_id
            && media.caller_id == self.caller_id
            && media.did == self.did
            && media.direction == self.direction
            && media.chunk_durn_ms == FRAME_MS
            && media.encoding == "LINEAR"
            && media.queue == 0
            && media.source == "ai"
            && is_timestamp(&media.timestamp)
    }

    /// Say what is wrong with a `reverse-media`, and play what can be played.
    fn wrong_media(&mut self, fields: &Fields<'_>, intake: &mut Intake<'_>) -> Option<Effect> {
        self.ids(fields, intake);
        fields.text_is("did", &self.did, intake);
        fields.text_is("callDirection", self.direction, intake);
        fields.whole_is("chunk_durn_ms", FRAME_MS, intake);
        fields.text_is("encoding", "LINEAR", intake);
        fields.whole_is("RevMediaQ", 0, intake);
        fields.text_is("source", "ai", intake);
        if let Some(stamp) = fields.text("timestamp", intake).filter(|stamp| !is_timestamp(stamp)) {
            fields.wrong("timestamp", || format!("{stamp:?} instead of YYYY-MM-DD HH:MM:SS"), intake);
        }
        if let Some(chunk) = fields.whole("chunk", intake) {
            self.chunk(chunk, intake);
        }
        self.play(fields.text("payload", intake)?, intake)
    }

    fn ids(&self, fields: &Fields<'_>, intake: &Intake<'_>) {
        fields.text_is("streamId", &self.stream_id, intake);
        fields.text_is("callerId", &self.caller_id, intake);
    }

    /// `chunk` goes up by one; it may begin at 0 or 1, and anew after a `reverse-media-stop`.
    fn chunk(&mut self, chunk: i64, intake: &Intake<'_>) {
        let begins = matches!(chunk, 0 | 1) && (self.last_chunk.is_none() || self.stopped);
        let follows = self.last_chunk.is_some_and(|last| chunk == last + 1);
        if !begins && !follows {
            let last = self.last_chunk;
            intake.note(Rule::ChunkOrder, || match last {
                Some(last) => format!("chunk {chunk} after {last}"),
                None => format!("the first chunk is {chunk}"),
            });
        }
        self.last_chunk = Some(chunk);
        self.stopped = false;
    }

    fn play(&mut self, payload: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        self.stopped = false;
        let size = payload::decode(payload, intake)?;
        if size != FRAME_BYTES {
            intake.note(Rule::PayloadSize, || format!("{size} bytes instead of {FRAME_BYTES}"));
        }
        (size >= 2).then_some(Effect::Audio)
    }

    fn bot_hangup(&mut self, fields: &Fields<'_>, intake: &Intake<'_>) -> Effect {
        self.ids(fields, intake);
        fields.text_is("source", "ai", intake);
        if !self.stopped {
            intake.note(Rule::HangupWithoutMediaStop, || "reverse-hangup-call came first".to_owned());
        }
        Effect::HungUp { reason: fields.text("message", intake).unwrap_or_default().to_owned() }
    }
}

/// Whether the text has the shape `YYYY-MM-DD HH:MM:SS`.
fn is_timestamp(text: &str) -> bool {
    const SHAPE: &[u8; 19] = b"0000-00-00 00:00:00";
    let fits =
        |(&byte, &shape): (&u8, &u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    text.len() == SHAPE.len() && text.as_bytes().iter().zip(SHAPE).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::Protocol, protocol::Scratch, violation::Ledger};

    fn codec() -> Ws {
        Ws::new(&Options::new(Protocol::Ws, "ws://h/ws/b").unwrap(), "s1")
    }

    fn media(chunk: i64) -> Value {
        json!({
            "event": "reverse-media", "chunk": chunk, "did": "+918000000001", "payload": "AAAA".repeat(106) + "AAA=",
            "timestamp": "2026-01-02 03:04:05", "streamId": "s1", "callerId": "+919800000001", "chunk_durn_ms": 20,
            "callDirection": "incoming", "encoding": "LINEAR", "RevMediaQ": 0, "source": "ai",
        })
    }

    fn check(messages: &[Value], expected: &[(Rule, u64)]) {
        let (ledger, mut scratch, mut codec) = (Ledger::default(), Scratch::default(), codec());
        for message in messages {
            let mut intake = Intake { at_ms: 1.0, ledger: &ledger, scratch: &mut scratch };
            codec.text(&message.to_string(), &mut intake);
        }
        let noted: Vec<_> = ledger.violations().into_iter().map(|noted| (noted.rule, noted.count)).collect();
        assert_eq!(noted, expected);
    }

    fn with(mut message: Value, field: &str, value: Value) -> Value {
        message[field] = value;
        message
    }

    fn without(mut message: Value, field: &str) -> Value {
        message.as_object_mut().unwrap().remove(field);
        message
    }

    #[test]
    fn what_the_contract_says_is_right() {
        let stop = json!({"event": "reverse-media-stop", "callerId": "+919800000001", "streamId": "s1"});
        let hangup = json!({
            "event": "reverse-hangup-call", "callerId": "+919800000001", "streamId": "s1", "source": "ai",
            "message": "Call Dropped on BOT",
        });
        check(&[media(1), media(2), media(3), stop, hangup], &[]);
    }

    #[test]
    fn every_field_is_looked_at() {
        for field in ["did", "timestamp", "streamId", "callerId", "callDirection", "encoding", "source"] {
            check(&[with(media(1), field, "other".into())], &[(Rule::WrongField, 1)]);
            check(&[with(media(1), field, 5.into())], &[(Rule::WrongField, 1)]);
        }
        for field in ["chunk", "chunk_durn_ms", "RevMediaQ"] {
            check(&[with(media(1), field, "1".into())], &[(Rule::WrongField, 1)]);
        }
        let fields: Vec<String> =
            media(1).as_object().unwrap().keys().filter(|key| *key != "event").cloned().collect();
        assert_eq!(fields.len(), 11);
        for field in fields {
            check(&[without(media(1), &field)], &[(Rule::MissingField, 1)]);
        }
    }

    #[test]
    fn chunks_go_up_by_one() {
        check(&[media(1), media(2), media(4), media(5), media(5)], &[(Rule::ChunkOrder, 2)]);
        check(&[media(7)], &[(Rule::ChunkOrder, 1)]);
    }

    #[test]
    fn payloads_are_whole_frames() {
        check(&[with(media(1), "payload", "AAAA".into())], &[(Rule::OddPayload, 1), (Rule::PayloadSize, 1)]);
        check(&[with(media(1), "payload", "*".into())], &[(Rule::PayloadEncoding, 1)]);
    }

    #[test]
    fn a_hangup_needs_a_stop_directly_before_it() {
        let stop = json!({"event": "reverse-media-stop", "callerId": "+919800000001", "streamId": "s1"});
        let hangup = json!({
            "event": "reverse-hangup-call", "callerId": "+919800000001", "streamId": "s1", "source": "ai",
            "message": "Call Dropped on BOT",
        });
        check(&[media(1), hangup.clone()], &[(Rule::HangupWithoutMediaStop, 1)]);
        check(&[media(1), stop, media(2), hangup], &[(Rule::HangupWithoutMediaStop, 1)]);
    }

    #[test]
    fn other_events_are_unknown() {
        check(
            &[json!({"event": "media"}), json!([1]), json!({})],
            &[(Rule::NotJson, 1), (Rule::UnknownEvent, 1), (Rule::MissingField, 1)],
        );
    }
}
