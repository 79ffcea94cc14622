//! `/ws/{bot_id}`: the iCallMate dialler's protocol. JSON text frames, 8 kHz mono LINEAR16, base64.
//!
//! Handshake: `connected`, `start`, `answer`, in that order; the first `media` stands for a missing `answer`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use vox_shared::json::is_deeper_than;
use vox_shared::wire::result::DisconnectedBy;

use super::line::{CallInfo, Codec, LineIn, LineOut, Traits, Violation, Wire, WireOut, close};
use super::pcm;
use crate::media::playout::Pacing;

const RATE_HZ: u32 = 8_000;
/// 20 ms at 8 kHz.
const CHUNK: usize = 160;
/// A carrier that sends 500 ms at once needs 11 kB; far more is no audio.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The most samples one message may carry: two seconds.
const MAX_SAMPLES: usize = 16_000;

/// What a carrier says of a call is stored inside other documents, which have a limit of their own.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connected,
    Start,
    Answer,
    Live,
}

/// The protocol of one connection.
#[derive(Debug)]
pub struct WsCodec {
    stage: Stage,
    info: CallInfo,
    chunk: u64,
    /// The call is over: the carrier's `hangup-call` only confirms.
    hung_up: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    media: Option<Media<'a>>,
    #[serde(default)]
    digit: Option<Value>,
    #[serde(default)]
    dtmf: Option<Value>,
    #[serde(borrow, default, rename = "disconnectedBy")]
    disconnected_by: Option<Cow<'a, str>>,
}

/// Fifty of these a second: written straight, without a tree of values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReverseMedia<'a> {
    event: &'a str,
    chunk: u64,
    did: Option<&'a str>,
    payload: &'a str,
    timestamp: &'a str,
    stream_id: Option<&'a str>,
    caller_id: Option<&'a str>,
    #[serde(rename = "chunk_durn_ms")]
    chunk_durn_ms: u32,
    call_direction: Option<&'a str>,
    encoding: &'a str,
    #[serde(rename = "RevMediaQ")]
    queue: u32,
    source: &'a str,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

impl Default for WsCodec {
    fn default() -> Self {
        let info = CallInfo { rate_hz: RATE_HZ, ..CallInfo::default() };
        Self { stage: Stage::Connected, info, chunk: 0, hung_up: false }
    }
}

impl WsCodec {
    fn on_connected(&mut self, text: &str) -> Result<Vec<LineIn>, Violation> {
        let mut fields: Map<String, Value> = parse(text)?;
        fields.remove("event");
        let field = |name: &str| fields.get(name).and_then(text_of);
        let direction = field("callDirection");
        if let Some(direction) = &direction
            && !matches!(direction.as_str(), "incoming" | "outgoing")
        {
            return Err(Violation::new(close::POLICY, "callDirection must be 'incoming' or 'outgoing'"));
        }
        self.info.caller_id = field("callerId");
        self.info.did = field("did");
        self.info.stream_id = field("streamId");
        self.info.direction = direction;
        self.info.connected_event = fields;
        self.stage = Stage::Start;
        Ok(Vec::new())
    }

    fn on_start(&mut self, text: &str) -> Result<Vec<LineIn>, Violation> {
        let fields: Map<String, Value> = parse(text)?;
        let inner = fields.get("start").and_then(Value::as_object).unwrap_or(&fields);
        if let Some(id) = inner.get("streamId").and_then(text_of) {
            self.info.stream_id = Some(id);
        }
        if self.info.stream_id.is_none() {
            return Err(Violation::new(close::POLICY, "start has no streamId"));
        }
        if let Some(format) = inner.get("mediaFormat").and_then(Value::as_object) {
            check_format(format)?;
        }
        self.stage = Stage::Answer;
        Ok(vec![LineIn::Ready(Box::new(self.info.clone()))])
    }

    fn on_media(&mut self, event: &Event<'_>) -> Result<Vec<LineIn>, Violation> {
        let payload = event.payload.as_deref().or(event.media.as_ref().map(|m| &*m.payload));
        let payload = payload.ok_or_else(|| Violation::new(close::POLICY, "media has no payload"))?;
        let pcm = pcm::from_base64(payload)?;
        if pcm.len() > MAX_SAMPLES {
            return Err(Violation::new(close::TOO_BIG, "more than two seconds of audio in one message"));
        }
        let mut events = Vec::with_capacity(2);
        if self.stage == Stage::Answer {
            self.stage = Stage::Live;
            events.push(LineIn::Answered);
        }
        events.push(LineIn::Audio(pcm));
        Ok(events)
    }

    fn reverse_media(&mut self, pcm: &[i16], now: jiff::Timestamp) -> WireOut {
        self.chunk += 1;
        let now = now.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let media = ReverseMedia {
            event: "reverse-media",
            chunk: self.chunk,
            did: self.info.did.as_deref(),
            payload: &pcm::to_base64(pcm),
            timestamp: &now,
            stream_id: self.info.stream_id.as_deref(),
            caller_id: self.info.caller_id.as_deref(),
            chunk_durn_ms: 20,
            call_direction: self.info.direction.as_deref(),
            encoding: "LINEAR",
            queue: 0,
            source: "ai",
        };
        WireOut::Text(serde_json::to_string(&media).expect("plain fields are JSON"))
    }

    fn media_stop(&self) -> WireOut {
        let stop = json!({
            "event": "reverse-media-stop", "callerId": self.info.caller_id, "streamId": self.info.stream_id,
        });
        WireOut::Text(stop.to_string())
    }

    fn hangup(&mut self, message: &str) -> [WireOut; 2] {
        self.hung_up = true;
        let hangup = json!({
            "event": "reverse-hangup-call",
            "streamId": self.info.stream_id,
            "callerId": self.info.caller_id,
            "source": "ai",
            "message": message,
        });
        [self.media_stop(), WireOut::Text(hangup.to_string())]
    }
}

impl Codec for WsCodec {
    fn traits(&self) -> Traits {
        Traits { name: "ws", echoes_marks: false, buffers: false, max_message_bytes: MAX_MESSAGE_BYTES }
    }

    fn pacing(&self, _rate_hz: u32) -> Pacing {
        Pacing { chunk: CHUNK, lead: CHUNK }
    }

    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Violation> {
        let Wire::Text(text) = message else {
            return Err(Violation::new(close::UNSUPPORTED, "binary frame: this line carries JSON text only"));
        };
        let event: Event<'_> = parse(text)?;
        match (&*event.event, self.stage) {
            ("connected", Stage::Connected) => self.on_connected(text),
            ("start", Stage::Start) => self.on_start(text),
            ("answer", Stage::Answer) => {
                self.stage = Stage::Live;
                Ok(vec![LineIn::Answered])
            }
            // Early media stood for it.
            ("answer", Stage::Live) => Ok(Vec::new()),
            ("media", Stage::Answer | Stage::Live) => self.on_media(&event),
            ("dtmf", Stage::Live) => {
                let digit = event.digit.as_ref().or(event.dtmf.as_ref().and_then(|d| d.get("digit")));
                Ok(digit.and_then(digit_of).map(LineIn::Dtmf).into_iter().collect())
            }
            ("hangup-call", _) => {
                let by = match event.disconnected_by.as_deref() {
                    Some("bot") if self.hung_up => DisconnectedBy::Bot,
                    _ => DisconnectedBy::Customer,
                };
                Ok(vec![LineIn::HungUp { by }])
            }
            ("connected" | "start" | "answer" | "media" | "dtmf", stage) => {
                let text = format!("'{}' out of order: expected {}", event.event, expected(stage));
                Err(Violation::new(close::POLICY, text))
            }
            // Diagnostics and newer events.
            _ => Ok(Vec::new()),
        }
    }

    fn encode(&mut self, out: LineOut, now: jiff::Timestamp) -> Vec<WireOut> {
        match out {
            LineOut::Audio(pcm) => vec![self.reverse_media(&pcm, now)],
            LineOut::Clear => vec![self.media_stop()],
            LineOut::HangUp { .. } => {
                let mut out = Vec::from(self.hangup("Call Dropped on BOT"));
                out.push(WireOut::CloseSoon { code: close::NORMAL, reason: "bot hung up".into() });
                out
            }
            LineOut::Close { code, reason, .. }
                if self.info.stream_id.is_some() && self.stage != Stage::Connected =>
            {
                let mut out = Vec::from(self.hangup(&reason));
                out.push(WireOut::Close { code, reason });
                out
            }
            LineOut::Close { code, reason, .. } => vec![WireOut::Close { code, reason }],
            LineOut::Accepted { .. } | LineOut::Mark(_) | LineOut::Notice(_) => Vec::new(),
        }
    }
}

fn expected(stage: Stage) -> &'static str {
    match stage {
        Stage::Connected => "connected",
        Stage::Start => "start",
        Stage::Answer => "answer",
        Stage::Live => "media, dtmf or hangup-call",
    }
}

fn check_format(format: &Map<String, Value>) -> Result<(), Violation> {
    if let Some(encoding) = format.get("encoding").and_then(text_of)
        && !matches!(encoding.to_ascii_uppercase().as_str(), "LINEAR" | "LINEAR16")
    {
        return Err(Violation::new(close::UNSUPPORTED, "mediaFormat.encoding must be LINEAR16"));
    }
    if format.get("sampleRate").is_some_and(|r| number_of(r) != Some(u64::from(RATE_HZ))) {
        return Err(Violation::new(close::UNSUPPORTED, "mediaFormat.sampleRate must be 8000"));
    }
    if format.get("channels").is_some_and(|c| number_of(c) != Some(1)) {
        return Err(Violation::new(close::UNSUPPORTED, "mediaFormat.channels must be 1"));
    }
    Ok(())
}

/// Carriers send numbers as strings and the other way round.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn number_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

pub(super) fn digit_of(value: &Value) -> Option<char> {
    text_of(value)?.chars().next()
}

pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Violation> {
    if is_deeper_than(text.as_bytes(), MAX_DEPTH) {
        let text = format!("malformed message: nested deeper than {MAX_DEPTH} levels");
        return Err(Violation::new(close::POLICY, text));
    }
    serde_json::from_str(text).map_err(|error| {
        let text =
            format!("malformed message at column {}: a JSON object with 'event' is expected", error.column());
        Violation::new(close::POLICY, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDSHAKE: [&str; 3] = [
        r#"{"event":"connected","callerId":"+4912345","did":"800","callDirection":"incoming","extra":1}"#,
        r#"{"event":"start","streamId":"s1","mediaFormat":{"encoding":"LINEAR","sampleRate":"8000","channels":1}}"#,
        r#"{"event":"answer"}"#,
    ];

    fn run(messages: &[&str]) -> (WsCodec, Vec<LineIn>, Option<Violation>) {
        let mut codec = WsCodec::default();
        let mut events = Vec::new();
        for message in messages {
            match codec.decode(Wire::Text(message)) {
                Ok(more) => events.extend(more),
                Err(violation) => return (codec, events, Some(violation)),
            }
        }
        (codec, events, None)
    }

    #[test]
    fn the_handshake_gives_the_call_and_all_its_fields() {
        let (_, events, violation) = run(&HANDSHAKE);
        assert_eq!(violation, None);
        let LineIn::Ready(info) = &events[0] else { panic!("{events:?}") };
        assert_eq!(info.stream_id.as_deref(), Some("s1"));
        assert_eq!(info.connected_event.get("extra"), Some(&json!(1)));
        assert!(!info.connected_event.contains_key("event"));
        assert_eq!(events[1], LineIn::Answered);
    }

    #[test]
    fn bad_messages_have_a_code_and_a_reason() {
        let connected = HANDSHAKE[0];
        for (messages, code) in [
            (vec!["{"], close::POLICY),
            (vec!["[]"], close::POLICY),
            (vec![r#"{"event":"start","streamId":"s"}"#], close::POLICY),
            (vec![connected, connected], close::POLICY),
            (vec![connected, r#"{"event":"media","payload":"AAA="}"#], close::POLICY),
            (vec![connected, r#"{"event":"start"}"#], close::POLICY),
            (
                vec![connected, r#"{"event":"start","streamId":"s","mediaFormat":{"sampleRate":16000}}"#],
                close::UNSUPPORTED,
            ),
            (vec![connected, HANDSHAKE[1], r#"{"event":"media","payload":"AAAA"}"#], close::UNSUPPORTED),
            (vec![connected, HANDSHAKE[1], r#"{"event":"media","payload":"%%"}"#], close::UNSUPPORTED),
            (vec![connected, HANDSHAKE[1], r#"{"event":"media"}"#], close::POLICY),
        ] {
            let (_, _, violation) = run(&messages);
            assert_eq!(violation.map(|v| v.code), Some(code), "{messages:?}");
        }
        let deep = format!(r#"{{"event":"connected","x":{}{}}}"#, "[".repeat(32), "]".repeat(32));
        assert_eq!(run(&[&deep]).2.map(|v| v.code), Some(close::POLICY), "33 levels");
        let mut codec = WsCodec::default();
        assert_eq!(codec.decode(Wire::Binary(&[1, 2])).unwrap_err().code, close::UNSUPPORTED);
    }

    #[test]
    fn early_media_stands_for_the_answer_that_may_follow() {
        let early = r#"{"event":"media","payload":"AAE="}"#;
        let (_, events, violation) = run(&[HANDSHAKE[0], HANDSHAKE[1], early, HANDSHAKE[2], early]);
        assert_eq!(violation, None);
        assert_eq!(events.iter().filter(|e| matches!(e, LineIn::Answered)).count(), 1);
        assert_eq!(events.iter().filter(|e| matches!(e, LineIn::Audio(_))).count(), 2);
    }

    #[test]
    fn a_bot_hang_up_is_media_stop_then_hangup_then_close() {
        let (mut codec, _, _) = run(&HANDSHAKE);
        let out = codec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
        let names: Vec<String> = out
            .iter()
            .map(|o| match o {
                WireOut::Text(t) => {
                    serde_json::from_str::<Value>(t).unwrap()["event"].as_str().unwrap().to_owned()
                }
                other => format!("{other:?}").split(' ').next().unwrap().to_owned(),
            })
            .collect();
        assert_eq!(names, ["reverse-media-stop", "reverse-hangup-call", "CloseSoon"]);
    }

    #[test]
    fn audio_carries_every_field_of_the_contract() {
        let (mut codec, _, _) = run(&HANDSHAKE);
        let out = codec.encode(LineOut::Audio(vec![1; 160]), jiff::Timestamp::UNIX_EPOCH);
        let WireOut::Text(text) = &out[0] else { panic!() };
        let value: Value = serde_json::from_str(text).unwrap();
        let expected = json!({
            "event": "reverse-media", "chunk": 1, "did": "800", "payload": pcm::to_base64(&[1; 160]),
            "timestamp": "1970-01-01 00:00:00", "streamId": "s1", "callerId": "+4912345", "chunk_durn_ms": 20,
            "callDirection": "incoming", "encoding": "LINEAR", "RevMediaQ": 0, "source": "ai",
        });
        assert_eq!(value, expected);
    }
}
