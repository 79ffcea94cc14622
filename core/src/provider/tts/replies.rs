//! Replies over a WebSocket, for every voice whose protocol is not stranger than this: texts go in for a reply until it ends or is
//! interrupted, and sound, words and its end come back. A [`Tongue`] says it in the vendor's words; which replies are under way,
//! which wait for room, what is not wanted any more, when one counts as over and what was paid is here. Pure;
//! [`crate::provider::link`] moves the messages.

mod reply;
mod tongue;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use reply::Reply;
pub(super) use tongue::reported;
pub use tongue::{Cancelled, Reaction, Told, Tongue};

use super::retired::Retired;
use super::{TtsEvent, TtsInput, UtteranceId};
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::{Failure, FailureClass, STREAM_DEPTH};

/// How long a new reply waits for an interrupted one to fall silent before the connection is replaced.
const SILENCE_WAIT: Duration = Duration::from_secs(2);
/// How long the vendor may take to close after it was asked to, while it still owes something.
const GOODBYE_WAIT: Duration = Duration::from_secs(2);

type Out = Wishes<TtsEvent>;

/// What is spoken over a connection.
#[derive(Debug)]
pub struct RepliesCodec<T> {
    tongue: T,
    rate_hz: u32,
    is_ready: bool,
    /// In the order they began.
    replies: Vec<Reply>,
    /// Input of replies for which there is no room yet, in order.
    held: VecDeque<TtsInput>,
    /// Replies that are over; late text for one is not spoken.
    retired: Retired,
    opened_at: Option<Instant>,
    /// When something was sent or came for the last time.
    active_at: Option<Instant>,
}

impl<T: Tongue> Codec for RepliesCodec<T> {
    type Order = TtsInput;
    type Event = TtsEvent;

    fn vendor(&self) -> &'static str {
        self.tongue.vendor()
    }

    fn failed(failure: Failure) -> TtsEvent {
        TtsEvent::Failed(failure)
    }

    /// The first connection makes the voice ready. A later one replaces one on which nothing was wanted any more.
    fn open(&mut self, now: Instant, wishes: &mut Out) {
        self.opened_at = Some(now);
        self.active_at = Some(now);
        for mut reply in std::mem::take(&mut self.replies) {
            wishes.events.extend(reply.take_usage());
            self.tongue.forget(reply.utterance);
            self.retired.add(reply.utterance);
        }
        let mut reaction = Reaction::default();
        self.tongue.open(&mut reaction);
        wishes.messages.append(&mut reaction.messages);
        if !std::mem::replace(&mut self.is_ready, true) {
            wishes.tell(TtsEvent::Ready);
        }
        let _nothing_that_begins_has_failed = self.say_held(now, wishes);
    }

    fn takes_orders(&self) -> bool {
        self.held.len() < STREAM_DEPTH
    }

    fn withdraws(&self, order: &TtsInput, waiting: &TtsEvent) -> bool {
        matches!(order, TtsInput::Cancel { utterance } if waiting.utterance() == Some(*utterance))
    }

    fn order(&mut self, order: TtsInput, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        self.active_at = Some(now);
        if let TtsInput::Cancel { utterance } = order {
            self.held.retain(|held| held.utterance() != utterance);
            self.cancel(utterance, now, wishes)?;
        } else {
            self.say(order, now, wishes)?;
        }
        self.say_held(now, wishes)
    }

    fn text(&mut self, text: &str, now: Instant, wishes: &mut Out) -> Result<(), Flaw> {
        let mut reaction = Reaction::default();
        let read = self.tongue.text(text, now, &mut reaction);
        self.take(reaction, now, wishes)?;
        read?;
        Ok(self.say_held(now, wishes)?)
    }

    fn binary(&mut self, bytes: &[u8], now: Instant, wishes: &mut Out) -> Result<(), Flaw> {
        let mut reaction = Reaction::default();
        let read = self.tongue.binary(bytes, &mut reaction);
        self.take(reaction, now, wishes)?;
        read
    }

    fn due(&self) -> Option<Instant> {
        let over = self.replies.iter().filter_map(|reply| reply.over_at(self.tongue.owes(reply.utterance)));
        over.chain(self.held_until()).chain(self.stale_at()).min()
    }

    /// A reply was heard to its end and its end was not told, or stopped in its middle; an interrupted one does not fall silent; or
    /// the connection has stood for so long that the vendor would close it.
    fn tick(&mut self, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        let vendor = self.tongue.vendor();
        let mut ended = false;
        for reply in &mut self.replies {
            let owes = self.tongue.owes(reply.utterance);
            if reply.over_at(owes).is_none_or(|at| at > now) {
                continue;
            }
            if owes || reply.is_short() {
                let detail = format!("{vendor}: a reply stopped before its end");
                return Err(Failure::new(FailureClass::TimedOut, detail));
            }
            tracing::warn!(provider = vendor, "a reply was spoken and its end not told");
            let word = self.tongue.last_word(reply.utterance);
            wishes.events.extend(reply.mark(word.into_iter().collect()));
            wishes.events.extend(reply.finish(vendor)?);
            reply.silenced_at = Some(now);
            reply.is_told = true;
            ended = true;
        }
        // In the pause after such a reply a new connection costs nobody any time.
        let full = self.replies.len() >= self.tongue.replies_max();
        let unwanted = self.replies.iter().all(|reply| reply.silenced_at.is_some());
        if self.held_until().is_some_and(|until| until <= now) || (ended && full && unwanted) {
            tracing::warn!(provider = vendor, "replies do not end; the connection is replaced");
            wishes.reconnect = true;
        } else if self.stale_at().is_some_and(|at| at <= now) {
            wishes.reconnect = true;
        }
        if wishes.reconnect {
            // Not again before the new connection stands.
            self.opened_at = None;
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        self.tongue.keep_alive()
    }

    fn stay(&mut self, wishes: &mut Out) {
        wishes.messages.extend(self.tongue.stay());
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        self.tongue.closed(code, reason)
    }

    fn goodbye(&mut self, wishes: &mut Out) -> Duration {
        let farewell = self.tongue.goodbye();
        let owes = self.replies.iter().any(|reply| reply.silenced_at.is_none());
        let wait = if owes || farewell.is_some() { GOODBYE_WAIT } else { Duration::ZERO };
        wishes.messages.extend(farewell);
        wait
    }

    fn over(&mut self, wishes: &mut Out) {
        wishes.events.extend(self.replies.iter_mut().filter_map(Reply::take_usage));
    }
}

impl<T: Tongue> RepliesCodec<T> {
    /// A voice whose sound is wanted at `rate_hz`.
    pub fn new(tongue: T, rate_hz: u32) -> Self {
        Self {
            tongue,
            rate_hz,
            is_ready: false,
            replies: Vec::new(),
            held: VecDeque::new(),
            retired: Retired::default(),
            opened_at: None,
            active_at: None,
        }
    }

    /// Pass text or its end on, or hold it while there is no room for its reply.
    fn say(&mut self, input: TtsInput, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        let utterance = input.utterance();
        if self.held.iter().any(|held| held.utterance() == utterance) {
            self.held.push_back(input);
            return Ok(());
        }
        let known = self.replies.iter().position(|reply| reply.utterance == utterance);
        let at = match (known, &input) {
            (Some(at), _) => at,
            (None, _) if self.retired.has(utterance) => return Ok(()),
            (None, TtsInput::Speak { text, .. }) if text.trim().is_empty() => return Ok(()),
            (None, TtsInput::Speak { .. }) if self.replies.len() >= self.tongue.replies_max() => {
                self.held.push_back(input);
                return Ok(());
            }
            (None, TtsInput::Speak { .. }) => {
                let rates = (self.tongue.sound_hz(), self.rate_hz);
                self.replies.push(Reply::new(utterance, rates, now));
                self.replies.len() - 1
            }
            (None, _) => {
                // A reply without text has no sound.
                self.retired.add(utterance);
                wishes.tell(TtsEvent::Done { utterance });
                return Ok(());
            }
        };
        if self.replies[at].silenced_at.is_some() || self.replies[at].is_ended {
            return Ok(());
        }
        let mut reaction = Reaction::default();
        match input {
            TtsInput::Speak { text, .. } => {
                let text = text.trim();
                if !text.is_empty() {
                    self.replies[at].say(text, now);
                    self.tongue.speak(utterance, text, now, &mut reaction);
                }
            }
            TtsInput::End { .. } | TtsInput::Cancel { .. } => {
                self.replies[at].is_ended = true;
                self.replies[at].touch(now);
                self.tongue.end(utterance, &mut reaction);
            }
        }
        self.take(reaction, now, wishes)
    }

    fn cancel(&mut self, utterance: UtteranceId, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        let Some(at) = self.replies.iter().position(|reply| reply.utterance == utterance) else {
            self.retired.add(utterance);
            return Ok(());
        };
        if self.replies[at].silenced_at.is_some() {
            return Ok(());
        }
        self.replies[at].silenced_at = Some(now);
        let mut reaction = Reaction::default();
        match self.tongue.cancel(utterance, &mut reaction) {
            Cancelled::Told => {}
            Cancelled::Forgotten => self.remove(at, wishes),
            Cancelled::Connection => wishes.reconnect = true,
        }
        self.take(reaction, now, wishes)
    }

    /// Do what the vendor's words mean.
    fn take(&mut self, reaction: Reaction, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        if !reaction.told.is_empty() || !reaction.messages.is_empty() {
            self.active_at = Some(now);
        }
        wishes.messages.extend(reaction.messages);
        for told in reaction.told {
            let Some(at) = self.position(told.of()) else {
                match told {
                    Told::Failed { of: None, failure } => return Err(failure),
                    _ => continue,
                }
            };
            let silenced = self.replies[at].silenced_at.is_some();
            let reply = &mut self.replies[at];
            match told {
                Told::Billed { characters, .. } => wishes.tell(reply.bill(characters)),
                // Its end, which was waited for no longer.
                Told::Over { .. } if reply.is_told => self.remove(at, wishes),
                Told::Silent { .. } if silenced => self.remove(at, wishes),
                Told::Failed { of: Some(_), .. } if silenced => self.remove(at, wishes),
                Told::Failed { failure, .. } => return Err(failure),
                _ if silenced => {}
                Told::Sound { bytes, .. } => {
                    reply.touch(now);
                    wishes.events.extend(reply.hear(&bytes));
                }
                Told::Words { words, .. } => {
                    reply.touch(now);
                    wishes.events.extend(reply.mark(words));
                }
                Told::Over { .. } if reply.is_ended => {
                    wishes.events.extend(reply.finish(self.tongue.vendor())?);
                    self.remove(at, wishes);
                }
                Told::Over { .. } | Told::Silent { .. } => {}
            }
        }
        Ok(())
    }

    /// The reply of this number, or the oldest where the vendor names none.
    fn position(&self, of: Option<UtteranceId>) -> Option<usize> {
        match of {
            Some(of) => self.replies.iter().position(|reply| reply.utterance == of),
            None => (!self.replies.is_empty()).then_some(0),
        }
    }

    fn remove(&mut self, at: usize, wishes: &mut Out) {
        let mut reply = self.replies.remove(at);
        wishes.events.extend(reply.take_usage());
        self.tongue.forget(reply.utterance);
        self.retired.add(reply.utterance);
    }

    /// Say what was held, as far as there is room now. Nothing is said to a connection that is being replaced.
    fn say_held(&mut self, now: Instant, wishes: &mut Out) -> Result<(), Failure> {
        if wishes.reconnect || self.held.is_empty() || self.replies.len() >= self.tongue.replies_max() {
            return Ok(());
        }
        for input in std::mem::take(&mut self.held) {
            self.say(input, now, wishes)?;
        }
        Ok(())
    }

    /// When a reply that waits gets another connection, because only interrupted ones stand in its way.
    fn held_until(&self) -> Option<Instant> {
        self.opened_at?;
        let since = self.replies.iter().map(|reply| reply.silenced_at).collect::<Option<Vec<_>>>()?;
        let last = since.into_iter().max().filter(|_| !self.held.is_empty())?;
        Some(last + SILENCE_WAIT)
    }

    /// When the vendor would close the connection before long. Only where nothing is lost with it.
    fn stale_at(&self) -> Option<Instant> {
        if !self.held.is_empty() || self.replies.iter().any(|reply| reply.silenced_at.is_none()) {
            return None;
        }
        let aged = self.tongue.age_most().and_then(|most| Some(self.opened_at? + most));
        let idle = self.tongue.idle_most().and_then(|most| {
            self.opened_at?;
            Some(self.active_at? + most)
        });
        aged.into_iter().chain(idle).min()
    }
}
