//! The three protocols from the carrier's side. A codec makes the carrier's messages, reads the server's, and notes
//! everything the server does wrong; it knows nothing of sockets and clocks.

use tokio_tungstenite::tungstenite::Message;

use crate::{
    event::{Metrics, Transcript},
    options::{Options, Protocol},
    violation::{Ledger, Rule},
};

mod exotel;
mod fields;
mod payload;
mod talk;
mod ws;

/// What a message of the server means for the line.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Audio; its samples are in [`Scratch::samples`].
    Audio,
    /// Drop what is not played yet.
    Clear,
    /// Tell the server when everything before this has been played.
    Mark(String),
    Ready {
        session_id: String,
    },
    Transcript(Transcript),
    BotStarted {
        turn: u64,
    },
    BotStopped {
        turn: u64,
    },
    Interrupted {
        turn: u64,
        heard: String,
    },
    Metrics(Metrics),
    Transfer {
        to: String,
    },
    ServerError {
        code: String,
        detail: String,
    },
    /// The server ends the call.
    HungUp {
        reason: String,
    },
}

/// Buffers that live as long as the call, so that a frame allocates nothing but its message.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) samples: Vec<i16>,
}

/// One message being read.
pub(crate) struct Intake<'a> {
    /// Milliseconds after the answer.
    pub(crate) at_ms: f64,
    pub(crate) ledger: &'a Ledger,
    pub(crate) scratch: &'a mut Scratch,
}

impl Intake<'_> {
    pub(crate) fn note(&self, rule: Rule, example: impl FnOnce() -> String) {
        self.ledger.note(rule, self.at_ms, example);
    }
}

/// The carrier's half of a protocol.
#[derive(Debug)]
pub(crate) enum Codec {
    Talk(talk::Talk),
    Ws(ws::Ws),
    Exotel(exotel::Exotel),
}

impl Codec {
    pub(crate) fn new(options: &Options, stream_id: &str) -> Self {
        match options.protocol {
            Protocol::Talk => Self::Talk(talk::Talk::default()),
            Protocol::Ws => Self::Ws(ws::Ws::new(options, stream_id)),
            Protocol::Exotel { rate_hz } => Self::Exotel(exotel::Exotel::new(options, stream_id, rate_hz)),
        }
    }

    /// The carrier's handshake, in order. The call is answered when the last is sent.
    pub(crate) fn opening(&mut self) -> Vec<Message> {
        match self {
            Self::Talk(_) => Vec::new(),
            Self::Ws(ws) => ws.opening(),
            Self::Exotel(exotel) => exotel.opening(),
        }
    }

    /// Which rule something breaks that arrives before message `step` of the handshake was sent.
    pub(crate) fn too_early(&self, step: usize) -> Rule {
        match self {
            Self::Ws(_) if step >= 2 => Rule::BeforeAnswer,
            _ => Rule::BeforeStart,
        }
    }

    /// Whether the caller's audio may flow: on `/talk` only after `ready`.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Talk(talk) => talk.is_ready(),
            Self::Ws(_) | Self::Exotel(_) => true,
        }
    }

    /// Whether the carrier hangs up when nothing has come within the answer deadline.
    pub(crate) fn gives_up(&self) -> bool {
        !matches!(self, Self::Ws(_))
    }

    /// The next 20 ms of the caller. `None` while a message gathers several frames.
    pub(crate) fn frame(&mut self, frame: &[i16]) -> Option<Message> {
        match self {
            Self::Talk(talk) => Some(talk.frame(frame)),
            Self::Ws(ws) => Some(ws.frame(frame)),
            Self::Exotel(exotel) => exotel.frame(frame),
        }
    }

    pub(crate) fn dtmf(&mut self, digit: char) -> Message {
        match self {
            Self::Talk(_) => talk::dtmf(digit),
            Self::Ws(ws) => ws.dtmf(digit),
            Self::Exotel(exotel) => exotel.dtmf(digit),
        }
    }

    /// The message with which the carrier says that the caller hung up.
    pub(crate) fn hangup(&mut self) -> Message {
        match self {
            Self::Talk(_) => talk::hangup(),
            Self::Ws(ws) => ws.hangup("customer"),
            Self::Exotel(exotel) => exotel.stop(),
        }
    }

    /// The message with which the carrier says that it connected the caller elsewhere; only the dialler has one.
    pub(crate) fn taken_over(&self) -> Option<Message> {
        match self {
            Self::Ws(ws) => Some(ws.hangup("transfer")),
            Self::Talk(_) | Self::Exotel(_) => None,
        }
    }

    /// The carrier's answer to a hang-up of the bot; only the dialler has one.
    pub(crate) fn confirm_hangup(&mut self) -> Option<Message> {
        match self {
            Self::Ws(ws) => Some(ws.hangup("bot")),
            Self::Talk(_) | Self::Exotel(_) => None,
        }
    }

    /// Everything before the mark was played (or cleared).
    pub(crate) fn mark_played(&mut self, name: &str) -> Option<Message> {
        match self {
            Self::Exotel(exotel) => Some(exotel.mark_played(name)),
            Self::Talk(_) | Self::Ws(_) => None,
        }
    }

    /// Whether closing the socket is how this protocol's bot hangs up.
    pub(crate) fn closing_is_a_hangup(&self) -> bool {
        matches!(self, Self::Exotel(_))
    }

    /// Whether the carrier closes the socket itself after the caller hung up.
    pub(crate) fn carrier_closes(&self) -> bool {
        matches!(self, Self::Exotel(_))
    }

    pub(crate) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        match self {
            Self::Talk(talk) => talk.text(text, intake),
            Self::Ws(ws) => ws.text(text, intake),
            Self::Exotel(exotel) => exotel.text(text, intake),
        }
    }

    pub(crate) fn binary(&mut self, bytes: &[u8], intake: &mut Intake<'_>) -> Option<Effect> {
        if let Self::Talk(talk) = self {
            return talk.binary(bytes, intake);
        }
        intake.note(Rule::BinaryFrame, || format!("a binary frame of {} bytes", bytes.len()));
        None
    }
}
