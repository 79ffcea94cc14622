//! Moves a line's messages between the WebSocket and the call: one task, bounded both ways, every wait with a deadline.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use vox_shared::clock::Clock;

use super::close;
use super::fault::Fault;
use super::line::{Codec, LINE_DEPTH, LineIn, LineOut, Wire, WireOut};
use super::patience::Patience;
use super::reason::Reason;
use super::untidy::Dropped;

/// A socket that cannot be written for this long is dead.
const WRITE_DEADLINE: Duration = Duration::from_secs(2);
/// The other side closes within this after our goodbye, or we do.
const CLOSE_DEADLINE: Duration = Duration::from_millis(2_500);
/// Nothing at all from the carrier for this long, not even an answer to a ping: the line is dead.
const READ_DEADLINE: Duration = Duration::from_secs(30);
/// A carrier that says nothing, as some do while the caller is silent, is asked whether it is there, this often.
const PING_AFTER: Duration = Duration::from_secs(10);
/// The same while it rings, when carriers may send nothing: longer than the call waits for its answer.
const RING_DEADLINE: Duration = Duration::from_secs(75);

/// A connection that a line goes over.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection for S {}

/// The call's ends of a line.
#[derive(Debug)]
pub struct Ends {
    pub incoming: mpsc::Receiver<LineIn>,
    pub outgoing: mpsc::Sender<LineOut>,
    /// Messages that were left out so far.
    pub dropped: Arc<Dropped>,
}

/// Both sides of a line.
pub fn channel() -> (Ends, Pump) {
    let (to_call, incoming) = mpsc::channel(LINE_DEPTH);
    let (outgoing, from_call) = mpsc::channel(LINE_DEPTH);
    let dropped = Arc::new(Dropped::default());
    let pump =
        Pump { to_call, from_call, answered: false, dropped: dropped.clone(), patience: Patience::default() };
    (Ends { incoming, outgoing, dropped }, pump)
}

/// The socket's ends of a line.
#[derive(Debug)]
pub struct Pump {
    to_call: mpsc::Sender<LineIn>,
    from_call: mpsc::Receiver<LineOut>,
    answered: bool,
    dropped: Arc<Dropped>,
    patience: Patience,
}

/// After a message from the socket.
enum Next {
    Go,
    SocketGone,
    /// The call listens no more.
    CallGone,
}

enum End {
    /// The other side is gone.
    Gone,
    Close {
        code: u16,
        reason: String,
    },
    CloseSoon {
        code: u16,
        reason: String,
    },
}

impl Pump {
    /// Run until the line is closed. `opening` stands for messages that the address already said.
    pub async fn run<S: Connection>(
        mut self,
        mut socket: WebSocketStream<S>,
        mut codec: Box<dyn Codec>,
        opening: Vec<LineIn>,
        clock: Clock,
    ) {
        for event in opening {
            self.answered |= matches!(event, LineIn::Answered);
            if self.to_call.send(event).await.is_err() {
                return;
            }
        }
        let end = self.exchange(&mut socket, codec.as_mut(), &clock).await;
        match end {
            End::Gone => {}
            End::Close { code, reason } => close_now(&mut socket, code, reason).await,
            End::CloseSoon { code, reason } => {
                wait_for_close(&mut socket, Some(codec.as_mut())).await;
                close_now(&mut socket, code, reason).await;
            }
        }
        // The call learns that the line is gone, however it went.
        let _over = self.to_call.send(codec.gone()).await;
    }

    async fn exchange<S: Connection>(
        &mut self,
        socket: &mut WebSocketStream<S>,
        codec: &mut dyn Codec,
        clock: &Clock,
    ) -> End {
        let mut heard_at = Instant::now();
        let mut ping_at = heard_at + PING_AFTER;
        loop {
            let deadline = if self.answered { READ_DEADLINE } else { RING_DEADLINE };
            tokio::select! {
                message = socket.next() => {
                    heard_at = Instant::now();
                    ping_at = heard_at + PING_AFTER;
                    match self.take(message, codec).await {
                        Ok(Next::Go) => {}
                        Ok(Next::SocketGone) => return End::Gone,
                        Ok(Next::CallGone) => return self.say_the_rest(socket, codec, clock).await,
                        Err(reason) => return self.break_off(socket, codec, clock, reason).await,
                    }
                }
                out = self.from_call.recv() => {
                    if let Some(end) = say(socket, codec, clock, out).await {
                        return end;
                    }
                }
                () = tokio::time::sleep_until(ping_at.min(heard_at + deadline)) => {
                    if heard_at.elapsed() >= deadline {
                        let reason = Reason::Silent(deadline.as_secs());
                        return self.break_off(socket, codec, clock, reason).await;
                    }
                    ping_at = Instant::now() + PING_AFTER;
                    if ask_for_life(socket).await.is_err() {
                        return End::Gone;
                    }
                }
            }
        }
    }

    /// The call takes nothing more; what it said last still goes out.
    async fn say_the_rest<S: Connection>(
        &mut self,
        socket: &mut WebSocketStream<S>,
        codec: &mut dyn Codec,
        clock: &Clock,
    ) -> End {
        loop {
            let out = self.from_call.recv().await;
            if let Some(end) = say(socket, codec, clock, out).await {
                return end;
            }
        }
    }

    async fn take(
        &mut self,
        message: Option<Result<Message, Error>>,
        codec: &mut dyn Codec,
    ) -> Result<Next, Reason> {
        let decoded = match message {
            Some(Ok(Message::Text(text))) => codec.decode(Wire::Text(text.as_str())),
            Some(Ok(Message::Binary(data))) => codec.decode(Wire::Binary(&data)),
            Some(Ok(Message::Close(_))) | None => return Ok(Next::SocketGone),
            Some(Ok(_)) => return Ok(Next::Go),
            Some(Err(error)) => return read_fault(&error),
        };
        let events = match decoded {
            Ok(events) => events,
            Err(Fault::Dropped(untidy)) => {
                self.dropped.note(untidy);
                self.patience.strain(untidy, Instant::now())?;
                return Ok(Next::Go);
            }
            Err(Fault::Fatal(reason)) => return Err(reason),
        };
        // A key, a message or a mark does not stand for the audio that is missing.
        let is_no_audio =
            |event: &LineIn| matches!(event, LineIn::Dtmf(_) | LineIn::Typed(_) | LineIn::Mark(_));
        if !events.iter().all(is_no_audio) || events.is_empty() {
            self.patience.restore();
        }
        for event in events {
            self.answered |= matches!(event, LineIn::Answered);
            if self.to_call.send(event).await.is_err() {
                return Ok(Next::CallGone);
            }
        }
        Ok(Next::Go)
    }

    /// Close the line for a reason, in its own words, and tell the call.
    async fn break_off<S: Connection>(
        &self,
        socket: &mut WebSocketStream<S>,
        codec: &mut dyn Codec,
        clock: &Clock,
        reason: Reason,
    ) -> End {
        let _over = self.to_call.send(LineIn::Broken(reason.clone())).await;
        let said = say(socket, codec, clock, Some(LineOut::Refuse(reason))).await;
        said.unwrap_or(End::Gone)
    }
}

/// A read error is the other side's doing when it broke the protocol, else the line is simply gone.
fn read_fault(error: &Error) -> Result<Next, Reason> {
    match error {
        Error::Capacity(_) => Err(Reason::TooBig),
        Error::Utf8(_) => Err(Reason::NotText),
        _ => Ok(Next::SocketGone),
    }
}

/// `Ok(Some(..))` when this was the last message.
async fn write<S: Connection>(socket: &mut WebSocketStream<S>, message: WireOut) -> Result<Option<End>, ()> {
    let message = match message {
        WireOut::Text(text) => Message::Text(text.into()),
        WireOut::Binary(data) => Message::Binary(data.into()),
        WireOut::Close { code, reason } => return Ok(Some(End::Close { code, reason })),
        WireOut::CloseSoon { code, reason } => return Ok(Some(End::CloseSoon { code, reason })),
    };
    match timeout(WRITE_DEADLINE, socket.send(message)).await {
        Ok(Ok(())) => Ok(None),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

async fn ask_for_life<S: Connection>(socket: &mut WebSocketStream<S>) -> Result<(), ()> {
    match timeout(WRITE_DEADLINE, socket.send(Message::Ping(Vec::new().into()))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}

/// Write what the call says; `None` of it is its end.
async fn say<S: Connection>(
    socket: &mut WebSocketStream<S>,
    codec: &mut dyn Codec,
    clock: &Clock,
    out: Option<LineOut>,
) -> Option<End> {
    let Some(out) = out else { return Some(End::Close { code: close::NORMAL, reason: String::new() }) };
    for message in codec.encode(out, clock.now()) {
        match write(socket, message).await {
            Ok(None) => {}
            Ok(Some(end)) => return Some(end),
            Err(()) => return Some(End::Gone),
        }
    }
    None
}

async fn close_now<S: Connection>(socket: &mut WebSocketStream<S>, code: u16, reason: String) {
    let frame = CloseFrame { code: code.into(), reason: reason.into() };
    if let Ok(Ok(())) = timeout(WRITE_DEADLINE, socket.send(Message::Close(Some(frame)))).await {
        wait_for_close(socket, None).await;
    }
}

/// Read on until the other side closes, or hangs up in its protocol, for a bounded time.
async fn wait_for_close<S: Connection>(socket: &mut WebSocketStream<S>, mut codec: Option<&mut dyn Codec>) {
    let mut hangs_up = |text: &str| {
        let events = codec.as_mut().and_then(|codec| codec.decode(Wire::Text(text)).ok()).unwrap_or_default();
        events.iter().any(|event| matches!(event, LineIn::HungUp { .. } | LineIn::Transferred))
    };
    let read = async {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Close(_) => return,
                Message::Text(text) if hangs_up(text.as_str()) => return,
                _ => {}
            }
        }
    };
    let _late = timeout(CLOSE_DEADLINE, read).await;
}

#[cfg(test)]
mod tests;
