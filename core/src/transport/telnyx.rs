//! `/telnyx/{bot_id}?codec=&rate=`: Telnyx' media streaming in both directions (`stream_bidirectional_mode: "rtp"`). JSON text
//! frames, the payload of RTP packets in base64: µ-law, A-law or 16-bit linear. The order of media messages is not guaranteed,
//! so they are put in order by their number. A mark comes back when what was sent before it has been played.
//!
//! `start` says what the carrier sends; what it takes it does not say, so the address does. Without that it takes µ-law, which
//! is the carrier's own default.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::close;
use super::encoding::Encoding;
use super::fault::Fault;
use super::field;
use super::line::{Codec, LineIn, LineOut, Traits, Wire, WireOut};
use super::media;
use super::reason::Reason;
use super::stream::{self, MAX_MESSAGE_BYTES, Message, Start, Stream};
use super::untidy::Untidy;

/// A message that has not come is given up when so many behind it have: 100 ms.
const MAX_HELD: usize = 5;
/// A number so far from what is expected is no straggler: the carrier counts anew. Five seconds.
const ANEW: u64 = 250;

/// What the address says of the sound that the carrier takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub encoding: Encoding,
    pub rate_hz: u32,
}

impl Default for Taken {
    fn default() -> Self {
        Self { encoding: Encoding::Ulaw, rate_hz: 8_000 }
    }
}

/// The protocol of one connection.
#[derive(Debug, Default)]
pub struct TelnyxCodec {
    taken: Taken,
    stream: Stream,
    order: Order,
}

impl TelnyxCodec {
    pub fn new(taken: Taken) -> Self {
        Self { taken, ..Self::default() }
    }

    fn on_start(&mut self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let start = field::inner(fields, "start").unwrap_or(fields);
        let stream_id = field::text(fields, "stream_id").or_else(|| field::text(start, "stream_id"));
        if let Some(fault) = self.stream.repeated(stream_id.clone()) {
            return Err(fault);
        }
        let stream_id = stream_id.ok_or(Untidy::BadField)?;
        let (encoding, rate_hz) = format_of(field::inner(start, "media_format"), self.taken)?;
        let parameters = field::inner(start, "custom_parameters").cloned().unwrap_or_default();
        let mut info = stream::call_info(start, parameters);
        info.carrier_call = field::text(start, "call_control_id");
        Ok(self.stream.on_start(Start { stream_id, encoding, rate_hz, info }))
    }

    fn on_media(&mut self, chunk: Option<u64>, bytes: Vec<u8>) -> Result<Vec<LineIn>, Fault> {
        let mut events = Vec::new();
        for bytes in self.order.put(chunk, bytes)? {
            events.extend(self.stream.on_bytes(&bytes)?);
        }
        Ok(events)
    }
}

impl Codec for TelnyxCodec {
    fn traits(&self) -> Traits {
        Traits {
            name: "telnyx",
            echoes_marks: true,
            buffers: true,
            transfers: None,
            presses_keys: false,
            max_message_bytes: MAX_MESSAGE_BYTES,
        }
    }

    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Fault> {
        if self.stream.is_over() {
            return Ok(Vec::new());
        }
        let (name, fields) = match stream::read(message)? {
            Message::Media(media) => {
                return match media.bytes()? {
                    Some(bytes) => self.on_media(media.chunk, bytes),
                    None => Ok(Vec::new()),
                };
            }
            Message::Event(name, fields) => (name, fields),
        };
        match name.as_str() {
            "connected" => self.stream.on_connected(),
            "start" => self.on_start(&fields),
            "dtmf" => self.stream.on_keys(&fields),
            "mark" => self.stream.on_mark(field::inner(&fields, "mark").unwrap_or(&fields)),
            "error" => {
                let payload = field::inner(&fields, "payload").unwrap_or(&fields);
                let code = field::number(payload, "code");
                tracing::warn!(code, "the carrier complains of what was sent: see its list of errors");
                Ok(Vec::new())
            }
            "stop" => Ok(self.stream.on_stop()),
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        let event = |value: Value| vec![WireOut::Text(value.to_string())];
        match out {
            LineOut::Refuse(reason) => vec![close::refusing(&reason)],
            LineOut::HangUp { by } => {
                vec![WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() }]
            }
            _ if !self.stream.is_open() => Vec::new(),
            LineOut::Audio(pcm) => {
                let payload = media::base64_of(&self.taken.encoding.encode(&pcm));
                event(json!({"event": "media", "media": {"payload": payload}}))
            }
            LineOut::Mark(name) => event(json!({"event": "mark", "mark": {"name": name}})),
            LineOut::Clear => event(json!({"event": "clear"})),
            LineOut::Accepted { .. }
            | LineOut::Notice(_)
            | LineOut::Transfer { .. }
            | LineOut::Consult(..)
            | LineOut::Key(_)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }
}

/// What cannot be served is told at once. A line has one rate, both ways.
fn format_of(format: Option<&Map<String, Value>>, taken: Taken) -> Result<(Encoding, u32), Reason> {
    let word = format.and_then(|format| field::text(format, "encoding"));
    let encoding = match word.as_deref().map(Encoding::named) {
        None => taken.encoding,
        Some(Some(encoding)) => encoding,
        Some(None) => {
            return Err(Reason::Unsupported(
                "media_format.encoding must be PCMU, PCMA or L16: set stream_codec and stream_bidirectional_codec",
            ));
        }
    };
    let rate = format.and_then(|format| field::number(format, "sample_rate"));
    if rate.is_some_and(|rate| rate != u64::from(taken.rate_hz)) {
        return Err(Reason::Unsupported("media_format.sample_rate differs from the address's rate (8000)"));
    }
    Ok((encoding, taken.rate_hz))
}

/// Media in the order of their numbers.
#[derive(Debug, Default)]
struct Order {
    next: Option<u64>,
    held: BTreeMap<u64, Vec<u8>>,
}

impl Order {
    /// What is to be heard now that this one has come. One that is behind what was heard is of no use any more.
    fn put(&mut self, chunk: Option<u64>, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, Untidy> {
        let Some(chunk) = chunk else { return Ok(vec![bytes]) };
        let next = *self.next.get_or_insert(chunk);
        let mut due = Vec::new();
        if chunk.abs_diff(next) > ANEW {
            due.extend(std::mem::take(&mut self.held).into_values());
            self.next = Some(chunk);
        } else if chunk < next {
            return Err(Untidy::OutOfOrder);
        }
        self.held.insert(chunk, bytes);
        if self.held.len() > MAX_HELD {
            self.next = self.held.first_key_value().map(|(first, _)| *first);
        }
        while let Some(bytes) = self.next.and_then(|next| self.held.remove(&next)) {
            due.push(bytes);
            self.next = self.next.map(|next| next.saturating_add(1));
        }
        Ok(due)
    }
}

#[cfg(test)]
mod tests;
