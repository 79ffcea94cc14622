//! One connection's life, the same for every vendor that speaks over a WebSocket: connect within a deadline, be ready within
//! another, carry orders up and events down, keep the line alive, count what cannot be understood, slow down with the reader,
//! replace the connection, say goodbye. What the messages mean is the vendor's [`Codec`], which is pure: it holds no socket,
//! reads no clock, spawns nothing, and can be tried and fuzzed without any of them.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::budget::Budget;
use super::egress::{Incoming, WebSocket};
use super::outlet::{End, Gone, Outlet};
use super::{Failure, FailureClass};

/// How long a vendor may take to say that it is ready, after the handshake, where it says so at all.
const READY_DEADLINE: Duration = Duration::from_secs(5);

/// A message to the vendor.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    Text(String),
    Binary(Vec<u8>),
}

/// What a codec wants done, in order: events to the reader, messages to the vendor, a new connection.
#[derive(Debug, PartialEq)]
pub struct Wishes<E> {
    pub events: Vec<E>,
    pub messages: Vec<Outgoing>,
    /// The connection is of no use any more; [`Codec::open`] is called on the next one.
    pub reconnect: bool,
}

impl<E> Default for Wishes<E> {
    fn default() -> Self {
        Self { events: Vec::new(), messages: Vec::new(), reconnect: false }
    }
}

impl<E> Wishes<E> {
    /// Tell the reader.
    pub fn tell(&mut self, event: E) {
        self.events.push(event);
    }

    /// Send a text message.
    pub fn send(&mut self, text: impl Into<String>) {
        self.messages.push(Outgoing::Text(text.into()));
    }

    /// Send bytes.
    pub fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.messages.push(Outgoing::Binary(bytes));
    }
}

/// Why a message was not taken.
#[derive(Debug, PartialEq)]
pub enum Flaw {
    /// It is not what the protocol says; [`super::budget::MALFORMED_MAX`] in a row are a failure.
    Malformed(String),
    /// The vendor refuses or breaks off.
    Failed(Failure),
}

impl From<Failure> for Flaw {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A vendor's protocol over one connection at a time. Time comes in as `now`; what is to be done goes out as [`Wishes`].
pub trait Codec: Send {
    /// What the reader orders.
    type Order: Send;
    /// What the reader is told.
    type Event: Send;

    /// The vendor's name, for logs and failures.
    fn vendor(&self) -> &'static str;
    /// How a failure is told.
    fn failed(failure: Failure) -> Self::Event;

    /// A connection stands. Send what it begins with; tell `Ready` here unless the vendor itself says when it is.
    fn open(&mut self, now: Instant, wishes: &mut Wishes<Self::Event>);
    /// Whether the vendor has said that it is ready, where it must before anything is sent to it.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether another order can be kept; while not, orders wait with whoever gives them.
    fn takes_orders(&self) -> bool {
        true
    }
    /// Whether this order makes an event that waits for a slow reader unwanted.
    fn withdraws(&self, _order: &Self::Order, _waiting: &Self::Event) -> bool {
        false
    }
    /// Do what the reader orders.
    fn order(
        &mut self,
        order: Self::Order,
        now: Instant,
        wishes: &mut Wishes<Self::Event>,
    ) -> Result<(), Failure>;

    /// Read a text message.
    fn text(&mut self, text: &str, now: Instant, wishes: &mut Wishes<Self::Event>) -> Result<(), Flaw>;
    /// Read a binary message.
    fn binary(
        &mut self,
        _bytes: &[u8],
        _now: Instant,
        _wishes: &mut Wishes<Self::Event>,
    ) -> Result<(), Flaw> {
        Err(Flaw::Malformed("a binary message".into()))
    }

    /// When [`Self::tick`] has something to do, if ever. Not waited for while the reader is slow: the vendor's messages are
    /// not read then, so their absence says nothing.
    fn due(&self) -> Option<Instant> {
        None
    }
    /// The moment of [`Self::due`] has come.
    fn tick(&mut self, _now: Instant, _wishes: &mut Wishes<Self::Event>) -> Result<(), Failure> {
        Ok(())
    }

    /// After how long without a message from us the vendor needs a sign of life.
    fn keep_alive(&self) -> Duration;
    /// That sign: a message, or audio of silence.
    fn stay(&mut self, wishes: &mut Wishes<Self::Event>);

    /// What a close frame means. By default by its code, and by what its reason says of keys and credit.
    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        close_failure(self.vendor(), code, reason)
    }
    /// Ask the vendor to say its last words and close; how long it may take.
    fn goodbye(&mut self, wishes: &mut Wishes<Self::Event>) -> Duration;
    /// Nothing more comes of this stream: tell what was not told yet, such as what it cost.
    fn over(&mut self, _wishes: &mut Wishes<Self::Event>) {}
}

/// Serve a stream from its first connection to its end. Orders that come before the connection stands wait in their channel.
pub async fn run<C, F>(
    codec: C,
    connect: impl Fn() -> F,
    mut orders: mpsc::Receiver<C::Order>,
    events: mpsc::Sender<C::Event>,
) where
    C: Codec,
    F: Future<Output = Result<WebSocket, Failure>>,
{
    let connected = tokio::select! {
        connected = Box::pin(connect()) => connected,
        () = events.closed() => return,
    };
    let socket = match connected {
        Ok(socket) => socket,
        Err(failure) => return Outlet::new(events).finish(Some(C::failed(failure))).await,
    };
    let mut link = Link::new(codec, socket, events);
    let end = match link.open().await {
        Ok(()) => link.serve(&mut orders, &connect).await,
        Err(failure) => Err(End::Failed(failure)),
    };
    link.finish(end).await;
}

/// What ends a wait.
enum Woken<O> {
    Order(Option<O>),
    Message(Result<Incoming, Failure>),
    Delivered,
    Due,
    KeepAlive,
    NotReady,
}

struct Link<C: Codec> {
    codec: C,
    socket: WebSocket,
    outlet: Outlet<C::Event>,
    wishes: Wishes<C::Event>,
    keep_alive_at: Instant,
    ready_by: Instant,
    budget: Budget,
}

impl<C: Codec> Link<C> {
    fn new(codec: C, socket: WebSocket, events: mpsc::Sender<C::Event>) -> Self {
        let now = Instant::now();
        Self {
            keep_alive_at: now + codec.keep_alive(),
            ready_by: now + READY_DEADLINE,
            codec,
            socket,
            outlet: Outlet::new(events),
            wishes: Wishes::default(),
            budget: Budget::default(),
        }
    }

    async fn open(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        self.ready_by = now + READY_DEADLINE;
        self.keep_alive_at = now + self.codec.keep_alive();
        self.codec.open(now, &mut self.wishes);
        self.grant().await
    }

    /// Until nobody gives orders any more.
    async fn serve<F>(
        &mut self,
        orders: &mut mpsc::Receiver<C::Order>,
        connect: &impl Fn() -> F,
    ) -> Result<(), End>
    where
        F: Future<Output = Result<WebSocket, Failure>>,
    {
        loop {
            let reads = self.outlet.is_empty();
            let ready = self.codec.is_ready();
            let takes = ready && self.codec.takes_orders();
            let due = self.codec.due().filter(|_| reads);
            // In this order: an interruption before the sound it interrupts, and what has come before a wait for it ends.
            let woken = tokio::select! {
                biased;
                order = orders.recv(), if takes => Woken::Order(order),
                delivered = self.outlet.run() => delivered.map(|()| Woken::Delivered)?,
                message = self.socket.next(), if reads => Woken::Message(message),
                () = sleep_until(due.unwrap_or(self.keep_alive_at)), if due.is_some() => Woken::Due,
                () = sleep_until(self.keep_alive_at), if ready => Woken::KeepAlive,
                () = sleep_until(self.ready_by), if !ready => Woken::NotReady,
            };
            let now = Instant::now();
            match woken {
                Woken::Order(None) => return Ok(()),
                Woken::Order(Some(order)) => {
                    self.outlet.retain(|waiting| !self.codec.withdraws(&order, waiting));
                    self.codec.order(order, now, &mut self.wishes)?;
                }
                Woken::Message(message) => self.take(message?, now)?,
                Woken::Delivered => {}
                Woken::Due => self.codec.tick(now, &mut self.wishes)?,
                Woken::KeepAlive => {
                    self.codec.stay(&mut self.wishes);
                    self.keep_alive_at = now + self.codec.keep_alive();
                }
                Woken::NotReady => {
                    let detail = format!("{}: connected, and not ready in time", self.codec.vendor());
                    return Err(Failure::new(FailureClass::TimedOut, detail).into());
                }
            }
            self.grant().await?;
            if std::mem::take(&mut self.wishes.reconnect) {
                self.replace(Box::pin(connect()).await?).await?;
            }
        }
    }

    /// Hand on what the codec wishes.
    async fn grant(&mut self) -> Result<(), Failure> {
        std::mem::take(&mut self.wishes.events).into_iter().for_each(|event| self.outlet.push(event));
        for message in std::mem::take(&mut self.wishes.messages) {
            match message {
                Outgoing::Text(text) => self.socket.send_text(text).await?,
                Outgoing::Binary(bytes) => self.socket.send_binary(bytes).await?,
            }
            self.keep_alive_at = Instant::now() + self.codec.keep_alive();
        }
        Ok(())
    }

    /// What waits for the new connection does not wait for the old one's end.
    async fn replace(&mut self, socket: WebSocket) -> Result<(), Failure> {
        tokio::spawn(std::mem::replace(&mut self.socket, socket).close());
        self.budget.restore();
        self.open().await
    }

    fn take(&mut self, message: Incoming, now: Instant) -> Result<(), Failure> {
        let taken = match message {
            Incoming::Text(text) => self.codec.text(text.as_str(), now, &mut self.wishes),
            Incoming::Binary(bytes) => self.codec.binary(&bytes, now, &mut self.wishes),
            Incoming::Closed { code, reason } => return Err(self.codec.closed(code, &reason)),
        };
        match taken {
            Ok(()) => self.budget.restore(),
            Err(Flaw::Failed(failure)) => return Err(failure),
            Err(Flaw::Malformed(what)) => self.budget.strain(self.codec.vendor(), &what)?,
        }
        Ok(())
    }

    async fn finish(mut self, end: Result<(), End>) {
        self.codec.over(&mut self.wishes);
        std::mem::take(&mut self.wishes.events).into_iter().for_each(|event| self.outlet.push(event));
        match end {
            Ok(()) => self.goodbye().await,
            Err(End::ReaderGone) => self.socket.close().await,
            Err(End::Failed(failure)) => self.outlet.finish(Some(C::failed(failure))).await,
        }
    }

    /// Ask the vendor to close and pass its last words on.
    async fn goodbye(mut self) {
        let deadline = Instant::now() + self.codec.goodbye(&mut self.wishes);
        let asked = self.grant().await;
        while asked.is_ok() {
            let message = tokio::select! {
                message = timeout_at(deadline, self.socket.next()), if self.outlet.is_empty() => message,
                delivered = self.outlet.run() => match delivered {
                    Ok(()) => continue,
                    Err(Gone) => break,
                },
                () = sleep_until(deadline) => break,
            };
            let Ok(Ok(message @ (Incoming::Text(_) | Incoming::Binary(_)))) = message else { break };
            if self.take(message, Instant::now()).is_err() || self.grant().await.is_err() {
                break;
            }
        }
        self.socket.close().await;
        self.outlet.finish(None).await;
    }
}

/// What a closed connection means: by what its reason says of keys and credit, else by its code. Without a code it was cut.
pub fn close_failure(vendor: &str, code: Option<u16>, reason: &str) -> Failure {
    let class = class_of_reason(reason).unwrap_or_else(|| class_of_code(code));
    let Some(code) = code else {
        return Failure::new(class, format!("{vendor}: the connection was cut"));
    };
    let reason = super::egress::clean(reason, "");
    Failure::new(class, format!("{vendor} closed the connection: {code} {reason}").trim_end().to_owned())
}

/// What a close code means where the vendor says nothing more exact.
pub fn class_of_code(code: Option<u16>) -> FailureClass {
    match code {
        // The request is at fault: trying again with the same settings is no use.
        Some(1002 | 1003 | 1007 | 1008) => FailureClass::Refused,
        Some(1009) => FailureClass::Malformed,
        // The codes that several vendors use for their HTTP statuses.
        Some(4001 | 4401 | 4403) => FailureClass::Unauthorised,
        Some(4008 | 4402 | 4429) => FailureClass::OverLimit,
        Some(4400 | 4404 | 4422) => FailureClass::Refused,
        _ => FailureClass::Unavailable,
    }
}

/// 1008 is every vendor's code for a bad key, a bad setting and an empty account alike: the reason tells them apart.
fn class_of_reason(reason: &str) -> Option<FailureClass> {
    let reason = reason.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    if has(&["api key", "api_key", "unauthor", "authenticat", "invalid credentials", "forbidden"]) {
        return Some(FailureClass::Unauthorised);
    }
    let limits = [
        "quota",
        "credit",
        "concurren",
        "simultaneous",
        "busy",
        "rate limit",
        "rate_limit",
        "too many",
        "insufficient",
        "balance",
        "billing",
        "payment",
        "exceeded your",
    ];
    has(&limits).then_some(FailureClass::OverLimit)
}

#[cfg(test)]
mod tests;
