//! `/exotel/{bot_id}`: Exotel's Voicebot applet. JSON text frames, raw/slin at 8, 16 or 24 kHz, base64. Audio goes out in
//! messages of at least 3,200 bytes in multiples of 320; there is no hang-up message: the socket is closed.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use vox_shared::wire::result::DisconnectedBy;

use super::line::{CallInfo, Codec, LineIn, LineOut, Traits, Violation, Wire, WireOut, close};
use super::pcm;
use super::ws::{digit_of, number_of, parse, text_of};
use crate::media::playout::Pacing;

/// Smallest message, bytes of audio.
const MIN_CHUNK_BYTES: usize = 3_200;
/// Every message is a multiple of this, bytes.
const CHUNK_STEP_BYTES: usize = 320;
/// A message is at least this long in time too, milliseconds.
const MIN_CHUNK_MS: usize = 100;
/// The next message goes out when the carrier has less than this left, milliseconds: at most 400 ms wait there.
const LEAD_MS: usize = 200;
const MAX_MESSAGE_BYTES: usize = 192 * 1024;

/// The protocol of one connection.
#[derive(Debug)]
pub struct ExotelCodec {
    /// From the address's query; the carrier's `start` must agree.
    asked_hz: Option<u32>,
    info: Option<CallInfo>,
    connected: bool,
    ended: bool,
}

#[derive(Deserialize)]
struct Event {
    event: String,
    #[serde(default)]
    start: Option<Map<String, Value>>,
    #[serde(default)]
    media: Option<Map<String, Value>>,
    #[serde(default)]
    dtmf: Option<Map<String, Value>>,
    #[serde(default)]
    mark: Option<Map<String, Value>>,
    #[serde(default)]
    stop: Option<Map<String, Value>>,
}

impl ExotelCodec {
    /// A connection whose address asked for `sample-rate`.
    pub fn new(asked_hz: Option<u32>) -> Self {
        Self { asked_hz, info: None, connected: false, ended: false }
    }

    fn on_start(&mut self, start: Option<Map<String, Value>>) -> Result<Vec<LineIn>, Violation> {
        let start = start.ok_or_else(|| Violation::new(close::POLICY, "start has no start object"))?;
        let field = |name: &str| start.get(name).and_then(text_of);
        let stream_id =
            field("stream_sid").ok_or_else(|| Violation::new(close::POLICY, "start has no stream_sid"))?;
        let rate_hz = self.rate(start.get("media_format").and_then(Value::as_object))?;
        let info = CallInfo {
            stream_id: Some(stream_id),
            caller_id: field("from"),
            did: field("to"),
            direction: Some("incoming".into()),
            connected_event: start.clone(),
            rate_hz,
        };
        self.info = Some(info.clone());
        Ok(vec![LineIn::Ready(Box::new(info)), LineIn::Answered])
    }

    fn rate(&self, format: Option<&Map<String, Value>>) -> Result<u32, Violation> {
        let encoding =
            format.and_then(|f| f.get("encoding")).and_then(text_of).unwrap_or_default().to_lowercase();
        if ["mulaw", "ulaw", "alaw", "mp3", "opus"].iter().any(|bad| encoding.contains(bad)) {
            return Err(Violation::new(
                close::UNSUPPORTED,
                "media_format.encoding must be raw/slin (16-bit linear)",
            ));
        }
        let said =
            format.and_then(|f| f.get("sample_rate")).and_then(number_of).and_then(|r| u32::try_from(r).ok());
        let rate = said.or(self.asked_hz).unwrap_or(8_000);
        if !matches!(rate, 8_000 | 16_000 | 24_000) {
            return Err(Violation::new(close::UNSUPPORTED, "the sample rate must be 8000, 16000 or 24000"));
        }
        if self.asked_hz.is_some_and(|asked| asked != rate) {
            return Err(Violation::new(
                close::UNSUPPORTED,
                "media_format.sample_rate differs from the address's sample-rate",
            ));
        }
        Ok(rate)
    }

    fn message(&self, event: &str, body: &[(&str, Value)]) -> WireOut {
        let mut object = Map::new();
        object.insert("event".into(), event.into());
        object.insert("stream_sid".into(), self.info.as_ref().and_then(|i| i.stream_id.clone()).into());
        for (name, value) in body {
            object.insert((*name).to_owned(), value.clone());
        }
        WireOut::Text(Value::Object(object).to_string())
    }
}

impl Codec for ExotelCodec {
    fn traits(&self) -> Traits {
        Traits { name: "exotel", echoes_marks: true, buffers: true, max_message_bytes: MAX_MESSAGE_BYTES }
    }

    fn pacing(&self, rate_hz: u32) -> Pacing {
        let rate = rate_hz as usize;
        let bytes = (rate * MIN_CHUNK_MS / 1000 * 2).max(MIN_CHUNK_BYTES).next_multiple_of(CHUNK_STEP_BYTES);
        Pacing { chunk: bytes / 2, lead: rate * LEAD_MS / 1000 }
    }

    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Violation> {
        let Wire::Text(text) = message else {
            return Err(Violation::new(close::UNSUPPORTED, "binary frame: this line carries JSON text only"));
        };
        let event: Event = parse(text)?;
        match (event.event.as_str(), self.info.is_some()) {
            ("connected", false) if !self.connected => {
                self.connected = true;
                Ok(Vec::new())
            }
            ("start", false) => self.on_start(event.start),
            ("media", true) => {
                let media =
                    event.media.ok_or_else(|| Violation::new(close::POLICY, "media has no media object"))?;
                let payload = media.get("payload").and_then(Value::as_str);
                let payload = payload.ok_or_else(|| Violation::new(close::POLICY, "media has no payload"))?;
                Ok(vec![LineIn::Audio(pcm::from_base64(payload)?)])
            }
            ("dtmf", true) => {
                let digit = event.dtmf.as_ref().and_then(|d| d.get("digit")).and_then(digit_of);
                Ok(digit.map(LineIn::Dtmf).into_iter().collect())
            }
            ("mark", true) => {
                let name = event.mark.as_ref().and_then(|m| m.get("name")).and_then(text_of);
                Ok(name.map(LineIn::Mark).into_iter().collect())
            }
            ("stop", _) => {
                let _reason = event.stop;
                self.ended = true;
                Ok(vec![LineIn::HungUp { by: DisconnectedBy::Customer }])
            }
            ("connected" | "start" | "media" | "dtmf" | "mark", started) => {
                let expected = if started { "media, dtmf, mark or stop" } else { "connected, then start" };
                let text = format!("'{}' out of order: expected {expected}", event.event);
                Err(Violation::new(close::POLICY, text))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        let close = |reason: String, code| vec![WireOut::Close { code, reason }];
        match out {
            LineOut::Close { code, reason, .. } => close(reason, code),
            _ if self.info.is_none() || self.ended => Vec::new(),
            LineOut::Audio(pcm) => {
                vec![self.message("media", &[("media", json!({"payload": pcm::to_base64(&pcm)}))])]
            }
            LineOut::Mark(name) => vec![self.message("mark", &[("mark", json!({"name": name}))])],
            LineOut::Clear => vec![self.message("clear", &[])],
            LineOut::HangUp { by } => close(by.as_str().to_owned(), close::NORMAL),
            LineOut::Accepted { .. } | LineOut::Notice(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"event":"start","sequence_number":"1","stream_sid":"s9","start":{"stream_sid":"s9","call_sid":"c",
        "account_sid":"a","from":"0123","to":"0800","media_format":{"encoding":"raw/slin","sample_rate":"8000","bit_rate":"16"}}}"#;

    #[test]
    fn a_start_with_string_numbers_and_without_custom_parameters_is_taken() {
        let mut codec = ExotelCodec::new(None);
        codec.decode(Wire::Text(r#"{"event":"connected"}"#)).unwrap();
        let events = codec.decode(Wire::Text(START)).unwrap();
        let LineIn::Ready(info) = &events[0] else { panic!("{events:?}") };
        assert_eq!((info.rate_hz, info.caller_id.as_deref()), (8_000, Some("0123")));
        assert_eq!(events[1], LineIn::Answered);
    }

    #[test]
    fn other_encodings_and_rates_are_refused() {
        for (asked, start) in [
            (None, START.replace("raw/slin", "audio/x-mulaw")),
            (None, START.replace("\"8000\"", "\"11025\"")),
            (Some(16_000), START.to_owned()),
        ] {
            let violation = ExotelCodec::new(asked).decode(Wire::Text(&start)).unwrap_err();
            assert_eq!(violation.code, close::UNSUPPORTED, "{start}");
        }
        let violation =
            ExotelCodec::new(None).decode(Wire::Text(r#"{"event":"media","media":{}}"#)).unwrap_err();
        assert_eq!(violation.code, close::POLICY);
    }

    #[test]
    fn every_message_keeps_the_chunk_rule() {
        for rate in [8_000, 16_000, 24_000] {
            let pacing = ExotelCodec::new(None).pacing(rate);
            let bytes = pacing.chunk * 2;
            assert!((3_200..=100_000).contains(&bytes) && bytes % 320 == 0, "{rate}: {bytes}");
            assert!(pacing.lead >= pacing.chunk);
        }
    }

    #[test]
    fn nothing_is_sent_before_the_start_and_a_hang_up_closes() {
        let mut codec = ExotelCodec::new(None);
        assert!(codec.encode(LineOut::Audio(vec![0; 1600]), jiff::Timestamp::UNIX_EPOCH).is_empty());
        codec.decode(Wire::Text(START)).unwrap();
        let clear = codec.encode(LineOut::Clear, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(clear, [WireOut::Text(r#"{"event":"clear","stream_sid":"s9"}"#.into())]);
        let out = codec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(out, [WireOut::Close { code: 1000, reason: "bot".into() }]);
    }
}
