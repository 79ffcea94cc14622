//! `/talk/{bot_id}`: our own line, for the console, the widget and the command line. Binary frames are 16 kHz mono
//! LINEAR16; text frames are JSON events both ways. See `docs/talk-protocol.md`.

use serde_json::{Map, Value, json};
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::close;
use super::fault::Fault;
use super::field;
use super::line::{CallInfo, Codec, LineIn, LineOut, Ready, Traits, Wire, WireOut};
use super::media;
use super::untidy::Untidy;
use crate::media::playout::Pacing;
use crate::session::event::Notice;

const RATE_HZ: u32 = 16_000;
/// 20 ms at 16 kHz.
const CHUNK: usize = 320;
/// One frame is with the client beyond the one it plays: what we are late by, up to a frame, nobody hears.
const LEAD: usize = 2 * CHUNK;
/// Half a second of audio, or a text frame.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// The longest message that a caller writes.
const MAX_TYPED_CHARS: usize = 1_000;

/// The protocol of one connection.
#[derive(Debug, Default)]
pub struct TalkCodec;

impl TalkCodec {
    /// The first messages of the line: there is no handshake beyond the ticket in the address.
    pub fn opening(caller_id: Option<String>) -> Vec<LineIn> {
        let info = CallInfo { caller_id, direction: Some("incoming".into()), ..CallInfo::default() };
        let ready = Ready { info, rate_hz: RATE_HZ, pacing: Pacing { chunk: CHUNK, lead: LEAD } };
        vec![LineIn::Ready(Box::new(ready)), LineIn::Answered]
    }
}

impl Codec for TalkCodec {
    fn traits(&self) -> Traits {
        Traits {
            name: "talk",
            echoes_marks: false,
            buffers: false,
            transfers: None,
            presses_keys: false,
            max_message_bytes: MAX_MESSAGE_BYTES,
        }
    }

    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Fault> {
        let text = match message {
            Wire::Binary(bytes) => return Ok(vec![LineIn::Audio(media::from_bytes(bytes)?)]),
            Wire::Text(text) => text,
        };
        let fields = field::object(text)?;
        match field::event_name(&fields, "type")?.as_str() {
            "dtmf" => Ok(field::keys(&fields)?.into_iter().map(LineIn::Dtmf).collect()),
            "text" => Ok(vec![LineIn::Typed(typed(&fields)?)]),
            "hangup" => Ok(vec![LineIn::HungUp { by: DisconnectedBy::Customer }]),
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        let text = |value: Value| WireOut::Text(value.to_string());
        match out {
            LineOut::Accepted { session_id } => {
                vec![text(
                    json!({"type": "ready", "session_id": session_id, "sample_rate": RATE_HZ, "frame_ms": 20}),
                )]
            }
            LineOut::Audio(pcm) => vec![WireOut::Binary(media::to_bytes(&pcm))],
            LineOut::Notice(notice) => vec![text(notice_json(&notice))],
            LineOut::HangUp { by } => vec![
                text(json!({"type": "hangup", "disconnected_by": by.as_str()})),
                WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() },
            ],
            LineOut::Refuse(reason) => {
                let code = reason.disconnected_by().as_str();
                let error = json!({"type": "error", "code": code, "detail": reason.to_string()});
                vec![text(error), close::refusing(&reason)]
            }
            LineOut::Mark(_)
            | LineOut::Clear
            | LineOut::Transfer { .. }
            | LineOut::Consult(..)
            | LineOut::Key(_)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }
}

/// A message without the signs that are none: line breaks and tabs are spaces, other control characters are left out.
fn typed(fields: &Map<String, Value>) -> Result<String, Untidy> {
    field::get(fields, "text").and_then(Value::as_str).and_then(message).ok_or(Untidy::BadField)
}

/// What somebody wrote, if it is a message: of one to a thousand characters.
pub fn message(given: &str) -> Option<String> {
    let words = given.split_whitespace().map(|word| word.replace(char::is_control, ""));
    let text = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let is_good = !text.is_empty() && text.chars().nth(MAX_TYPED_CHARS).is_none();
    is_good.then_some(text)
}

fn notice_json(notice: &Notice) -> Value {
    match notice {
        Notice::Transcript { entry, is_final } => json!({
            "type": "transcript",
            "speaker": match entry.speaker {
                Speaker::Bot | Speaker::System => "bot",
                Speaker::Caller => "caller",
                Speaker::Agent => "agent",
            },
            "text": entry.text,
            "final": is_final,
            "interrupted": entry.interrupted,
            "started_ms": entry.started_ms,
            "ended_ms": entry.ended_ms,
        }),
        Notice::BotStarted { turn } => json!({"type": "bot_started", "turn": turn}),
        Notice::BotStopped { turn } => json!({"type": "bot_stopped", "turn": turn}),
        Notice::Interrupted { turn, heard } => json!({"type": "interrupted", "turn": turn, "heard": heard}),
        Notice::Metrics(latency) => json!({
            "type": "metrics",
            "turn": latency.turn,
            "parts": {
                "endpoint_ms": latency.endpoint_ms,
                "stt_ms": latency.stt_ms,
                "llm_ms": latency.llm_ms,
                "rag_ms": latency.rag_ms,
                "tool_ms": latency.tool_ms,
                "sentence_ms": latency.sentence_ms,
                "tts_ms": latency.tts_ms,
                "platform_ms": latency.platform_ms,
                "transport_ms": latency.transport_ms,
            },
            "total_ms": latency.total_ms,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_is_audio_and_text_is_events() {
        let mut codec = TalkCodec;
        assert_eq!(codec.decode(Wire::Binary(&[1, 0, 2, 0])).unwrap(), [LineIn::Audio(vec![1, 2])]);
        assert_eq!(codec.decode(Wire::Text(r#"{"type":"dtmf","digit":"5"}"#)).unwrap(), [LineIn::Dtmf('5')]);
        for (message, why) in [
            (Wire::Binary(&[1, 0, 2]), Untidy::HalfSample),
            (Wire::Binary(&[]), Untidy::Empty),
            (Wire::Text("{"), Untidy::NotJson),
            (Wire::Text("{}"), Untidy::NoEvent),
            (Wire::Text(r#"{"type":"dtmf"}"#), Untidy::BadField),
            (Wire::Text(r#"{"type":"newer"}"#), Untidy::UnknownEvent),
            (Wire::Text(r#"{"type":"text"}"#), Untidy::BadField),
            (Wire::Text(r#"{"type":"text","text":7}"#), Untidy::BadField),
            (Wire::Text(r#"{"type":"text","text":" \n\u0007 "}"#), Untidy::BadField),
        ] {
            assert_eq!(codec.decode(message), Err(why.into()), "{message:?}");
        }
    }

    #[test]
    fn messages_are_one_line_of_a_thousand_characters_at_most() {
        let decode =
            |text: &str| TalkCodec.decode(Wire::Text(&json!({"type": "text", "text": text}).to_string()));
        assert_eq!(decode(" two\u{0}\nlines\t "), Ok(vec![LineIn::Typed("two lines".into())]));
        let longest = "क".repeat(MAX_TYPED_CHARS);
        assert_eq!(decode(&longest), Ok(vec![LineIn::Typed(longest.clone())]));
        assert_eq!(decode(&format!("{longest}x")), Err(Untidy::BadField.into()));
    }

    #[test]
    fn a_hang_up_is_told_and_then_closed() {
        let out = TalkCodec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(out.len(), 2);
        assert!(matches!(&out[1], WireOut::Close { code: 1000, .. }));
    }
}
