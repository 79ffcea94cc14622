//! `/twilio/{bot_id}`: Twilio's Media Streams in both directions (`<Connect><Stream>`). JSON text frames, µ-law at 8 kHz,
//! base64. Marks come back when what was sent before them has been played or cleared; there is no hang-up message: the socket
//! is closed, and whoever has the account's token ends the call by the API of calls.

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

const RATE_HZ: u32 = 8_000;

/// The protocol of one connection.
#[derive(Debug, Default)]
pub struct TwilioCodec {
    stream: Stream,
}

impl TwilioCodec {
    fn on_start(&mut self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let start = field::inner(fields, "start").unwrap_or(fields);
        let stream_id = field::text(start, "streamSid").or_else(|| field::text(fields, "streamSid"));
        if let Some(fault) = self.stream.repeated(stream_id.clone()) {
            return Err(fault);
        }
        let stream_id = stream_id.ok_or(Untidy::BadField)?;
        if let Some(format) = field::inner(start, "mediaFormat") {
            check_format(format)?;
        }
        let parameters = field::inner(start, "customParameters").cloned().unwrap_or_default();
        let mut info = stream::call_info(start, parameters);
        info.carrier_call = field::text(start, "callSid");
        Ok(self.stream.on_start(Start { stream_id, encoding: Encoding::Ulaw, rate_hz: RATE_HZ, info }))
    }

    fn message(&self, event: &str, body: Option<(&str, Value)>) -> WireOut {
        let mut object = Map::new();
        object.insert("event".into(), event.into());
        object.insert("streamSid".into(), self.stream.id().into());
        if let Some((name, value)) = body {
            object.insert(name.to_owned(), value);
        }
        WireOut::Text(Value::Object(object).to_string())
    }
}

impl Codec for TwilioCodec {
    fn traits(&self) -> Traits {
        Traits {
            name: "twilio",
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
                    Some(bytes) => self.stream.on_bytes(&bytes),
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
            "stop" => Ok(self.stream.on_stop()),
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        match out {
            LineOut::Refuse(reason) => vec![close::refusing(&reason)],
            LineOut::HangUp { by } => {
                vec![WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() }]
            }
            _ if !self.stream.is_open() => Vec::new(),
            LineOut::Audio(pcm) => {
                let payload = media::base64_of(&Encoding::Ulaw.encode(&pcm));
                vec![self.message("media", Some(("media", json!({"payload": payload}))))]
            }
            LineOut::Mark(name) => vec![self.message("mark", Some(("mark", json!({"name": name}))))],
            LineOut::Clear => vec![self.message("clear", None)],
            LineOut::Accepted { .. }
            | LineOut::Notice(_)
            | LineOut::Transfer { .. }
            | LineOut::Consult(..)
            | LineOut::Key(_)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }
}

/// What cannot be served is told at once; what cannot be read counts as not said.
fn check_format(format: &Map<String, Value>) -> Result<(), Reason> {
    let encoding = field::text(format, "encoding");
    if encoding.is_some_and(|word| Encoding::named(&word) != Some(Encoding::Ulaw)) {
        return Err(Reason::Unsupported("mediaFormat.encoding must be audio/x-mulaw"));
    }
    if field::number(format, "sampleRate").is_some_and(|rate| rate != u64::from(RATE_HZ)) {
        return Err(Reason::Unsupported("mediaFormat.sampleRate must be 8000"));
    }
    if field::number(format, "channels").is_some_and(|channels| channels != 1) {
        return Err(Reason::Unsupported("mediaFormat.channels must be 1"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
