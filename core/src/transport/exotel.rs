//! `/exotel/{bot_id}`: Exotel's Voicebot applet. JSON text frames, raw/slin at 8, 16 or 24 kHz, base64. Audio goes out in
//! messages of at least 3,200 bytes in multiples of 320; there is no hang-up message: the socket is closed.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use vox_shared::wire::result::DisconnectedBy;

use super::close;
use super::fault::Fault;
use super::field;
use super::line::{CallInfo, Codec, LineIn, LineOut, Ready, Traits, Wire, WireOut};
use super::media::{self, Early};
use super::reason::Reason;
use super::untidy::Untidy;
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
    /// Where audio is sent, once the call has started. A repeated `start` may move it, as on `/ws`.
    stream_id: Option<String>,
    early: Early,
    connected: bool,
    /// The carrier stopped: what it still sends has no meaning.
    over: bool,
}

/// Ten of these a second: read without a tree of values.
#[derive(Deserialize)]
struct PlainMedia<'a> {
    event: &'a str,
    #[serde(borrow)]
    media: Inner<'a>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    payload: &'a str,
}

impl ExotelCodec {
    /// A connection whose address asked for `sample-rate`.
    pub fn new(asked_hz: Option<u32>) -> Self {
        Self { asked_hz, stream_id: None, early: Early::default(), connected: false, over: false }
    }

    /// How the carrier wants its audio at a rate.
    pub fn pacing(rate_hz: u32) -> Pacing {
        let rate = rate_hz as usize;
        let bytes = (rate * MIN_CHUNK_MS / 1000 * 2).max(MIN_CHUNK_BYTES).next_multiple_of(CHUNK_STEP_BYTES);
        Pacing { chunk: bytes / 2, lead: rate * LEAD_MS / 1000 }
    }

    fn on_connected(&mut self) -> Result<Vec<LineIn>, Fault> {
        let again = std::mem::replace(&mut self.connected, true);
        if again || self.stream_id.is_some() { Err(Untidy::Repeated.into()) } else { Ok(Vec::new()) }
    }

    fn on_start(&mut self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let start = field::inner(fields, "start").unwrap_or(fields);
        let stream_id = field::text(start, "stream_sid").or_else(|| field::text(fields, "stream_sid"));
        let stream_id = stream_id.ok_or(Untidy::BadField)?;
        if self.stream_id.is_some() {
            self.stream_id = Some(stream_id);
            return Err(Untidy::Repeated.into());
        }
        let rate_hz = self.rate(field::inner(start, "media_format"))?;
        self.stream_id = Some(stream_id.clone());
        let connected_event = start.iter().filter(|(name, _)| field::plain(name) != "event");
        let info = CallInfo {
            stream_id: Some(stream_id),
            caller_id: field::text(start, "from"),
            did: field::text(start, "to"),
            direction: Some("incoming".into()),
            connected_event: connected_event.map(|(name, value)| (name.clone(), value.clone())).collect(),
            ..CallInfo::default()
        };
        let ready = Ready { info, rate_hz, pacing: Self::pacing(rate_hz) };
        let mut events = vec![LineIn::Ready(Box::new(ready)), LineIn::Answered];
        events.extend(self.early.take(rate_hz).map(LineIn::Audio));
        Ok(events)
    }

    fn rate(&self, format: Option<&Map<String, Value>>) -> Result<u32, Reason> {
        let encoding = format.and_then(|format| field::text(format, "encoding"));
        if encoding.is_some_and(|encoding| !media::is_linear16(&encoding)) {
            return Err(Reason::Unsupported("media_format.encoding must be raw/slin (16-bit linear)"));
        }
        let said = format.and_then(|format| field::number(format, "sample_rate"));
        let rate = match said.unwrap_or(u64::from(self.asked_hz.unwrap_or(8_000))) {
            8_000 => 8_000,
            16_000 => 16_000,
            24_000 => 24_000,
            _ => return Err(Reason::Unsupported("the sample rate must be 8000, 16000 or 24000")),
        };
        // Which of the two the audio has cannot be heard from it: half or double speed would go on unnoticed.
        if self.asked_hz.is_some_and(|asked| asked != rate) {
            return Err(Reason::Unsupported(
                "media_format.sample_rate differs from the address's sample-rate",
            ));
        }
        Ok(rate)
    }

    fn on_media(&mut self, payload: &str) -> Result<Vec<LineIn>, Fault> {
        let pcm = media::from_base64(payload)?;
        if self.stream_id.is_some() {
            return Ok(vec![LineIn::Audio(pcm)]);
        }
        self.early.keep(&pcm);
        Ok(Vec::new())
    }

    fn on_keys(&self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let keys = field::keys(fields)?;
        match self.stream_id {
            Some(_) => Ok(keys.into_iter().map(LineIn::Dtmf).collect()),
            None => Err(Untidy::OutOfOrder.into()),
        }
    }

    fn on_mark(&self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let mark = field::inner(fields, "mark").unwrap_or(fields);
        let name = field::text(mark, "name").ok_or(Untidy::BadField)?;
        if self.stream_id.is_some() { Ok(vec![LineIn::Mark(name)]) } else { Err(Untidy::OutOfOrder.into()) }
    }

    fn message(&self, event: &str, body: Option<(&str, Value)>) -> WireOut {
        let mut object = Map::new();
        object.insert("event".into(), event.into());
        object.insert("stream_sid".into(), self.stream_id.clone().into());
        if let Some((name, value)) = body {
            object.insert(name.to_owned(), value);
        }
        WireOut::Text(Value::Object(object).to_string())
    }
}

impl Codec for ExotelCodec {
    fn traits(&self) -> Traits {
        Traits {
            name: "exotel",
            echoes_marks: true,
            buffers: true,
            transfers: None,
            presses_keys: false,
            max_message_bytes: MAX_MESSAGE_BYTES,
        }
    }

    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Fault> {
        if self.over {
            return Ok(Vec::new());
        }
        let text = field::text_in(message)?;
        if let Some(payload) = plain_payload(text) {
            return self.on_media(payload);
        }
        let fields = field::object(text)?;
        match field::event_name(&fields, "event")?.as_str() {
            "connected" => self.on_connected(),
            "start" => self.on_start(&fields),
            "media" => {
                let inner = field::inner(&fields, "media").unwrap_or(&fields);
                let payload = field::get(inner, "payload").or(field::get(&fields, "media"));
                self.on_media(payload.and_then(Value::as_str).ok_or(Untidy::NoPayload)?)
            }
            "dtmf" => self.on_keys(&fields),
            "mark" => self.on_mark(&fields),
            // With a call or without one: whoever stops has no more to say.
            "stop" => {
                self.over = true;
                Ok(vec![LineIn::HungUp { by: DisconnectedBy::Customer }])
            }
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        match out {
            LineOut::Refuse(reason) => vec![close::refusing(&reason)],
            _ if self.stream_id.is_none() || self.over => Vec::new(),
            LineOut::Audio(pcm) => {
                vec![self.message("media", Some(("media", json!({"payload": media::to_base64(&pcm)}))))]
            }
            LineOut::Mark(name) => vec![self.message("mark", Some(("mark", json!({"name": name}))))],
            LineOut::Clear => vec![self.message("clear", None)],
            LineOut::HangUp { by } => {
                vec![WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() }]
            }
            LineOut::Accepted { .. }
            | LineOut::Notice(_)
            | LineOut::Transfer { .. }
            | LineOut::Consult(..)
            | LineOut::Key(_)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }
}

/// The payload of a `media` message in its usual form. Everything else is read with more patience.
fn plain_payload(text: &str) -> Option<&str> {
    let media: PlainMedia<'_> = serde_json::from_str(text).ok()?;
    (media.event == "media").then_some(media.media.payload)
}

#[cfg(test)]
mod tests;
