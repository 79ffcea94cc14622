//! A connection in virtual time: what `provider::link` does with a socket and a clock, done with a queue and given moments. The codec is
//! the vendor's own.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vox_core::provider::budget::Budget;
use vox_core::provider::link::{Codec, Flaw, Outgoing, Wishes};
use vox_core::provider::stt::transcription::Question;
use vox_core::provider::{Failure, FailureClass};

use super::frame::Frame;

/// How long a vendor may take to say that it is ready.
const READY: Duration = Duration::from_secs(5);

/// What goes to the vendor.
#[derive(Debug)]
pub enum Sent {
    /// A connection stands.
    Opened,
    Message(Outgoing),
    /// A request over HTTP, with the number that its answer names.
    Asked {
        request: u64,
        question: Question,
    },
}

/// What came of a step.
#[derive(Debug)]
pub struct Out<E> {
    pub events: Vec<E>,
    pub sent: Vec<Sent>,
}

impl<E> Default for Out<E> {
    fn default() -> Self {
        Self { events: Vec::new(), sent: Vec::new() }
    }
}

/// A vendor's connection, of any codec.
pub trait Wire<O, E> {
    /// The vendor accepts the handshake.
    fn connected(&mut self, now: Instant, out: &mut Out<E>);
    /// It does not, or the connection fails.
    fn fail(&mut self, failure: Failure, out: &mut Out<E>);
    fn order(&mut self, order: O, now: Instant, out: &mut Out<E>);
    fn hear(&mut self, frame: Frame, now: Instant, out: &mut Out<E>);
    fn due(&self) -> Option<Instant>;
    /// [`Self::due`] has come.
    fn wake(&mut self, now: Instant, out: &mut Out<E>);
}

/// One of a vendor's connections.
pub struct Line<C: Codec> {
    codec: C,
    wishes: Wishes<C::Event>,
    waiting: VecDeque<C::Order>,
    budget: Budget,
    stands: bool,
    is_over: bool,
    keep_alive_at: Instant,
    ready_by: Instant,
}

impl<C: Codec> Line<C> {
    pub fn new(codec: C, now: Instant) -> Self {
        Self {
            keep_alive_at: now + codec.keep_alive(),
            ready_by: now + READY,
            codec,
            wishes: Wishes::default(),
            waiting: VecDeque::new(),
            budget: Budget::default(),
            stands: false,
            is_over: false,
        }
    }

    fn open(&mut self, now: Instant, out: &mut Out<C::Event>) {
        out.sent.push(Sent::Opened);
        self.ready_by = now + READY;
        self.keep_alive_at = now + self.codec.keep_alive();
        self.codec.open(now, &mut self.wishes);
        self.grant(now, out);
    }

    /// Hand on what the codec wishes, and take what waits for it.
    fn grant(&mut self, now: Instant, out: &mut Out<C::Event>) {
        out.events.append(&mut self.wishes.events);
        if !self.wishes.messages.is_empty() {
            self.keep_alive_at = now + self.codec.keep_alive();
        }
        out.sent.extend(self.wishes.messages.drain(..).map(Sent::Message));
        if std::mem::take(&mut self.wishes.reconnect) {
            self.budget.restore();
            self.open(now, out);
        }
    }

    fn settle(&mut self, done: Result<(), Failure>, now: Instant, out: &mut Out<C::Event>) {
        self.grant(now, out);
        if let Err(failure) = done {
            return self.give_up(failure, out);
        }
        while self.stands && !self.is_over && self.codec.is_ready() && self.codec.takes_orders() {
            let Some(order) = self.waiting.pop_front() else { break };
            let done = self.codec.order(order, now, &mut self.wishes);
            self.grant(now, out);
            if let Err(failure) = done {
                self.give_up(failure, out);
            }
        }
    }

    fn give_up(&mut self, failure: Failure, out: &mut Out<C::Event>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.codec.over(&mut self.wishes);
            out.events.append(&mut self.wishes.events);
            out.events.push(C::failed(failure));
        }
    }

    fn read(&mut self, frame: Frame, now: Instant) -> Result<(), Failure> {
        let read = match frame {
            Frame::Text(text) => self.codec.text(&text, now, &mut self.wishes),
            Frame::Bytes(bytes) => self.codec.binary(&bytes, now, &mut self.wishes),
            Frame::Closed { code, reason } => return Err(self.codec.closed(code, reason)),
            Frame::Unreadable(why) => return Err(Failure::new(FailureClass::Malformed, why)),
            Frame::Answer { .. } => panic!("nothing was asked over HTTP"),
        };
        match read {
            Ok(()) => self.budget.restore(),
            Err(Flaw::Failed(failure)) => return Err(failure),
            Err(Flaw::Malformed(what)) => self.budget.strain(self.codec.vendor(), &what)?,
        }
        Ok(())
    }
}

impl<C: Codec> Wire<C::Order, C::Event> for Line<C> {
    fn connected(&mut self, now: Instant, out: &mut Out<C::Event>) {
        if !self.is_over && !std::mem::replace(&mut self.stands, true) {
            self.open(now, out);
            self.settle(Ok(()), now, out);
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Out<C::Event>) {
        self.give_up(failure, out);
    }

    fn order(&mut self, order: C::Order, now: Instant, out: &mut Out<C::Event>) {
        if !self.is_over {
            self.waiting.push_back(order);
            self.settle(Ok(()), now, out);
        }
    }

    fn hear(&mut self, frame: Frame, now: Instant, out: &mut Out<C::Event>) {
        if self.stands && !self.is_over {
            let done = self.read(frame, now);
            self.settle(done, now, out);
        }
    }

    fn due(&self) -> Option<Instant> {
        if !self.stands || self.is_over {
            return None;
        }
        let other = if self.codec.is_ready() { self.keep_alive_at } else { self.ready_by };
        Some(self.codec.due().map_or(other, |due| due.min(other)))
    }

    fn wake(&mut self, now: Instant, out: &mut Out<C::Event>) {
        if !self.stands || self.is_over {
            return;
        }
        if self.codec.due().is_some_and(|due| due <= now) {
            let done = self.codec.tick(now, &mut self.wishes);
            self.settle(done, now, out);
        } else if !self.codec.is_ready() && self.ready_by <= now {
            let detail = format!("{}: connected, and not ready in time", self.codec.vendor());
            self.give_up(Failure::new(FailureClass::TimedOut, detail), out);
        } else if self.codec.is_ready() && self.keep_alive_at <= now {
            self.codec.stay(&mut self.wishes);
            self.keep_alive_at = now + self.codec.keep_alive();
            self.settle(Ok(()), now, out);
        }
    }
}
