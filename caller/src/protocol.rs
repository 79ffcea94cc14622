//! The protocols from the carrier's side. A codec makes the carrier's messages, reads the server's, and notes
//! everything the server does wrong; it knows nothing of sockets and clocks.

use tokio_tungstenite::tungstenite::Message;

use crate::{
    event::{Metrics, Transcript},
    options::{Options, Protocol},
    violation::{Ledger, Rule},
};

mod exotel;
mod fields;
mod marks;
mod payload;
mod plivo;
mod stream;
mod talk;
mod telnyx;
mod twilio;
mod vonage;
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
    Twilio(twilio::Twilio),
    Plivo(plivo::Plivo),
    Telnyx(telnyx::Telnyx),
    Vonage(vonage::Vonage),
}

impl Codec {
    pub(crate) fn new(options: &Options, stream_id: &str) -> Self {
        match options.protocol {
            Protocol::Talk => Self::Talk(talk::Talk::default()),
            Protocol::Ws => Self::Ws(ws::Ws::new(options, stream_id)),
            Protocol::Exotel { rate_hz } => Self::Exotel(exotel::Exotel::new(options, stream_id, rate_hz)),
            Protocol::Twilio => Self::Twilio(twilio::Twilio::new(options, stream_id)),
            Protocol::Plivo { rate_hz } => Self::Plivo(plivo::Plivo::new(options, stream_id, rate_hz)),
            Protocol::Telnyx { rate_hz } => Self::Telnyx(telnyx::Telnyx::new(options, stream_id, rate_hz)),
            Protocol::Vonage { rate_hz } => Self::Vonage(vonage::Vonage::new(options, stream_id, rate_hz)),
        }
    }

    /// The carrier's handshake, in order. The call is answered when the last is sent.
    pub(crate) fn opening(&mut self) -> Vec<Message> {
        match self {
            Self::Talk(_) => Vec::new(),
            Self::Ws(ws) => ws.opening(),
            Self::Exotel(exotel) => exotel.opening(),
            Self::Twilio(twilio) => twilio.opening(),
            Self::Plivo(plivo) => plivo.opening(),
            Self::Telnyx(telnyx) => telnyx.opening(),
            Self::Vonage(vonage) => vonage.opening(),
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
            _ => true,
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
            Self::Twilio(twilio) => Some(twilio.frame(frame)),
            Self::Plivo(plivo) => Some(plivo.frame(frame)),
            Self::Telnyx(telnyx) => Some(telnyx.frame(frame)),
            Self::Vonage(vonage) => Some(vonage.frame(frame)),
        }
    }

    pub(crate) fn dtmf(&mut self, digit: char) -> Message {
        match self {
            Self::Talk(_) => talk::dtmf(digit),
            Self::Ws(ws) => ws.dtmf(digit),
            Self::Exotel(exotel) => exotel.dtmf(digit),
            Self::Twilio(twilio) => twilio.dtmf(digit),
            Self::Plivo(plivo) => plivo.dtmf(digit),
            Self::Telnyx(telnyx) => telnyx.dtmf(digit),
            Self::Vonage(vonage) => vonage.dtmf(digit),
        }
    }

    /// The message with which the carrier says that the caller hung up; some say nothing and close the socket.
    pub(crate) fn hangup(&mut self) -> Option<Message> {
        match self {
            Self::Talk(_) => Some(talk::hangup()),
            Self::Ws(ws) => Some(ws.hangup("customer")),
            Self::Exotel(exotel) => Some(exotel.stop()),
            Self::Twilio(twilio) => Some(twilio.stop()),
            Self::Telnyx(telnyx) => Some(telnyx.stop()),
            Self::Plivo(_) | Self::Vonage(_) => None,
        }
    }

    /// Whether the carrier can connect the caller elsewhere and end the bot's stream for it.
    pub(crate) fn takes_over(&self) -> bool {
        !matches!(self, Self::Talk(_) | Self::Exotel(_))
    }

    /// The message with which the carrier says that it did. Those that are asked beside the line end the stream as they do when the
    /// caller hangs up.
    pub(crate) fn taken_over(&mut self) -> Option<Message> {
        match self {
            Self::Ws(ws) => Some(ws.hangup("transfer")),
            _ => self.hangup(),
        }
    }

    /// What the carrier says to what the server sent just now.
    pub(crate) fn reply(&mut self) -> Option<Message> {
        match self {
            Self::Plivo(plivo) => plivo.reply(),
            Self::Vonage(vonage) => vonage.reply(),
            _ => None,
        }
    }

    /// The carrier's answer to a hang-up of the bot; only the dialler has one.
    pub(crate) fn confirm_hangup(&mut self) -> Option<Message> {
        match self {
            Self::Ws(ws) => Some(ws.hangup("bot")),
            _ => None,
        }
    }

    /// Everything before the mark was played (or cleared).
    pub(crate) fn mark_played(&mut self, name: &str) -> Option<Message> {
        match self {
            Self::Exotel(exotel) => Some(exotel.mark_played(name)),
            Self::Twilio(twilio) => twilio.mark_played(name),
            Self::Plivo(plivo) => plivo.mark_played(name),
            Self::Telnyx(telnyx) => telnyx.mark_played(name),
            Self::Vonage(vonage) => vonage.mark_played(name),
            Self::Talk(_) | Self::Ws(_) => None,
        }
    }

    /// Whether closing the socket is how this protocol's bot hangs up.
    pub(crate) fn closing_is_a_hangup(&self) -> bool {
        !matches!(self, Self::Talk(_) | Self::Ws(_))
    }

    /// Whether the carrier closes the socket itself after the caller hung up.
    pub(crate) fn carrier_closes(&self) -> bool {
        !matches!(self, Self::Talk(_) | Self::Ws(_))
    }

    pub(crate) fn text(&mut self, text: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        match self {
            Self::Talk(talk) => talk.text(text, intake),
            Self::Ws(ws) => ws.text(text, intake),
            Self::Exotel(exotel) => exotel.text(text, intake),
            Self::Twilio(twilio) => twilio.text(text, intake),
            Self::Plivo(plivo) => plivo.text(text, intake),
            Self::Telnyx(telnyx) => telnyx.text(text, intake),
            Self::Vonage(vonage) => vonage.text(text, intake),
        }
    }

    pub(crate) fn binary(&mut self, bytes: &[u8], intake: &mut Intake<'_>) -> Option<Effect> {
        match self {
            Self::Talk(talk) => return talk.binary(bytes, intake),
            Self::Vonage(vonage) => return vonage.binary(bytes, intake),
            _ => {}
        }
        intake.note(Rule::BinaryFrame, || format!("a binary frame of {} bytes", bytes.len()));
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Which rules these messages of a server break, and how often.
    pub(super) fn check_text(
        messages: &[Value],
        expected: &[(Rule, u64)],
        mut read: impl FnMut(&str, &mut Intake<'_>) -> Option<Effect>,
    ) {
        let (ledger, mut scratch) = (Ledger::default(), Scratch::default());
        for message in messages {
            let mut intake = Intake { at_ms: 1.0, ledger: &ledger, scratch: &mut scratch };
            read(&message.to_string(), &mut intake);
        }
        let noted: Vec<_> = ledger.violations().into_iter().map(|noted| (noted.rule, noted.count)).collect();
        assert_eq!(noted, expected, "{messages:?}");
    }
}
