//! What every line has in common.

use serde_json::{Map, Value};
use vox_shared::wire::result::DisconnectedBy;

use crate::media::playout::Pacing;
use crate::session::event::Notice;

/// Messages waiting on a line, each way: about a second of 20 ms frames.
pub const LINE_DEPTH: usize = 64;

/// WebSocket close codes that we send.
pub mod close {
    /// The call is over.
    pub const NORMAL: u16 = 1000;
    /// The worker is going down.
    pub const AWAY: u16 = 1001;
    /// Data of a kind or format that the line does not carry.
    pub const UNSUPPORTED: u16 = 1003;
    /// A message that breaks the protocol, or a call that is not allowed.
    pub const POLICY: u16 = 1008;
    /// A message over the limit.
    pub const TOO_BIG: u16 = 1009;
    /// Our fault.
    pub const INTERNAL: u16 = 1011;
    /// Try again later (busy, or the control plane is away).
    pub const TRY_AGAIN: u16 = 1013;
}

/// Who is calling, as the line tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallInfo {
    pub stream_id: Option<String>,
    pub caller_id: Option<String>,
    pub did: Option<String>,
    /// `incoming` or `outgoing`.
    pub direction: Option<String>,
    /// Everything the carrier said, for the config fetch.
    pub connected_event: Map<String, Value>,
    /// Sample rate of the line, Hz.
    pub rate_hz: u32,
}

/// From the carrier.
#[derive(Clone, Debug, PartialEq)]
pub enum LineIn {
    /// The handshake is complete. The first message of a line.
    Ready(Box<CallInfo>),
    /// The callee answered: sound makes sense from now on.
    Answered,
    /// The caller's samples, any length.
    Audio(Vec<i16>),
    Dtmf(char),
    /// All audio sent before our mark was played or cleared.
    Mark(String),
    HungUp {
        by: DisconnectedBy,
    },
    /// The carrier broke the protocol; the pump closes the line.
    Violation(Violation),
}

/// A message that the protocol does not allow, and how the line is closed for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (close {code})")]
pub struct Violation {
    pub code: u16,
    /// For the close frame: what was wrong and what is expected, at most 120 bytes.
    pub reason: String,
}

impl Violation {
    /// Close with `code` because of `reason`.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: close_reason(&reason.into()) }
    }
}

/// A close frame holds 123 bytes of reason.
pub fn close_reason(text: &str) -> String {
    let mut end = text.len().min(120);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// To the carrier.
#[derive(Clone, Debug, PartialEq)]
pub enum LineOut {
    /// The config stands and the bot will speak.
    Accepted { session_id: String },
    /// One chunk of the bot's audio, as the line's pacing wants it.
    Audio(Vec<i16>),
    /// Everything sent of this utterance so far: tell us when it was played.
    Mark(String),
    /// Drop what was not played yet.
    Clear,
    /// For a watcher.
    Notice(Notice),
    /// End the call.
    HangUp { by: DisconnectedBy },
    /// Refuse the call or break it off.
    Close { code: u16, reason: String, by: Option<DisconnectedBy> },
}

/// A message on the wire, in.
#[derive(Clone, Copy, Debug)]
pub enum Wire<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// A message on the wire, out.
#[derive(Clone, Debug, PartialEq)]
pub enum WireOut {
    Text(String),
    Binary(Vec<u8>),
    /// Nothing follows.
    Close {
        code: u16,
        reason: String,
    },
    /// Close with this when the other side does not within the deadline, or as soon as it does.
    CloseSoon {
        code: u16,
        reason: String,
    },
}

/// What sets one line's protocol apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// `ws`, `exotel`, `talk`.
    pub name: &'static str,
    /// The carrier echoes marks.
    pub echoes_marks: bool,
    /// The carrier buffers: a fade cannot be heard, a clear cuts.
    pub buffers: bool,
    /// The largest message taken, bytes.
    pub max_message_bytes: usize,
}

/// A carrier's protocol. Pure: bytes in, messages out.
pub trait Codec: Send {
    /// What sets the protocol apart.
    fn traits(&self) -> Traits;
    /// How audio is to be sent at the line's rate.
    fn pacing(&self, rate_hz: u32) -> Pacing;
    /// Read a message.
    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Violation>;
    /// Write a message. `now` is the time of day for protocols that stamp it.
    fn encode(&mut self, out: LineOut, now: jiff::Timestamp) -> Vec<WireOut>;
}
