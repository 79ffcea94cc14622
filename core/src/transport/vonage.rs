//! `/vonage/{bot_id}`: Vonage's WebSocket endpoint of a voice application. Sound is binary both ways: 16-bit linear, little
//! endian, at 8, 16 or 24 kHz as the endpoint's `content-type` says, in frames of 20 ms, and nothing else is taken. Events are
//! JSON text. `notify` comes back when what was sent before it has been played. Whoever hangs up closes the socket.
//!
//! The first message names the content type and holds the headers that the customer's NCCO gives, beside it: who calls is known
//! from there, and so is the call's `uuid`, without which nothing can be asked of the carrier.

use serde_json::{Map, Value, json};
use vox_shared::wire::result::DisconnectedBy;

use super::close;
use super::fault::Fault;
use super::field;
use super::line::{Codec, LineIn, LineOut, Ready, Traits, Wire, WireOut};
use super::media::{self, Early};
use super::reason::Reason;
use super::stream::{self, MAX_MESSAGE_BYTES};
use super::untidy::Untidy;

/// What customers call the call's name, after the webhook that they have it from.
const CALL: [&str; 3] = ["uuid", "call_uuid", "call_id"];

/// The protocol of one connection.
#[derive(Debug, Default)]
pub struct VonageCodec {
    started: bool,
    early: Early,
    over: bool,
}

impl VonageCodec {
    fn on_connected(&mut self, fields: Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        if self.started {
            return Err(Untidy::Repeated.into());
        }
        let rate_hz = rate_of(field::text(&fields, "content-type").as_deref())?;
        self.started = true;
        let mut info = stream::call_info(&Map::new(), fields);
        info.connected_event.retain(|name, _| field::plain(name) != "event");
        info.carrier_call = CALL.iter().find_map(|name| field::text(&info.connected_event, name));
        info.stream_id = info.carrier_call.clone();
        let ready = Ready { info, rate_hz, pacing: stream::pacing(rate_hz) };
        let mut events = vec![LineIn::Ready(Box::new(ready)), LineIn::Answered];
        events.extend(self.early.take(rate_hz).map(LineIn::Audio));
        Ok(events)
    }

    fn on_audio(&mut self, bytes: &[u8]) -> Result<Vec<LineIn>, Fault> {
        let pcm = media::from_bytes(bytes)?;
        if self.started {
            return Ok(vec![LineIn::Audio(pcm)]);
        }
        self.early.keep(&pcm);
        Ok(Vec::new())
    }

    fn on_keys(&self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let keys = field::keys(fields)?;
        if self.started {
            Ok(keys.into_iter().map(LineIn::Dtmf).collect())
        } else {
            Err(Untidy::OutOfOrder.into())
        }
    }

    fn on_notify(&self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let payload = field::inner(fields, "payload").ok_or(Untidy::BadField)?;
        let name = field::text(payload, "mark").ok_or(Untidy::BadField)?;
        if self.started { Ok(vec![LineIn::Mark(name)]) } else { Err(Untidy::OutOfOrder.into()) }
    }
}

impl Codec for VonageCodec {
    fn traits(&self) -> Traits {
        Traits {
            name: "vonage",
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
        let fields = match message {
            Wire::Binary(bytes) => return self.on_audio(bytes),
            Wire::Text(text) => field::object(text)?,
        };
        match field::event_name(&fields, "event")?.as_str() {
            "websocketconnected" => self.on_connected(fields),
            "websocketdtmf" => self.on_keys(&fields),
            "websocketnotify" => self.on_notify(&fields),
            // It confirms what we asked for: the session knew when it did.
            "websocketcleared" => Ok(Vec::new()),
            // The socket is closed behind it.
            "websocketdisconnected" => {
                self.over = true;
                Ok(vec![LineIn::HungUp { by: DisconnectedBy::Customer }])
            }
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        match out {
            LineOut::Refuse(reason) => vec![close::refusing(&reason)],
            LineOut::HangUp { by } => {
                vec![WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() }]
            }
            _ if !self.started || self.over => Vec::new(),
            LineOut::Audio(pcm) => vec![WireOut::Binary(media::to_bytes(&pcm))],
            LineOut::Mark(name) => {
                vec![WireOut::Text(json!({"action": "notify", "payload": {"mark": name}}).to_string())]
            }
            LineOut::Clear => vec![WireOut::Text(json!({"action": "clear"}).to_string())],
            LineOut::Accepted { .. }
            | LineOut::Notice(_)
            | LineOut::Transfer { .. }
            | LineOut::Consult(..)
            | LineOut::Key(_)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }
}

/// `audio/l16;rate=16000`.
fn rate_of(content_type: Option<&str>) -> Result<u32, Reason> {
    let unsupported = Reason::Unsupported("content-type must be audio/l16;rate=8000, 16000 or 24000");
    let Some(said) = content_type.filter(|said| media::is_linear16(said)) else { return Err(unsupported) };
    let rate = said.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (field::plain(name) == "rate").then(|| value.trim().parse::<u32>().ok())?
    });
    match rate {
        Some(rate @ (8_000 | 16_000 | 24_000)) => Ok(rate),
        _ => Err(unsupported),
    }
}

#[cfg(test)]
mod tests;
