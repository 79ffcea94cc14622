//! `/ws/{bot_id}`: the iCallMate dialler's protocol. JSON text frames, 8 kHz mono LINEAR16, base64.
//!
//! Handshake: `connected`, `start`, `answer`. It is complete when the first two have come, in whatever order; the first
//! `media` stands for a missing `answer`. What is repeated afterwards is ignored, but a new stream id in it is where audio
//! is sent from then on: a dialler that opened its stream anew plays nothing else. The record keeps the first.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use vox_shared::wire::result::DisconnectedBy;

use super::close;
use super::fault::Fault;
use super::field;
use super::line::{CallInfo, Codec, LineIn, LineOut, Ready, Traits, Wire, WireOut};
use super::media::{self, Early};
use super::reason::Reason;
use super::unanswered;
use super::untidy::Untidy;
use crate::media::playout::Pacing;

const RATE_HZ: u32 = 8_000;
/// 20 ms at 8 kHz.
const CHUNK: usize = 160;
/// One frame is with the dialler beyond the one it plays: what we are late by, up to a frame, nobody hears.
const LEAD: usize = 2 * CHUNK;
/// A carrier that sends 500 ms at once needs 11 kB; what a dialler says of a call at first may be far longer.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// Where diallers say how a call ended.
const ENDINGS: [&str; 4] = ["disconnectedBy", "reason", "hangupCause", "cause"];

/// What the call knows of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Told {
    Nothing,
    Ready,
    Answered,
}

/// The protocol of one connection.
#[derive(Debug)]
pub struct WsCodec {
    info: CallInfo,
    /// The handshake messages that have come.
    connected: bool,
    started: bool,
    answered: bool,
    told: Told,
    early: Early,
    chunk: u64,
    /// We hung up: the carrier's `hangup-call` only confirms.
    hung_up: bool,
    /// We asked for the caller to be handed over, and said nothing since: the end of the stream is its success.
    handed_over: bool,
    /// The carrier hung up: what it still sends has no meaning.
    over: bool,
}

/// Fifty of these a second: read without a tree of values.
#[derive(Deserialize)]
struct PlainMedia<'a> {
    event: &'a str,
    #[serde(borrow, default)]
    payload: Option<&'a str>,
    #[serde(borrow, default)]
    media: Option<Inner<'a>>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    payload: &'a str,
}

/// The same in the other direction.
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

impl Default for WsCodec {
    fn default() -> Self {
        Self {
            info: CallInfo::default(),
            connected: false,
            started: false,
            answered: false,
            told: Told::Nothing,
            early: Early::default(),
            chunk: 0,
            hung_up: false,
            handed_over: false,
            over: false,
        }
    }
}

impl WsCodec {
    fn on_connected(&mut self, fields: Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        if self.told != Told::Nothing {
            return self.repeated(&fields);
        }
        let text = |name: &str| field::text(&fields, name);
        self.info.caller_id = text("callerId");
        self.info.did = text("did");
        self.info.stream_id = text("streamId").or(self.info.stream_id.take());
        self.info.direction = text("callDirection").as_deref().and_then(direction).map(str::to_owned);
        self.info.connected_event =
            fields.into_iter().filter(|(name, _)| field::plain(name) != "event").collect();
        self.connected = true;
        self.ready()
    }

    fn on_start(&mut self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let start = field::inner(fields, "start").unwrap_or(fields);
        if self.told != Told::Nothing {
            return self.repeated(start);
        }
        if let Some(format) = field::inner(start, "mediaFormat") {
            check_format(format)?;
        }
        self.info.stream_id = field::text(start, "streamId").or(self.info.stream_id.take());
        self.started = true;
        self.ready()
    }

    /// The call, once all is known of it.
    fn ready(&mut self) -> Result<Vec<LineIn>, Fault> {
        if !self.connected || !self.started {
            return Ok(Vec::new());
        }
        if self.info.stream_id.is_none() {
            return Err(Untidy::BadField.into());
        }
        self.told = Told::Ready;
        let pacing = Pacing { chunk: CHUNK, lead: LEAD };
        let ready = Ready { info: self.info.clone(), rate_hz: RATE_HZ, pacing };
        let mut events = vec![LineIn::Ready(Box::new(ready))];
        let early = self.early.take(RATE_HZ);
        if self.answered || early.is_some() {
            self.told = Told::Answered;
            events.push(LineIn::Answered);
        }
        events.extend(early.map(LineIn::Audio));
        Ok(events)
    }

    fn on_answer(&mut self) -> Result<Vec<LineIn>, Fault> {
        // Early media may have stood for it.
        let again = std::mem::replace(&mut self.answered, true);
        match self.told {
            Told::Ready => {
                self.told = Told::Answered;
                Ok(vec![LineIn::Answered])
            }
            _ if again => Err(Untidy::Repeated.into()),
            _ => Ok(Vec::new()),
        }
    }

    fn repeated(&mut self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        if let Some(id) = field::text(fields, "streamId") {
            self.info.stream_id = Some(id);
        }
        Err(Untidy::Repeated.into())
    }

    fn on_media(&mut self, payload: &str) -> Result<Vec<LineIn>, Fault> {
        let pcm = media::from_base64(payload)?;
        match self.told {
            Told::Nothing => {
                self.early.keep(&pcm);
                Ok(Vec::new())
            }
            Told::Ready => {
                self.told = Told::Answered;
                Ok(vec![LineIn::Answered, LineIn::Audio(pcm)])
            }
            Told::Answered => Ok(vec![LineIn::Audio(pcm)]),
        }
    }

    fn on_keys(&self, fields: &Map<String, Value>) -> Result<Vec<LineIn>, Fault> {
        let keys = field::keys(fields)?;
        match self.told {
            Told::Answered => Ok(keys.into_iter().map(LineIn::Dtmf).collect()),
            _ => Err(Untidy::OutOfOrder.into()),
        }
    }

    fn on_hangup(&mut self, fields: &Map<String, Value>) -> Vec<LineIn> {
        self.over = true;
        let word = ENDINGS.iter().find_map(|name| field::text(fields, name)).unwrap_or_default();
        if self.handed_over && word != "customer" {
            return vec![LineIn::Transferred];
        }
        let by = match self.told {
            Told::Answered if self.hung_up && word == "bot" => DisconnectedBy::Bot,
            Told::Answered => DisconnectedBy::Customer,
            _ => unanswered::outcome(&word),
        };
        vec![LineIn::HungUp { by }]
    }

    fn reverse_media(&mut self, pcm: &[i16], now: jiff::Timestamp) -> WireOut {
        self.chunk += 1;
        let now = now.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let media = ReverseMedia {
            event: "reverse-media",
            chunk: self.chunk,
            did: self.info.did.as_deref(),
            payload: &media::to_base64(pcm),
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

    /// The dialler says nothing of a success but that the bot's stream ends.
    fn transfer(&mut self, to: &str) -> Vec<WireOut> {
        self.handed_over = true;
        let transfer = json!({
            "event": "reverse-call-transfer",
            "streamId": self.info.stream_id,
            "callerId": self.info.caller_id,
            "did": self.info.did,
            "source": "ai",
            "transferTo": to,
        });
        vec![self.media_stop(), WireOut::Text(transfer.to_string())]
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
        Traits {
            name: "ws",
            echoes_marks: false,
            buffers: false,
            transfers: Some("websocket_reverse_transfer"),
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
            "connected" => self.on_connected(fields),
            "start" => self.on_start(&fields),
            "answer" => self.on_answer(),
            "media" => {
                let inner = field::inner(&fields, "media").unwrap_or(&fields);
                let payload = field::get(inner, "payload").or(field::get(&fields, "media"));
                self.on_media(payload.and_then(Value::as_str).ok_or(Untidy::NoPayload)?)
            }
            "dtmf" => self.on_keys(&fields),
            "hangupcall" | "hangup" => Ok(self.on_hangup(&fields)),
            // The dialler's diagnostics.
            "mark" => Ok(Vec::new()),
            _ => Err(Untidy::UnknownEvent.into()),
        }
    }

    fn encode(&mut self, out: LineOut, now: jiff::Timestamp) -> Vec<WireOut> {
        match out {
            LineOut::Audio(pcm) => {
                self.handed_over = false;
                vec![self.reverse_media(&pcm, now)]
            }
            LineOut::Clear => vec![self.media_stop()],
            LineOut::Transfer { to } => self.transfer(&to),
            LineOut::HangUp { .. } => {
                let mut out = Vec::from(self.hangup("Call Dropped on BOT"));
                out.push(WireOut::CloseSoon { code: close::NORMAL, reason: "bot hung up".into() });
                out
            }
            LineOut::Refuse(reason) => {
                let mut out = Vec::new();
                // Before it knows the stream, the dialler has nothing to hang up.
                if self.info.stream_id.is_some() && self.connected {
                    out.extend(self.hangup(&close::cut(&reason.to_string())));
                }
                out.push(close::refusing(&reason));
                out
            }
            LineOut::Accepted { .. }
            | LineOut::Mark(_)
            | LineOut::Notice(_)
            | LineOut::Consult(..)
            | LineOut::Key(_)
            | LineOut::Supervise { .. } => Vec::new(),
        }
    }

    fn gone(&self) -> LineIn {
        match self.handed_over {
            true => LineIn::Transferred,
            false => LineIn::HungUp { by: DisconnectedBy::Customer },
        }
    }
}

/// The payload of a `media` message in its usual form. Everything else is read with more patience.
fn plain_payload(text: &str) -> Option<&str> {
    let media: PlainMedia<'_> = serde_json::from_str(text).ok()?;
    (media.event == "media").then(|| media.payload.or(media.media.map(|m| m.payload))).flatten()
}

fn direction(word: &str) -> Option<&'static str> {
    match field::plain(word).as_str() {
        "incoming" | "inbound" | "in" => Some("incoming"),
        "outgoing" | "outbound" | "out" => Some("outgoing"),
        _ => None,
    }
}

/// What cannot be served is told at once; what cannot be read counts as not said.
fn check_format(format: &Map<String, Value>) -> Result<(), Reason> {
    if field::text(format, "encoding").is_some_and(|encoding| !media::is_linear16(&encoding)) {
        return Err(Reason::Unsupported("mediaFormat.encoding must be LINEAR16"));
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
