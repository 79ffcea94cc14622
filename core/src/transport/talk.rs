//! `/talk/{bot_id}`: our own line, for the console, the widget and the command line. Binary frames are 16 kHz mono
//! LINEAR16; text frames are JSON events both ways. See `docs/talk-protocol.md`.

use serde::Deserialize;
use serde_json::{Value, json};
use vox_shared::wire::result::{DisconnectedBy, Speaker};

use super::line::{CallInfo, Codec, LineIn, LineOut, Traits, Violation, Wire, WireOut, close};
use super::pcm;
use super::ws::digit_of;
use crate::media::playout::Pacing;
use crate::session::event::Notice;

const RATE_HZ: u32 = 16_000;
/// 20 ms at 16 kHz.
const CHUNK: usize = 320;
/// 200 ms of audio, or a text frame.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// The longest binary frame: 200 ms.
const MAX_BINARY_BYTES: usize = 6_400;

/// The protocol of one connection.
#[derive(Debug, Default)]
pub struct TalkCodec;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    digit: Option<Value>,
}

impl TalkCodec {
    /// The first messages of the line: there is no handshake beyond the ticket in the address.
    pub fn opening(caller_id: Option<String>) -> Vec<LineIn> {
        let info = CallInfo {
            caller_id,
            direction: Some("incoming".into()),
            rate_hz: RATE_HZ,
            ..CallInfo::default()
        };
        vec![LineIn::Ready(Box::new(info)), LineIn::Answered]
    }
}

impl Codec for TalkCodec {
    fn traits(&self) -> Traits {
        Traits { name: "talk", echoes_marks: false, buffers: false, max_message_bytes: MAX_MESSAGE_BYTES }
    }

    fn pacing(&self, _rate_hz: u32) -> Pacing {
        Pacing { chunk: CHUNK, lead: CHUNK }
    }

    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Violation> {
        match message {
            Wire::Binary(bytes) if bytes.len() > MAX_BINARY_BYTES => {
                Err(Violation::new(close::TOO_BIG, "a binary frame holds at most 200 ms (6400 bytes)"))
            }
            Wire::Binary(bytes) => Ok(vec![LineIn::Audio(pcm::from_bytes(bytes)?)]),
            Wire::Text(text) => {
                let event: Event = serde_json::from_str(text).map_err(|_| {
                    Violation::new(close::POLICY, "malformed message: a JSON object with 'type' is expected")
                })?;
                Ok(match event.kind.as_str() {
                    "dtmf" => event.digit.as_ref().and_then(digit_of).map(LineIn::Dtmf).into_iter().collect(),
                    "hangup" => vec![LineIn::HungUp { by: DisconnectedBy::Customer }],
                    _ => Vec::new(),
                })
            }
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
            LineOut::Audio(pcm) => vec![WireOut::Binary(pcm::to_bytes(&pcm))],
            LineOut::Notice(notice) => vec![text(notice_json(&notice))],
            LineOut::HangUp { by } => vec![
                text(json!({"type": "hangup", "disconnected_by": by.as_str()})),
                WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() },
            ],
            LineOut::Close { code, reason, by } => {
                let by = by.unwrap_or(DisconnectedBy::Error);
                let error = json!({"type": "error", "code": by.as_str(), "detail": reason});
                vec![text(error), WireOut::Close { code, reason }]
            }
            LineOut::Mark(_) | LineOut::Clear => Vec::new(),
        }
    }
}

fn notice_json(notice: &Notice) -> Value {
    match notice {
        Notice::Transcript { entry, is_final } => json!({
            "type": "transcript",
            "speaker": if entry.speaker == Speaker::Bot { "bot" } else { "caller" },
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
    fn binary_is_audio_and_has_limits() {
        let mut codec = TalkCodec;
        assert_eq!(codec.decode(Wire::Binary(&[1, 0, 2, 0])).unwrap(), [LineIn::Audio(vec![1, 2])]);
        assert_eq!(codec.decode(Wire::Binary(&[1, 0, 2])).unwrap_err().code, close::UNSUPPORTED);
        assert_eq!(codec.decode(Wire::Binary(&[0; 6_402])).unwrap_err().code, close::TOO_BIG);
        assert_eq!(codec.decode(Wire::Text("{}")).unwrap_err().code, close::POLICY);
        assert_eq!(codec.decode(Wire::Text(r#"{"type":"dtmf","digit":"5"}"#)).unwrap(), [LineIn::Dtmf('5')]);
        assert!(codec.decode(Wire::Text(r#"{"type":"newer"}"#)).unwrap().is_empty());
    }

    #[test]
    fn a_hang_up_is_told_and_then_closed() {
        let out = TalkCodec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(out.len(), 2);
        assert!(matches!(&out[1], WireOut::Close { code: 1000, .. }));
    }
}
