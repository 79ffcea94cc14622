//! What the media streams of Twilio, Plivo and Telnyx have in common: JSON text frames, audio as base64 in `media.payload`, a
//! `start` that says whose call it is, and parameters of the customer's own beside it. Each carrier has names of its own for
//! these things; what they mean for the call is here.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use vox_shared::redact::Redacted;
use vox_shared::wire::result::DisconnectedBy;

use super::encoding::Encoding;
use super::fault::Fault;
use super::field;
use super::line::{CallInfo, LineIn, Ready, Wire};
use super::media::{self, Early};
use super::untidy::Untidy;
use crate::media::playout::Pacing;

/// Half a second of audio a message, with room: these carriers send 20 ms.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The next message goes out when the carrier has less than this left, milliseconds. Carriers play from a queue, which a clear
/// empties: what lies there bridges the hiccups of the open Internet.
const LEAD_MS: usize = 200;
/// A message's length, milliseconds.
const CHUNK_MS: usize = 20;
/// The parameter in which a carrier that can set no header shows the line token.
const TOKEN: &str = "token";
/// Where customers say who calls, when the carrier does not.
const FROM: [&str; 3] = ["from", "callerId", "caller"];
const TO: [&str; 3] = ["to", "did", "called"];

/// How these carriers want their audio at a rate.
pub fn pacing(rate_hz: u32) -> Pacing {
    let rate = rate_hz as usize;
    Pacing { chunk: rate * CHUNK_MS / 1000, lead: rate * LEAD_MS / 1000 }
}

/// A message of the carrier.
#[derive(Debug)]
pub enum Message<'a> {
    Media(Media<'a>),
    /// Its name in its plainest form (`playedStream` is `playedstream`), and all its fields.
    Event(String, Map<String, Value>),
}

/// Fifty of these a second.
#[derive(Debug)]
pub struct Media<'a> {
    payload: Cow<'a, str>,
    /// Its number in its track, where the carrier counts.
    pub chunk: Option<u64>,
    /// The bot's own sound, sent back by a stream of both tracks.
    is_outbound: bool,
}

impl Media<'_> {
    /// The payload's bytes; `None` of the bot's own sound.
    pub fn bytes(&self) -> Result<Option<Vec<u8>>, Untidy> {
        if self.is_outbound { Ok(None) } else { media::bytes_of(&self.payload).map(Some) }
    }
}

/// Read without a tree of values.
#[derive(Deserialize)]
struct PlainMedia<'a> {
    event: &'a str,
    #[serde(borrow)]
    media: PlainBody<'a>,
}

#[derive(Deserialize)]
struct PlainBody<'a> {
    payload: &'a str,
    #[serde(default)]
    track: Option<&'a str>,
    #[serde(default, borrow)]
    chunk: Number<'a>,
}

/// As a number, or as text.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Whole(u64),
    Text(&'a str),
    #[default]
    None,
}

/// Read a message. A `media` in its usual form costs no allocation but its bytes; everything else is read with more patience.
pub fn read(message: Wire<'_>) -> Result<Message<'_>, Untidy> {
    let text = field::text_in(message)?;
    if let Ok(PlainMedia { event: "media", media }) = serde_json::from_str(text) {
        let chunk = match media.chunk {
            Number::Whole(chunk) => Some(chunk),
            Number::Text(text) => text.parse().ok(),
            Number::None => None,
        };
        let is_outbound = media.track.is_some_and(is_outbound);
        return Ok(Message::Media(Media { payload: media.payload.into(), chunk, is_outbound }));
    }
    let fields = field::object(text)?;
    let name = field::event_name(&fields, "event")?;
    if name != "media" {
        return Ok(Message::Event(name, fields));
    }
    let body = field::inner(&fields, "media").unwrap_or(&fields);
    let payload = field::get(body, "payload").or(field::get(&fields, "media"));
    let payload = payload.and_then(Value::as_str).ok_or(Untidy::NoPayload)?.to_owned();
    let is_outbound = field::text(body, "track").is_some_and(|track| is_outbound(&track));
    Ok(Message::Media(Media { payload: payload.into(), chunk: field::number(body, "chunk"), is_outbound }))
}

fn is_outbound(track: &str) -> bool {
    track.starts_with("outbound")
}

/// What a carrier's `start` says.
#[derive(Debug)]
pub struct Start {
    pub stream_id: String,
    pub encoding: Encoding,
    pub rate_hz: u32,
    pub info: CallInfo,
}

/// The stream of one connection.
#[derive(Debug, Default)]
pub struct Stream {
    /// Where audio is sent, once the call has started. A repeated `start` may move it, as on the other lines.
    id: Option<String>,
    /// Of the carrier's audio.
    encoding: Option<Encoding>,
    early: Early<u8>,
    connected: bool,
    /// The carrier stopped: what it still sends has no meaning.
    over: bool,
}

impl Stream {
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether something may be sent: there is a stream, and it is not over.
    pub fn is_open(&self) -> bool {
        self.id.is_some() && !self.over
    }

    pub fn on_connected(&mut self) -> Result<Vec<LineIn>, Fault> {
        let again = std::mem::replace(&mut self.connected, true);
        if again || self.id.is_some() { Err(Untidy::Repeated.into()) } else { Ok(Vec::new()) }
    }

    /// A `start` behind the first one: it has moved the stream if it names another.
    pub fn repeated(&mut self, stream_id: Option<String>) -> Option<Fault> {
        self.id.as_ref()?;
        if let Some(id) = stream_id {
            self.id = Some(id);
        }
        Some(Untidy::Repeated.into())
    }

    pub fn on_start(&mut self, start: Start) -> Vec<LineIn> {
        let Start { stream_id, encoding, rate_hz, mut info } = start;
        info.stream_id = Some(stream_id.clone());
        self.id = Some(stream_id);
        self.encoding = Some(encoding);
        let ready = Ready { info, rate_hz, pacing: pacing(rate_hz) };
        let mut events = vec![LineIn::Ready(Box::new(ready)), LineIn::Answered];
        let early = self.early.take(rate_hz * encoding.sample_bytes() as u32);
        events.extend(early.and_then(|bytes| encoding.decode(&bytes).ok()).map(LineIn::Audio));
        events
    }

    pub fn on_bytes(&mut self, bytes: &[u8]) -> Result<Vec<LineIn>, Fault> {
        match self.encoding {
            Some(encoding) => Ok(vec![LineIn::Audio(encoding.decode(bytes)?)]),
            None if bytes.is_empty() => Err(Untidy::Empty.into()),
            None => {
                self.early.keep(bytes);
                Ok(Vec::new())
            }
        }
    }

    pub fn on_keys(&self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let keys = field::keys(fields)?;
        if self.id.is_none() {
            return Err(Untidy::OutOfOrder.into());
        }
        Ok(keys.into_iter().map(LineIn::Dtmf).collect())
    }

    /// The carrier has played what was sent before this mark, or dropped it.
    pub fn on_mark(&self, mark: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let name = field::text(mark, "name").ok_or(Untidy::BadField)?;
        if self.id.is_some() { Ok(vec![LineIn::Mark(name)]) } else { Err(Untidy::OutOfOrder.into()) }
    }

    /// With a call or without one: whoever stops has no more to say.
    pub fn on_stop(&mut self) -> Vec<LineIn> {
        self.over = true;
        vec![LineIn::HungUp { by: DisconnectedBy::Customer }]
    }
}

/// Who calls, from the fields of a `start` and the customer's own parameters. Everything of both is the call's
/// `connected_event`, the parameters beside the carrier's fields too, so that prompts name them alike whatever the carrier;
/// the line token is taken out.
pub fn call_info(start: &Map<String, Value>, parameters: Map<String, Value>) -> CallInfo {
    let is_token = |name: &str| field::plain(name) == TOKEN;
    let line_token = field::text(&parameters, TOKEN).map(Redacted::new);
    let parameters: Map<String, Value> = parameters.into_iter().filter(|(name, _)| !is_token(name)).collect();
    let said = |names: [&str; 3]| {
        let own = names.iter().find_map(|name| field::text(start, name));
        own.or_else(|| names.iter().find_map(|name| field::text(&parameters, name)))
    };
    let direction = field::text(start, "direction").or_else(|| field::text(&parameters, "direction"));
    let is_outgoing = direction.is_some_and(|word| field::plain(&word).starts_with("out"));
    let mut connected_event: Map<String, Value> = start
        .iter()
        .filter(|(name, _)| field::plain(name) != "event")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for value in connected_event.values_mut().filter_map(Value::as_object_mut) {
        value.retain(|name, _| !is_token(name));
    }
    let (caller_id, did) = (said(FROM), said(TO));
    for (name, value) in parameters {
        connected_event.entry(name).or_insert(value);
    }
    CallInfo {
        caller_id,
        did,
        direction: Some(if is_outgoing { "outgoing" } else { "incoming" }.into()),
        connected_event,
        line_token,
        ..CallInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn media_is_read_in_every_form() {
        for text in [
            r#"{"event":"media","media":{"payload":"AAA=","track":"inbound","chunk":"7"}}"#,
            r#"{"sequenceNumber":"9","media":{"chunk":7,"payload":"AAA=","timestamp":5},"event":"media"}"#,
            r#"{"Event":"MEDIA","media":{"Payload":"AAA=","chunk":7.0}}"#,
            "{\"event\":\"media\",\"media\":{\"payload\":\"AA\\u0041=\",\"chunk\":7}}\0",
        ] {
            let Ok(Message::Media(media)) = read(Wire::Text(text)) else { panic!("{text}") };
            assert_eq!((media.bytes(), media.chunk), (Ok(Some(vec![0, 0])), Some(7)), "{text}");
        }
        let own = r#"{"event":"media","media":{"payload":"%%","track":"outbound"}}"#;
        assert!(matches!(read(Wire::Text(own)), Ok(Message::Media(media)) if media.bytes() == Ok(None)));
        let none = r#"{"event":"media","media":{"track":"inbound"}}"#;
        assert_eq!(read(Wire::Text(none)).unwrap_err(), Untidy::NoPayload);
    }

    #[test]
    fn the_customers_parameters_stand_beside_the_carriers_fields_and_the_token_in_neither() {
        let start = object(json!({
            "event": "start", "callSid": "CA1", "customParameters": {"name": "Asha", "Token": "s3cret", "callSid": "other"},
        }));
        let info = call_info(&start, object(start["customParameters"].clone()));
        assert_eq!(
            Value::Object(info.connected_event),
            json!({"callSid": "CA1", "name": "Asha", "customParameters": {"name": "Asha", "callSid": "other"}})
        );
        assert_eq!(info.line_token, Some(Redacted::new("s3cret".to_owned())));
        assert_eq!((info.caller_id, info.direction.as_deref()), (None, Some("incoming")));
    }

    #[test]
    fn who_calls_the_carrier_says_or_else_the_customer() {
        let start = object(json!({"from": "+49301", "call_control_id": "v3"}));
        let info =
            call_info(&start, object(json!({"From": "+1", "To": "+49302", "Direction": "outbound-api"})));
        assert_eq!((info.caller_id.as_deref(), info.did.as_deref()), (Some("+49301"), Some("+49302")));
        assert_eq!(info.direction.as_deref(), Some("outgoing"));
    }
}
