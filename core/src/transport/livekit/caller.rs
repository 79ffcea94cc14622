//! Whom the call is with, from what the room tells: when they are there, when they can hear, how they go. No I/O and no clock.

use std::time::Duration;

use tokio::time::Instant;
use vox_livekit::{Event, Kind, Participant};
use vox_shared::wire::result::DisconnectedBy;

use super::order::{Begins, Whom, is_rung, status};
use super::outcome::{Departure, left_unanswered, not_answered};
use super::server::{DialError, RING_LIMIT};
use crate::transport::line::LineIn;
use crate::transport::reason::Reason;
use crate::transport::talk::message;

/// A visitor gets the room's token after the bot was sent there, and then loads a page.
const VISITOR_PATIENCE: Duration = Duration::from_secs(30);
/// A telephone is in the room before the bot.
const PHONE_PATIENCE: Duration = Duration::from_secs(8);
/// Who lost their connection may come back.
const RETURN_PATIENCE: Duration = Duration::from_secs(10);
/// A telephone that left while it rang: how long the gateway's own word is waited for, which comes within milliseconds.
const WORD_PATIENCE: Duration = Duration::from_millis(500);
/// Who is there and not known to receive us is spoken to when our voice has been there for this: a browser connects its media
/// meanwhile, a gateway takes our voice when the telephone was answered.
const VISITOR_DEAF: Duration = Duration::from_secs(2);
const PHONE_DEAF: Duration = Duration::from_millis(100);
const ACTIVE: &str = "active";
/// The topic of what people write.
const CHAT: &str = "lk.chat";

/// One call's other side.
#[derive(Debug)]
pub struct Caller {
    whom: Whom,
    begins: Begins,
    state: State,
    /// Who they are in the room, or were when they were last there.
    seen: Option<String>,
    /// Since when the bot has a voice in the room, and since when media can flow.
    speaks: Option<Instant>,
    connected: Option<Instant>,
    /// Somebody receives it.
    reached: bool,
    answered: bool,
    /// Since when the telephone is being rung: the gateway is in the room when it sends its request.
    rings_since: Option<Instant>,
    rang: Option<Duration>,
}

#[derive(Debug)]
enum State {
    /// Not seen yet.
    Awaited {
        until: Instant,
    },
    Here {
        identity: String,
        since: Since,
    },
    /// Their connection was lost.
    Away {
        identity: String,
        until: Instant,
    },
    /// They left while it rang, and the gateway will say why.
    Gone {
        word: LineIn,
        until: Instant,
    },
    Over,
}

/// Since when the call could begin, as far as the other side is concerned.
type Since = Option<Instant>;

impl Caller {
    /// From now on they are waited for.
    pub fn new(whom: Whom, begins: Begins, now: Instant) -> Self {
        let patience = match (&whom, &begins) {
            // Their connection may be lost for the moment.
            (_, Begins::Again) => RETURN_PATIENCE,
            (Whom::Visitor, _) => VISITOR_PATIENCE,
            (_, Begins::Awaited { patience }) => *patience,
            // The gateway says what becomes of it.
            (_, Begins::Dialled { .. }) => RING_LIMIT + PHONE_PATIENCE,
            _ => PHONE_PATIENCE,
        };
        let state = State::Awaited { until: now + patience };
        Self {
            whom,
            begins,
            state,
            seen: None,
            speaks: None,
            connected: None,
            reached: false,
            answered: false,
            rings_since: None,
            rang: None,
        }
    }

    /// Who they are in the room, if they are there.
    pub fn identity(&self) -> Option<&str> {
        match &self.state {
            State::Here { identity, .. } => Some(identity),
            _ => None,
        }
    }

    /// The same also when they are gone, or we are.
    pub fn seen(&self) -> Option<&str> {
        self.seen.as_deref()
    }

    /// Whether this is whom the bot talks to.
    pub fn is(&self, identity: &str) -> bool {
        match &self.state {
            State::Here { identity: known, .. } | State::Away { identity: known, .. } => known == identity,
            _ => false,
        }
    }

    /// Whether what they say is heard.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// From the dial to the answer, of a telephone that was rung while the bot was there. `None` where nobody here saw it ring.
    pub fn rang(&self) -> Option<Duration> {
        self.rang
    }

    /// Whether nothing of them is of interest any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Nothing follows: the call has been told, or has told us.
    pub fn finish(&mut self) {
        self.state = State::Over;
    }

    /// Something happened in the room. What the call is to be told of it.
    pub fn on(&mut self, event: &Event, now: Instant) -> Option<LineIn> {
        match event {
            Event::Connected => {
                self.connected.get_or_insert(now);
            }
            Event::Reached { .. } => self.reached = true,
            Event::Joined(who) => self.joined(who, now),
            Event::Changed { participant, .. } => self.changed(participant, now),
            // Their media is up, so they hear too.
            Event::Subscribed { identity, .. } if self.is(identity) && self.whom.is_visitor() => {
                self.reached = true;
            }
            Event::Digit { identity, digit } if self.answered && self.is(identity) => {
                return Some(LineIn::Dtmf(*digit));
            }
            Event::Text(text) if self.answered && text.topic == CHAT && self.is(&text.identity) => {
                return message(&text.text).map(LineIn::Typed);
            }
            Event::Left { participant, reason } if self.is(&participant.identity) => {
                return self.left(participant, *reason, now);
            }
            _ => {}
        }
        self.begin(now)
    }

    /// The bot may speak, and its voice is published.
    pub fn can_hear(&mut self, now: Instant) -> Option<LineIn> {
        self.speaks.get_or_insert(now);
        self.begin(now)
    }

    /// What came of ringing a telephone.
    pub fn dialled(&mut self, done: Result<(), DialError>, now: Instant) -> Option<LineIn> {
        match done {
            Ok(()) => {
                if let State::Here { since, .. } = &mut self.state {
                    since.get_or_insert(now);
                    self.note_picked_up(now);
                }
                self.begin(now)
            }
            Err(_) if self.answered || self.is_over() => None,
            Err(error) => {
                self.finish();
                Some(not_answered(&error))
            }
        }
    }

    /// When something is due although nothing happens.
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Awaited { until } | State::Away { until, .. } | State::Gone { until, .. } => Some(*until),
            State::Here { since: Some(since), .. } if !self.answered => self.deaf_until(*since),
            _ => None,
        }
    }

    /// It is due.
    pub fn on_time(&mut self, now: Instant) -> Option<LineIn> {
        if self.next_deadline().is_none_or(|due| due > now) {
            return None;
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Awaited { .. } => Some(LineIn::HungUp { by: self.absent() }),
            State::Away { .. } => Some(LineIn::HungUp { by: DisconnectedBy::Customer }),
            State::Gone { word, .. } => Some(word),
            here @ State::Here { .. } => {
                self.state = here;
                self.begin(now)
            }
            State::Over => None,
        }
    }

    fn absent(&self) -> DisconnectedBy {
        match self.begins {
            // Whoever had answered is gone.
            Begins::Answered | Begins::Again => DisconnectedBy::Customer,
            _ => DisconnectedBy::NoAnswer,
        }
    }

    /// Until when somebody who receives us is waited for. `None` while nobody could: what is said then is lost.
    fn deaf_until(&self, since: Instant) -> Option<Instant> {
        let deaf = if self.whom.is_visitor() { VISITOR_DEAF } else { PHONE_DEAF };
        Some(since.max(self.speaks?).max(self.connected?) + deaf)
    }

    fn wants(&self, who: &Participant) -> bool {
        match &self.whom {
            Whom::Visitor => who.kind == Kind::Standard,
            Whom::AnyPhone => who.kind == Kind::Sip,
            Whom::Phone(identity) | Whom::Guest(identity) => who.identity == *identity,
            Whom::Rung(number) => is_rung(who, number),
        }
    }

    fn joined(&mut self, who: &Participant, now: Instant) {
        let is_theirs = match &self.state {
            State::Awaited { .. } => self.wants(who),
            State::Away { identity, .. } => who.identity == *identity,
            _ => false,
        };
        if is_theirs {
            self.seen = Some(who.identity.clone());
            self.state = State::Here { identity: who.identity.clone(), since: None };
            self.changed(who, now);
        }
    }

    fn changed(&mut self, who: &Participant, now: Instant) {
        let is_rung = matches!(self.begins, Begins::Dialled { .. } | Begins::Awaited { .. });
        let may_begin = match self.begins {
            Begins::Present | Begins::Answered | Begins::Again => true,
            Begins::Ringing | Begins::Dialled { .. } | Begins::Awaited { .. } => {
                status(&who.attributes) == ACTIVE
            }
        };
        let State::Here { identity, since } = &mut self.state else { return };
        if *identity != who.identity {
            return;
        }
        if may_begin {
            since.get_or_insert(now);
            self.note_picked_up(now);
        } else if is_rung {
            self.rings_since.get_or_insert(now);
        }
    }

    fn note_picked_up(&mut self, now: Instant) {
        self.rang = self.rang.or(self.rings_since.map(|since| now.duration_since(since)));
    }

    /// The call begins when they are ready and can hear us, or should.
    fn begin(&mut self, now: Instant) -> Option<LineIn> {
        let State::Here { since: Some(since), .. } = self.state else { return None };
        let until = self.deaf_until(since)?;
        if self.answered || !(self.reached || now >= until) {
            return None;
        }
        self.answered = true;
        Some(LineIn::Answered)
    }

    fn left(&mut self, who: &Participant, reason: vox_livekit::Leaving, now: Instant) -> Option<LineIn> {
        // Another page, or another connection, of theirs takes its place.
        if reason == vox_livekit::Leaving::DuplicateIdentity {
            self.state = State::Away { identity: who.identity.clone(), until: now + RETURN_PATIENCE };
            return None;
        }
        if !self.answered {
            let word = match &self.begins {
                Begins::Dialled { .. } | Begins::Awaited { .. } => left_unanswered(reason),
                Begins::Answered | Begins::Again => LineIn::HungUp { by: DisconnectedBy::Customer },
                _ => match Departure::of(reason) {
                    Departure::SentAway => LineIn::Broken(Reason::RemovedFromRoom),
                    _ => LineIn::HungUp { by: DisconnectedBy::Customer },
                },
            };
            if matches!(self.begins, Begins::Dialled { .. }) {
                self.state = State::Gone { word, until: now + WORD_PATIENCE };
                return None;
            }
            self.finish();
            return Some(word);
        }
        match Departure::of(reason) {
            Departure::Lost => {
                self.state = State::Away { identity: who.identity.clone(), until: now + RETURN_PATIENCE };
                None
            }
            Departure::SentAway => {
                self.finish();
                Some(LineIn::Broken(Reason::RemovedFromRoom))
            }
            Departure::HungUp => {
                self.finish();
                Some(LineIn::HungUp { by: DisconnectedBy::Customer })
            }
        }
    }
}

#[cfg(test)]
mod tests;
