//! What happens on a call, as its holder sees it.

use std::sync::Arc;

use serde::Serialize;

/// One event of a call. Times are milliseconds after the answer.
#[derive(Clone, Debug)]
pub enum Event {
    /// The call is answered: the handshake is through and audio flows.
    Answered,
    /// `/talk`: the server has bound the call. `session_id` is its record at the bridge.
    Ready { session_id: String },
    /// The bot's audio as it is heard, only with `Options::deliver_audio`; at the line's rate.
    BotAudio(Arc<[i16]>),
    /// The bot became audible.
    BotAudible { at_ms: f64 },
    /// The bot has been silent since `at_ms`; told after the hangover.
    BotSilent { at_ms: f64 },
    /// The server took back audio that was not played yet (barge-in).
    Cleared { at_ms: f64, unheard_ms: f64 },
    /// `/talk`: something was said.
    Transcript(Transcript),
    /// `/talk`: the bot begins a turn.
    BotStarted { turn: u64 },
    /// `/talk`: the bot has finished a turn.
    BotStopped { turn: u64 },
    /// `/talk`: the caller interrupted; `heard` is what the bot had said until then.
    Interrupted { turn: u64, heard: String },
    /// `/talk`: where a turn's time went.
    Metrics(Metrics),
    /// `/ws`: the bot asks the dialler to connect the caller elsewhere.
    Transfer { to: String },
    /// `/talk`: the server says what is wrong.
    ServerError { code: String, detail: String },
    /// The call is over; nothing follows.
    Ended(End),
}

/// A line of the conversation as the server sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transcript {
    /// `caller` or `bot`.
    pub speaker: String,
    pub text: String,
    /// A partial one is replaced by the next of the same speaker.
    #[serde(rename = "final")]
    pub is_final: bool,
    pub interrupted: bool,
    pub started_ms: f64,
    pub ended_ms: f64,
}

/// The delay of one turn by its parts, as the server measured it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    pub turn: u64,
    /// Name (without `_ms`) and milliseconds, in the protocol's order.
    pub parts: Vec<(String, f64)>,
    pub total_ms: f64,
}

/// Who ended the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller hung up.
    Caller,
    /// The bot hung up, in the way its protocol says.
    Bot,
    /// The server closed the socket without a hang-up.
    Server,
    /// The carrier gave up: one of its deadlines passed.
    Carrier,
    /// The connection broke.
    Lost,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct End {
    pub by: EndedBy,
    pub at_ms: f64,
    /// The WebSocket close code the server gave.
    pub close_code: Option<u16>,
    /// In words: the server's reason, its `disconnected_by`, or what broke.
    pub reason: String,
}

impl End {
    /// Whether the call ended as calls should: one of the two parties hung up.
    pub fn is_regular(&self) -> bool {
        matches!(self.by, EndedBy::Caller | EndedBy::Bot)
    }
}
