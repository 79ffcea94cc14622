//! Moves a line's messages between the WebSocket and the call: one task, bounded both ways, every wait with a deadline.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use vox_shared::clock::Clock;
use vox_shared::wire::result::DisconnectedBy;

use super::line::{Codec, LINE_DEPTH, LineIn, LineOut, Violation, Wire, WireOut, close};

/// A socket that cannot be written for this long is dead.
const WRITE_DEADLINE: Duration = Duration::from_secs(2);
/// The other side closes within this after our goodbye, or we do.
const CLOSE_DEADLINE: Duration = Duration::from_millis(2_500);
/// Nothing at all from the carrier for this long: the line is dead. Carriers send silence.
const READ_DEADLINE: Duration = Duration::from_secs(30);
/// The same while it rings, when carriers may send nothing: longer than the call waits for its answer.
const RING_DEADLINE: Duration = Duration::from_secs(75);

/// The call's ends of a line.
#[derive(Debug)]
pub struct Ends {
    pub incoming: mpsc::Receiver<LineIn>,
    pub outgoing: mpsc::Sender<LineOut>,
}

/// Both sides of a line.
pub fn channel() -> (Ends, Pump) {
    let (to_call, incoming) = mpsc::channel(LINE_DEPTH);
    let (outgoing, from_call) = mpsc::channel(LINE_DEPTH);
    (Ends { incoming, outgoing }, Pump { to_call, from_call, answered: false })
}

/// The socket's ends of a line.
#[derive(Debug)]
pub struct Pump {
    to_call: mpsc::Sender<LineIn>,
    from_call: mpsc::Receiver<LineOut>,
    answered: bool,
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
    pub async fn run(
        mut self,
        mut socket: WebSocket,
        mut codec: Box<dyn Codec>,
        opening: Vec<LineIn>,
        clock: Clock,
    ) {
        for event in opening {
            if self.to_call.send(event).await.is_err() {
                return;
            }
        }
        let end = self.exchange(&mut socket, codec.as_mut(), &clock).await;
        match end {
            End::Gone => {}
            End::Close { code, reason } => close_now(&mut socket, code, reason).await,
            End::CloseSoon { code, reason } => {
                wait_for_close(&mut socket).await;
                close_now(&mut socket, code, reason).await;
            }
        }
        // The call learns that the line is gone, however it went.
        let _over = self.to_call.send(LineIn::HungUp { by: DisconnectedBy::Customer }).await;
    }

    async fn exchange(&mut self, socket: &mut WebSocket, codec: &mut dyn Codec, clock: &Clock) -> End {
        let mut heard_at = Instant::now();
        loop {
            let deadline = if self.answered { READ_DEADLINE } else { RING_DEADLINE };
            tokio::select! {
                message = socket.recv() => {
                    heard_at = Instant::now();
                    match self.take(message, codec).await {
                        Ok(Next::Go) => {}
                        Ok(Next::SocketGone) => return End::Gone,
                        Ok(Next::CallGone) => return self.say_the_rest(socket, codec, clock).await,
                        Err(violation) => return self.violated(socket, codec, clock, violation).await,
                    }
                }
                out = self.from_call.recv() => {
                    if let Some(end) = say(socket, codec, clock, out).await {
                        return end;
                    }
                }
                () = tokio::time::sleep_until(heard_at + deadline) => {
                    let text = format!("nothing was received for {} s", deadline.as_secs());
                    let violation = Violation::new(close::POLICY, text);
                    return self.violated(socket, codec, clock, violation).await;
                }
            }
        }
    }

    /// The call takes nothing more; what it said last still goes out.
    async fn say_the_rest(&mut self, socket: &mut WebSocket, codec: &mut dyn Codec, clock: &Clock) -> End {
        loop {
            let out = self.from_call.recv().await;
            if let Some(end) = say(socket, codec, clock, out).await {
                return end;
            }
        }
    }

    async fn take(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        codec: &mut dyn Codec,
    ) -> Result<Next, Violation> {
        let events = match message {
            Some(Ok(Message::Text(text))) => codec.decode(Wire::Text(text.as_str()))?,
            Some(Ok(Message::Binary(data))) => codec.decode(Wire::Binary(&data))?,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(Next::Go),
            Some(Ok(Message::Close(_))) | None => return Ok(Next::SocketGone),
            Some(Err(error)) => return read_fault(&error),
        };
        for event in events {
            self.answered |= matches!(event, LineIn::Answered);
            if self.to_call.send(event).await.is_err() {
                return Ok(Next::CallGone);
            }
        }
        Ok(Next::Go)
    }

    async fn violated(
        &self,
        socket: &mut WebSocket,
        codec: &mut dyn Codec,
        clock: &Clock,
        violation: Violation,
    ) -> End {
        let out = LineOut::Close {
            code: violation.code,
            reason: violation.reason.clone(),
            by: Some(DisconnectedBy::Error),
        };
        let (code, reason) = (violation.code, violation.reason.clone());
        let _over = self.to_call.send(LineIn::Violation(violation)).await;
        for message in codec.encode(out, clock.now()) {
            if !matches!(write(socket, message).await, Ok(None)) {
                break;
            }
        }
        End::Close { code, reason }
    }
}

/// A read error is the other side's doing when it broke the protocol, else the line is simply gone.
fn read_fault(error: &axum::Error) -> Result<Next, Violation> {
    let text = error.to_string().to_lowercase();
    if text.contains("too long") || text.contains("too big") || text.contains("space limit") {
        return Err(Violation::new(close::TOO_BIG, "the message is over this line's limit"));
    }
    if text.contains("utf-8") || text.contains("utf8") {
        return Err(Violation::new(close::POLICY, "a text frame is not UTF-8"));
    }
    Ok(Next::SocketGone)
}

/// `Ok(Some(..))` when this was the last message.
async fn write(socket: &mut WebSocket, message: WireOut) -> Result<Option<End>, ()> {
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

/// Write what the call says; `None` of it is its end.
async fn say(
    socket: &mut WebSocket,
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

async fn close_now(socket: &mut WebSocket, code: u16, reason: String) {
    let frame = CloseFrame { code, reason: reason.into() };
    if let Ok(Ok(())) = timeout(WRITE_DEADLINE, socket.send(Message::Close(Some(frame)))).await {
        wait_for_close(socket).await;
    }
}

/// Read on until the other side closes, for a bounded time.
async fn wait_for_close(socket: &mut WebSocket) {
    let read = async {
        while let Some(Ok(message)) = socket.recv().await {
            let ends = match &message {
                Message::Close(_) => true,
                Message::Text(text) => text.contains("\"hangup-call\""),
                _ => false,
            };
            if ends {
                return;
            }
        }
    };
    let _late = timeout(CLOSE_DEADLINE, read).await;
}
