//! A call, as whoever places it holds it.

use std::time::Duration;

use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use ulid::Ulid;

use crate::{
    connect::{ConnectError, Socket, adopt, open},
    ear::{Ear, Span},
    event::Event,
    line::{Command, Line, Shared},
    mouth::Speech,
    options::Options,
    protocol::Codec,
    report::Report,
    speech::Clip,
    state::State,
    violation::{Ledger, Violation},
};

/// Events that wait for a holder who is busy: half a minute of a busy call, or twenty seconds of its audio.
const EVENTS_MAX: usize = 1_024;
const COMMANDS_MAX: usize = 16;

/// Why something could not be done on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    #[error("the call is over")]
    Ended,
    #[error("the clip was not said: the call ended before, or too much was waiting to be said")]
    NotSaid,
    #[error("{0:?} is not a key of a telephone; use 0-9, *, # or A-D")]
    Digit(char),
}

/// Where on the line's clock something that was said was audible, in milliseconds after the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spoken {
    pub from_ms: f64,
    pub to_ms: f64,
}

/// Something that is being said. Dropping it does not stop it.
#[derive(Debug)]
pub struct Saying {
    done: oneshot::Receiver<Span>,
    rate_hz: u32,
}

impl Saying {
    /// Wait until the last sample is on the wire.
    pub async fn finished(self) -> Result<Spoken, CallError> {
        let span = self.done.await.map_err(|_| CallError::NotSaid)?;
        let ms = |position: u64| position as f64 * 1_000.0 / f64::from(self.rate_hz);
        Ok(Spoken { from_ms: ms(span.start), to_ms: ms(span.end) })
    }
}

/// A running call. Dropping it hangs up.
#[derive(Debug)]
pub struct Call {
    commands: mpsc::Sender<Command>,
    events: Option<mpsc::Receiver<Event>>,
    state: watch::Receiver<State>,
    ledger: Ledger,
    task: JoinHandle<Report>,
    rate_hz: u32,
    hangover: Duration,
    stream_id: String,
}

/// Place a call. Returns as soon as the socket is open; [`Event::Answered`] tells that the handshake is through.
///
/// # Errors
/// When no socket could be opened: see [`ConnectError`]. What goes wrong afterwards is in the [`Report`].
pub async fn connect(options: Options) -> Result<Call, ConnectError> {
    let socket = open(&options).await?;
    begin(socket, options)
}

/// Place a call over a connection that stands, at whose other end somebody speaks the protocol, as a WebSocket server does after the
/// upgrade: the way to whatever is no socket by itself, such as a seat in a room. The options' address and ticket are not used.
///
/// # Errors
/// When the recording that was asked for could not be opened.
pub async fn connect_over(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    options: Options,
) -> Result<Call, ConnectError> {
    let socket = adopt(Box::new(io)).await;
    begin(socket, options)
}

fn begin(socket: Socket, options: Options) -> Result<Call, ConnectError> {
    let rate_hz = options.protocol.rate_hz();
    let hangover = Duration::from_millis(u64::from(options.hearing.hangover_ms));
    let ear = Ear::new(rate_hz, &options.hearing)?;
    let stream_id = options.stream_id.clone().unwrap_or_else(|| Ulid::generate().to_string().to_lowercase());
    let codec = Codec::new(&options, &stream_id);
    let ledger = Ledger::default();
    let (commands, commands_out) = mpsc::channel(COMMANDS_MAX);
    let (events_in, events) = mpsc::channel(EVENTS_MAX);
    let (state_in, state) = watch::channel(State::default());
    let shared = Shared { ledger: ledger.clone(), events: events_in, state: state_in };
    let line = Line::new(socket, codec, options, ear, shared);
    let task = tokio::spawn(line.run(commands_out));
    Ok(Call { commands, events: Some(events), state, ledger, task, rate_hz, hangover, stream_id })
}

impl Call {
    /// Say a clip as one turn of the caller; returns when its last sample is on the wire.
    pub async fn say(&self, clip: &Clip) -> Result<Spoken, CallError> {
        self.start_saying(clip).await?.finished().await
    }

    /// Begin to say a clip as one turn, after whatever is being said.
    pub async fn start_saying(&self, clip: &Clip) -> Result<Saying, CallError> {
        let clip = clip.at_rate(self.rate_hz);
        self.queue(&clip, clip.audible()).await
    }

    /// Play a recording or a piece of a microphone's audio. Its turns are found by the silence between them.
    pub async fn play(&self, clip: &Clip) -> Result<Saying, CallError> {
        self.queue(&clip.at_rate(self.rate_hz), None).await
    }

    /// Press a key.
    pub async fn dtmf(&self, digit: char) -> Result<(), CallError> {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return Err(CallError::Digit(digit));
        }
        self.command(Command::Dtmf(digit)).await
    }

    /// Connect the caller to whom the bot named with [`Event::Transfer`]: the bot's stream ends. On a line without transfers the
    /// caller hangs up.
    pub async fn take_over(&self) -> Result<(), CallError> {
        self.command(Command::TakeOver).await
    }

    /// Hang up. The call is over when [`Event::Ended`] comes or [`Call::finish`] returns.
    pub async fn hangup(&self) -> Result<(), CallError> {
        self.command(Command::Hangup).await
    }

    /// Hang up if nobody has, wait for the socket to close, and tell everything. Waits at most for the deadlines of
    /// the options.
    pub async fn finish(self) -> Report {
        // A call that has ended by itself needs no hang-up.
        let _ = self.hangup().await;
        self.ended().await
    }

    /// Wait until the call ends, whoever ends it, and tell everything.
    pub async fn ended(self) -> Report {
        let Self { commands, task, .. } = self;
        let report = task.await;
        drop(commands);
        report.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// The events of the call; once.
    pub fn take_events(&mut self) -> Option<mpsc::Receiver<Event>> {
        self.events.take()
    }

    /// What is going on now, and a way to wait for it to change.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// What the server has done wrong so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.ledger.violations()
    }

    /// Samples per second on the line.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// The stream's id, as the server knows it (not on `/talk`).
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Silence after which the ear says that the bot has fallen silent.
    pub fn hangover(&self) -> Duration {
        self.hangover
    }

    /// Wait until `until` holds or `within` has passed; `false` for the latter, and when the call ended first.
    pub async fn eventually(&self, within: Duration, until: impl FnMut(&State) -> bool) -> bool {
        let mut state = self.state();
        let waited = tokio::time::timeout(within, state.wait_for(until)).await;
        matches!(waited, Ok(Ok(_)))
    }

    async fn queue(&self, clip: &Clip, turn: Option<Span>) -> Result<Saying, CallError> {
        let (done, spoken) = oneshot::channel();
        self.command(Command::Say(Speech { samples: clip.samples().clone(), turn, done })).await?;
        Ok(Saying { done: spoken, rate_hz: self.rate_hz })
    }

    async fn command(&self, command: Command) -> Result<(), CallError> {
        self.commands.send(command).await.map_err(|_| CallError::Ended)
    }
}
