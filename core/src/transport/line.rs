//! What every line has in common: what a carrier's codec makes of its messages, and what it makes messages of.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use vox_shared::redact::Redacted;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::DisconnectedBy;
use vox_shared::wire::seat::RoomSeat;
use vox_shared::wire::supervision::SeatGiven;

use super::fault::Fault;
use super::reason::Reason;
use crate::media::playout::Pacing;
use crate::session::event::{ConsultEvent, ConsultOrder, Notice, OrderId, SupervisorEvent};

/// Messages waiting on a line, each way: about a second of 20 ms frames.
pub const LINE_DEPTH: usize = 64;

/// The name of lines in rooms.
pub const IN_ROOMS: &str = "livekit";

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
    /// The bot's line token, where a carrier can show it only in a message. It is no part of `connected_event`.
    pub line_token: Option<Redacted<String>>,
    /// The carrier's name of the call, for orders beside the line.
    pub carrier_call: Option<String>,
}

/// A line whose handshake is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    pub info: CallInfo,
    /// Sample rate of the line, Hz.
    pub rate_hz: u32,
    /// How the line wants its audio, at that rate.
    pub pacing: Pacing,
}

/// From the carrier.
#[derive(Clone, Debug, PartialEq)]
pub enum LineIn {
    /// The handshake is complete. The first message of a line.
    Ready(Box<Ready>),
    /// Before the answer, of a line into a room: where the call sits from then on.
    Sits(Box<RoomSeat>),
    /// Before the answer, of a telephone that was rung while the bot was on the line: from the dial to the answer.
    Rang(Duration),
    /// The callee answered: sound makes sense from now on.
    Answered,
    /// The caller's samples, any length.
    Audio(Vec<i16>),
    Dtmf(char),
    /// The caller wrote this.
    Typed(String),
    /// All audio sent before our mark was played or cleared.
    Mark(String),
    /// What is sent from now on waits: nobody hears it before [`LineIn::Flows`].
    Stands,
    /// It is heard again.
    Flows,
    HungUp {
        by: DisconnectedBy,
    },
    /// The caller was handed over, as [`LineOut::Transfer`] asked: the call is over here.
    Transferred,
    /// The caller was not handed over, and is still here.
    TransferFailed {
        why: String,
    },
    /// They are not here any more, and whether because of that nobody can say; [`LineIn::HungUp`] follows.
    TransferUnclear {
        why: String,
    },
    /// A key of [`LineOut::Key`] was not pressed.
    KeyFailed {
        why: String,
    },
    /// What becomes of somebody who is asked to take the call. Only from a line in rooms.
    Consult(ConsultEvent),
    /// The sound of whoever has taken the call, while the caller's is [`LineIn::Audio`].
    Third(Vec<i16>),
    /// The line breaks off for this reason; the pump closes it.
    Broken(Reason),
    /// Sound of people of ours, which is not the caller's.
    Aside {
        from: Aside,
        pcm: Vec<i16>,
    },
    /// A supervisor is in the call now, or another thing there, or gone.
    Supervised(SupervisorEvent),
    /// What [`LineOut::Supervise`] asked for is done: the seat, if one was asked for. Or why not.
    Seated {
        id: OrderId,
        seat: Result<Option<Box<SeatGiven>>, String>,
    },
}

/// Whom the sound of people of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// The caller hears it too: they talk together.
    Aloud,
    /// The bot alone.
    Whispered,
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
    /// Hand the caller over to this number. Only to a line that can ([`Traits::transfers`]).
    Transfer { to: String },
    /// Press a key of the telephone. Only to a line that can ([`Traits::presses_keys`]).
    Key(char),
    /// Ask somebody to take the call. Only to a line in rooms. With what the caller hears who waits, at the line's rate; without it the
    /// line has music of its own.
    Consult(ConsultOrder, Option<Arc<[i16]>>),
    /// Give a supervisor a seat, or take it away; [`LineIn::Seated`] follows. Only to a line in rooms ([`Traits::has_rooms`]).
    Supervise { id: OrderId, order: Box<Order> },
    /// End the call.
    HangUp { by: DisconnectedBy },
    /// Refuse the call, or break it off.
    Refuse(Reason),
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
    /// The route's first segment: `ws`, `exotel`, `talk`, `twilio`, …, or `livekit`.
    pub name: &'static str,
    /// The carrier echoes marks.
    pub echoes_marks: bool,
    /// The carrier buffers: a fade cannot be heard, a clear cuts.
    pub buffers: bool,
    /// How the carrier hands the caller over, if it can: a method of the contract's transfer targets.
    pub transfers: Option<&'static str>,
    /// The bot can press keys that the telephone on the other side hears.
    pub presses_keys: bool,
    /// The largest message taken, bytes.
    pub max_message_bytes: usize,
}

impl Traits {
    /// Whether the call is in rooms that others can be let into.
    pub fn has_rooms(&self) -> bool {
        self.name == IN_ROOMS
    }
}

/// A carrier's protocol. Pure: bytes in, messages out.
pub trait Codec: Send {
    /// What sets the protocol apart.
    fn traits(&self) -> Traits;
    /// Read a message. What the codec cannot use it says; whether the call ends for it is not the codec's to decide.
    fn decode(&mut self, message: Wire<'_>) -> Result<Vec<LineIn>, Fault>;
    /// Write a message. `now` is the time of day for protocols that stamp it.
    fn encode(&mut self, out: LineOut, now: jiff::Timestamp) -> Vec<WireOut>;
    /// What it means that the carrier's connection is gone, however it went.
    fn gone(&self) -> LineIn {
        LineIn::HungUp { by: DisconnectedBy::Customer }
    }
}
