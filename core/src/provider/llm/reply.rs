//! A reply of server-sent events, read by a vendor's codec: the limits, the patience and the sense of order that all vendors need alike.

use std::time::Duration;

use tokio::time::Instant;

use super::exchange::{IDLE_DEADLINE, Reader, first_byte, web_page};
use super::sse::{SseError, SseEvent, SseParser};
use super::{Finish, LlmEvent, LlmUsage, ToolCall};
use crate::provider::budget::Budget;
use crate::provider::outlet::Outlet;
use crate::provider::{Failure, FailureClass};

/// After the reason to finish, usage follows at once or not at all.
pub(super) const TAIL_WAIT: Duration = Duration::from_millis(500);
/// So long a server that only keeps the connection alive counts as at work.
pub(super) const KEPT_ALIVE: Duration = Duration::from_secs(10);
/// Longest reply, bytes: hours of speech.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// What the events of one piece bring.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// To be spoken.
    pub text: String,
    /// The model does something that is not for the caller.
    pub works: bool,
    /// The server is there.
    pub kept_alive: bool,
}

/// How much of a reply has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Speaking,
    /// The reply is whole; only its usage may follow.
    Whole,
    /// Nothing of it follows.
    Over,
}

/// Whether an event was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    Understood,
    /// Well formed and not for us: of a kind that is newer than this client, or a sign of life.
    Nothing,
    /// What the vendor does not send, and why.
    Nonsense(&'static str),
}

/// A whole reply: the tools that it calls and why it ended.
#[derive(Debug, PartialEq)]
pub struct Ended {
    pub calls: Vec<ToolCall>,
    pub finish: Finish,
    pub usage: Option<LlmUsage>,
}

/// A vendor's form of a streamed reply. No socket and no clock: events in, words and calls out.
pub trait Codec {
    /// The vendor's name.
    fn vendor(&self) -> &'static str;

    /// Take an event.
    ///
    /// # Errors
    /// When the vendor says that it breaks off, or a limit is passed.
    fn take(&mut self, event: &SseEvent, told: &mut Told) -> Result<Sense, Failure>;

    fn stage(&self) -> Stage;

    /// The end of a reply that is whole.
    ///
    /// # Errors
    /// When what came is no reply.
    fn end(self) -> Result<Ended, Failure>;
}

/// Reads a body with a codec.
pub(super) struct EventReader<C> {
    codec: C,
    sse: SseParser,
    begun: bool,
    over: bool,
    tail_until: Option<Instant>,
    budget: Budget,
    kept_alive_until: Instant,
    text_bytes: usize,
}

impl<C: Codec> EventReader<C> {
    pub(super) fn new(codec: C) -> Self {
        Self {
            codec,
            sse: SseParser::default(),
            begun: false,
            over: false,
            tail_until: None,
            budget: Budget::default(),
            kept_alive_until: Instant::now() + KEPT_ALIVE,
            text_bytes: 0,
        }
    }

    /// The texts of all events go out as one; without any text, work that shows counts as one sign of life, and for a while
    /// so does a connection that is kept alive.
    fn take_events(
        &mut self,
        events: Vec<SseEvent>,
        mut told: Told,
        out: &mut Outlet<LlmEvent>,
    ) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for event in events {
            outcome = self.take_event(&event, &mut told);
            if outcome.is_err() || self.over {
                break;
            }
        }
        self.text_bytes += told.text.len();
        if self.text_bytes > TEXT_MAX {
            return Err(self.malformed("the reply does not end"));
        }
        if !told.text.is_empty() {
            out.push(LlmEvent::Text(told.text));
        } else if told.works || (told.kept_alive && Instant::now() < self.kept_alive_until) {
            out.push(LlmEvent::Progress);
        }
        outcome
    }

    fn take_event(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), Failure> {
        match self.codec.take(event, told)? {
            Sense::Understood => self.budget.restore(),
            Sense::Nothing => {}
            Sense::Nonsense(what) => self.budget.strain(self.codec.vendor(), what)?,
        }
        match self.codec.stage() {
            Stage::Speaking => {}
            Stage::Whole => {
                self.tail_until.get_or_insert_with(|| Instant::now() + TAIL_WAIT);
            }
            Stage::Over => self.over = true,
        }
        Ok(())
    }

    /// What has come and was not ended by a blank line.
    fn take_rest(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let mut events = Vec::new();
        std::mem::take(&mut self.sse).finish(&mut events).map_err(|error| self.too_long(error))?;
        self.take_events(events, Told::default(), out)
    }

    fn malformed(&self, what: &str) -> Failure {
        Failure::new(FailureClass::Malformed, format!("{}: {what}", self.codec.vendor()))
    }

    fn too_long(&self, error: SseError) -> Failure {
        self.malformed(&error.to_string())
    }

    /// The end, if the reply is whole.
    fn settle(&mut self, otherwise: Failure) -> Result<(), Failure> {
        self.over |= self.codec.stage() != Stage::Speaking;
        if self.over { Ok(()) } else { Err(otherwise) }
    }
}

impl<C: Codec> Reader for EventReader<C> {
    fn wait_until(&self) -> Instant {
        self.tail_until.unwrap_or_else(|| Instant::now() + IDLE_DEADLINE)
    }

    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        if !self.begun {
            match first_byte(piece) {
                None => {}
                Some(b'<') => return Err(web_page(self.codec.vendor())),
                Some(b'{' | b'[') => return Err(self.malformed("the answer is no stream of events")),
                Some(_) => self.begun = true,
            }
        }
        let (mut events, comments) = (Vec::new(), self.sse.comments());
        self.sse.push(piece, &mut events).map_err(|error| self.too_long(error))?;
        let kept_alive = self.sse.comments() > comments;
        self.take_events(events, Told { kept_alive, ..Told::default() }, out)
    }

    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        self.take_rest(out)?;
        let detail = format!("{}: the reply broke off", self.codec.vendor());
        self.settle(Failure::new(FailureClass::Unavailable, detail))
    }

    fn cut(&mut self, failure: Failure, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        let rest = self.take_rest(out);
        self.settle(failure)?;
        rest
    }

    fn late(&mut self) -> Result<(), Failure> {
        let detail = format!("{}: the reply came to a halt", self.codec.vendor());
        self.settle(Failure::new(FailureClass::TimedOut, detail))
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn done(self, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, Failure> {
        let Ended { calls, finish, usage } = self.codec.end()?;
        calls.into_iter().for_each(|call| out.push(LlmEvent::ToolCall(call)));
        Ok(LlmEvent::Done { finish, usage })
    }
}
