//! `/plivo/{bot_id}`: Plivo's audio streams in both directions (`<Stream bidirectional="true">`). JSON text frames, µ-law at
//! 8 kHz or 16-bit linear at 8 or 16 kHz as the `<Stream>` says, base64. A checkpoint comes back as `playedStream`. There is no
//! `connected` and no `stop`: the socket is closed by whoever ends the call.

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

/// Before the names of what the customer sends along.
const EXTRA_PREFIX: &str = "X-PH-";

/// The protocol of one connection.
#[derive(Debug)]
pub struct PlivoCodec {
    stream: Stream,
    /// As the `start` says them; sound goes back in the same.
    encoding: Encoding,
    rate_hz: u32,
}

impl Default for PlivoCodec {
    fn default() -> Self {
        Self { stream: Stream::default(), encoding: Encoding::Ulaw, rate_hz: 8_000 }
    }
}

impl PlivoCodec {
    fn on_start(&mut self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let start = field::inner(fields, "start").unwrap_or(fields);
        let stream_id = field::text(start, "streamId").or_else(|| field::text(fields, "streamId"));
        if let Some(fault) = self.stream.repeated(stream_id.clone()) {
            return Err(fault);
        }
        let stream_id = stream_id.ok_or(Untidy::BadField)?;
        (self.encoding, self.rate_hz) = format_of(field::inner(start, "mediaFormat"))?;
        let extra = field::get(fields, "extra_headers").or(field::get(start, "extra_headers"));
        let mut info = stream::call_info(start, extra.map(extra_headers).unwrap_or_default());
        info.carrier_call = field::text(start, "callId");
        let (encoding, rate_hz) = (self.encoding, self.rate_hz);
        Ok(self.stream.on_start(Start { stream_id, encoding, rate_hz, info }))
    }

    fn play(&self, pcm: &[i16]) -> WireOut {
        let content_type = match self.encoding {
            Encoding::Linear16 => "audio/x-l16",
            Encoding::Ulaw | Encoding::Alaw => "audio/x-mulaw",
        };
        let payload = media::base64_of(&self.encoding.encode(pcm));
        let media = json!({"contentType": content_type, "sampleRate": self.rate_hz, "payload": payload});
        let play = json!({"event": "playAudio", "streamId": self.stream.id(), "media": media});
        WireOut::Text(play.to_string())
    }
}

impl Codec for PlivoCodec {
    fn traits(&self) -> Traits {
        Traits {
            name: "plivo",
            echoes_marks: true,
            buffers: true,
            transfers: None,
            presses_keys: true,
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
            "start" => self.on_start(&fields),
            "dtmf" => self.stream.on_keys(&fields),
            "playedstream" => self.stream.on_mark(&fields),
            // It confirms what we asked for: the session knew when it did.
            "clearedaudio" => Ok(Vec::new()),
            // Not documented; whoever says it means it.
            "stop" => Ok(self.stream.on_stop()),
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, _now: jiff::Timestamp) -> Vec<WireOut> {
        let id = self.stream.id();
        let event = |value: Value| vec![WireOut::Text(value.to_string())];
        match out {
            LineOut::Refuse(reason) => vec![close::refusing(&reason)],
            LineOut::HangUp { by } => {
                vec![WireOut::Close { code: close::NORMAL, reason: by.as_str().to_owned() }]
            }
            _ if !self.stream.is_open() => Vec::new(),
            LineOut::Audio(pcm) => vec![self.play(&pcm)],
            LineOut::Mark(name) => event(json!({"event": "checkpoint", "streamId": id, "name": name})),
            LineOut::Clear => event(json!({"event": "clearAudio", "streamId": id})),
            LineOut::Key(key) => event(json!({"event": "sendDTMF", "dtmf": key.to_string()})),
            LineOut::Accepted { .. }
            | LineOut::Notice(_)
            | LineOut::Transfer { .. }
            | LineOut::Consult(..)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }
}

/// What cannot be served is told at once. The rate may stand in the encoding: `audio/x-l16;rate=16000`.
fn format_of(format: Option<&Map<String, Value>>) -> Result<(Encoding, u32), Reason> {
    let word = format.and_then(|format| field::text(format, "encoding"));
    let encoding = match word.as_deref().map(Encoding::named) {
        None => Encoding::Ulaw,
        Some(Some(encoding @ (Encoding::Ulaw | Encoding::Linear16))) => encoding,
        Some(_) => {
            return Err(Reason::Unsupported("mediaFormat.encoding must be audio/x-mulaw or audio/x-l16"));
        }
    };
    let in_word = word.as_deref().and_then(|word| word.split_once("rate=")?.1.trim().parse().ok());
    let rate = format.and_then(|format| field::number(format, "sampleRate")).or(in_word);
    match (encoding, rate.unwrap_or(8_000)) {
        (_, 8_000) => Ok((encoding, 8_000)),
        (Encoding::Linear16, 16_000) => Ok((encoding, 16_000)),
        _ => Err(Reason::Unsupported("mediaFormat.sampleRate must be 8000, or 16000 with audio/x-l16")),
    }
}

/// What the customer sends along. Plivo has been seen to write it as an object, as JSON in a text, and as `{X-PH-a: b, …}`.
fn extra_headers(said: &Value) -> Map<String, Value> {
    let unprefixed = |name: &str| {
        let name = name.trim().trim_matches('"');
        let head = name.get(..EXTRA_PREFIX.len());
        match head.is_some_and(|head| head.eq_ignore_ascii_case(EXTRA_PREFIX)) {
            true => name[EXTRA_PREFIX.len()..].to_owned(),
            false => name.to_owned(),
        }
    };
    let pairs: Vec<(String, Value)> = match said {
        Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        Value::String(text) => match field::object(text) {
            Ok(object) => object.into_iter().collect(),
            Err(_) => {
                let inside = text.trim().trim_start_matches('{').trim_end_matches('}');
                let pair = |part: &str| {
                    let (name, value) = part.split_once([':', '='])?;
                    Some((name.to_owned(), Value::from(value.trim().trim_matches('"'))))
                };
                inside.split([',', ';']).filter_map(pair).collect()
            }
        },
        _ => Vec::new(),
    };
    pairs.into_iter().map(|(name, value)| (unprefixed(&name), value)).filter(|(n, _)| !n.is_empty()).collect()
}

#[cfg(test)]
mod tests;
