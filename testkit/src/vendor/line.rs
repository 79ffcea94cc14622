//! One WebSocket session as the scripted vendors see it: messages out through the faults, messages in with deadlines.

use std::{collections::VecDeque, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    faults::Cut,
    host::Record,
    lies::{Dialect, Liar, oversized},
    observe::Ending,
};

/// A client that takes no byte for this long is given up.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// After our close frame the client has this long to answer with its own.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// A message that is to come after its successor comes by itself after this long, if it has none.
const HELD: Duration = Duration::from_millis(300);
/// Messages waiting for their delay; more means that the script's delays make no sense.
const MAX_QUEUED: usize = 20_000;

/// What a close frame without a code counts as (RFC 6455, 7.4.1).
const NO_CODE: u16 = 1005;

/// What came in, or why nothing more will.
pub(crate) enum Heard {
    Text(String),
    Binary(Bytes),
    /// The moment given to [`Line::hear`] has come.
    Due,
    /// The session is over, whoever ended it.
    Over,
}

enum Outgoing {
    Text(String),
    Binary(Bytes),
    /// Without a code where there is none.
    Close(Option<u16>, String),
}

/// The session. Everything sent goes through its queue, in order.
pub(crate) struct Line {
    socket: WebSocket,
    pub(crate) record: Record,
    liar: Liar,
    queue: VecDeque<(Instant, Outgoing)>,
    /// Nothing leaves before this.
    first_word_at: Instant,
    cut_at: Option<Instant>,
    /// When a message that was held back comes in any case.
    held_until: Option<Instant>,
    pad_mb: Option<u32>,
    sent: u32,
    over: bool,
}

impl Line {
    pub(crate) fn new(socket: WebSocket, record: Record, dialect: &'static dyn Dialect) -> Self {
        let now = Instant::now();
        let faults = &record.faults;
        let cut_at = match faults.cut_after {
            Some(Cut::Ms(ms)) => Some(now + Duration::from_millis(ms)),
            Some(Cut::Messages(0)) => Some(now),
            None if faults.close_code.is_some() => Some(now),
            _ => None,
        };
        if faults.half_open {
            record.wire.stop_reading();
        }
        Self {
            liar: Liar::new(faults, dialect),
            first_word_at: now + Duration::from_millis(faults.first_byte_delay_ms),
            cut_at,
            held_until: None,
            pad_mb: faults.oversized_mb,
            socket,
            record,
            queue: VecDeque::new(),
            sent: 0,
            over: false,
        }
    }

    /// Send a message once its turn has come.
    pub(crate) fn say(&mut self, message: &Value) {
        self.say_after(message, Duration::ZERO);
    }

    /// Send a message no sooner than `delay` from now, and never before an earlier one.
    pub(crate) fn say_after(&mut self, message: &Value, delay: Duration) {
        if self.record.faults.is_mute() {
            return;
        }
        let due = self.due(delay);
        if let Some(megabytes) = self.pad_mb.take() {
            self.queue.push_back((due, Outgoing::Text(oversized(message.clone(), megabytes))));
        }
        for text in self.liar.tell(message) {
            self.queue.push_back((due, Outgoing::Text(text)));
        }
        self.held_until = self.liar.holds().then(|| due + HELD);
    }

    /// Send bytes once their turn has come. There is nothing in them to lie about.
    pub(crate) fn say_bytes(&mut self, bytes: Vec<u8>) {
        if !self.record.faults.is_mute() {
            let due = self.due(Duration::ZERO);
            self.queue.push_back((due, Outgoing::Binary(bytes.into())));
        }
    }

    /// Close after everything said so far.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        self.end(Some(code), reason);
    }

    /// The same with a close frame that has no code.
    pub(crate) fn close_without_code(&mut self) {
        self.end(None, "");
    }

    fn end(&mut self, code: Option<u16>, reason: &str) {
        if self.record.faults.is_mute() {
            return;
        }
        let due = self.due(Duration::ZERO);
        self.release(due);
        self.queue.push_back((due, Outgoing::Close(code, reason.to_owned())));
    }

    fn release(&mut self, due: Instant) {
        self.held_until = None;
        if let Some(text) = self.liar.release() {
            self.queue.push_back((due, Outgoing::Text(text)));
        }
    }

    /// Whether the faults forbid the vendor to speak (so that its own time-outs do not end the session either).
    pub(crate) fn is_mute(&self) -> bool {
        self.record.faults.is_mute()
    }

    /// The next thing that happens, sending what falls due meanwhile. `until` is the caller's own next moment.
    pub(crate) async fn hear(&mut self, until: Option<Instant>) -> Heard {
        while !self.over {
            self.send_due().await;
            if self.over {
                break;
            }
            let queued = self.queue.front().map(|(due, _)| *due);
            let wake = [queued, self.cut_at, self.held_until, until].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = sleep_until(wake) => {
                    let now = Instant::now();
                    if self.cut_at.is_some_and(|at| at <= now) {
                        self.cut().await;
                    } else if self.held_until.is_some_and(|at| at <= now) {
                        self.release(now);
                    } else if until.is_some_and(|at| at <= now) {
                        return Heard::Due;
                    }
                }
                message = self.socket.recv() => {
                    if let Some(heard) = self.received(message) {
                        return heard;
                    }
                }
            }
        }
        Heard::Over
    }

    fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Option<Heard> {
        match message {
            Some(Ok(Message::Text(text))) => {
                self.record.edit(|exchange| exchange.keep_text(text.as_str()));
                Some(Heard::Text(text.as_str().to_owned()))
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.record.edit(|exchange| exchange.keep_audio(bytes.len() as u64));
                Some(Heard::Binary(bytes))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
            Some(Ok(Message::Close(frame))) => {
                self.record.ended(Ending::ClosedByClient(frame.map(|frame| frame.code)));
                // The library answers the close when polled again; the next receive ends the stream.
                None
            }
            Some(Err(_)) | None => {
                self.record.ended(Ending::Dropped);
                self.over = true;
                None
            }
        }
    }

    fn due(&mut self, delay: Duration) -> Instant {
        if self.queue.len() >= MAX_QUEUED {
            self.over = true;
        }
        let wanted = (Instant::now() + delay + self.record.jitter()).max(self.first_word_at);
        self.queue.back().map_or(wanted, |(last, _)| wanted.max(*last))
    }

    async fn send_due(&mut self) {
        while !self.over && self.queue.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let Some((_, outgoing)) = self.queue.pop_front() else { return };
            match outgoing {
                Outgoing::Text(text) => self.send(Message::Text(text.into())).await,
                Outgoing::Binary(bytes) => self.send(Message::Binary(bytes)).await,
                Outgoing::Close(code, reason) => self.shut(code, &reason).await,
            }
        }
    }

    async fn send(&mut self, message: Message) {
        let sent = tokio::time::timeout(SEND_DEADLINE, self.socket.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.record.ended(Ending::Dropped);
            self.over = true;
            return;
        }
        self.sent += 1;
        self.record.edit(|exchange| exchange.sent_messages += 1);
        if matches!(self.record.faults.cut_after, Some(Cut::Messages(most)) if self.sent >= most) {
            self.cut().await;
        }
    }

    /// The scripted end: a close frame if the faults name a code, else a reset.
    async fn cut(&mut self) {
        self.cut_at = None;
        match self.record.faults.close_code {
            Some(code) => self.shut(Some(code), "").await,
            None => {
                self.record.ended(Ending::Cut);
                self.record.wire.reset();
                self.over = true;
            }
        }
    }

    async fn shut(&mut self, code: Option<u16>, reason: &str) {
        self.record.ended(Ending::ClosedByServer(code.unwrap_or(NO_CODE)));
        self.over = true;
        let frame = code.map(|code| CloseFrame { code, reason: reason.into() });
        let closing = async {
            if self.socket.send(Message::Close(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        // A client that never answers the close is left to the reset that follows.
        let _ = tokio::time::timeout(CLOSE_DEADLINE, closing).await;
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
