//! One call as its worker told of it.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::ids::WorkerId;
use vox_shared::wire::live::{self, LiveEvent};

use super::envelope::{self, Told};
use super::follower::{Follower, event, gap};
use super::news::{End, Whose};
use crate::edge::sse::{Event, Source, feed};

/// Events of a call that are kept for who comes (again).
pub const KEPT_EVENTS: usize = 200;
/// Of all of them together, bytes.
pub const KEPT_BYTES: usize = 64 * 1024;

/// Where a running call stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was told of it yet.
    #[default]
    Unknown,
    Ringing,
    Connected,
    /// An order put it on hold.
    Held,
    /// It has its terminal record.
    Ended,
}

/// What was told of a running call, in short.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub phase: Phase,
    pub worker_id: Option<WorkerId>,
    /// RFC 3339.
    pub answered_at: Option<String>,
    /// Of the newest event, RFC 3339.
    pub last_event_at: Option<String>,
    /// Number of the newest event.
    pub newest: u64,
    /// Lines of the transcript so far.
    pub turns: u64,
    /// Wire to ear of the newest reply, milliseconds.
    pub latency_ms: Option<f64>,
}

/// A call, its newest events and who follows it.
#[derive(Debug)]
pub struct Running {
    pub whose: Whose,
    pub state: State,
    /// When something was heard of it, or somebody came for it.
    pub touched: Timestamp,
    kept: VecDeque<(u64, Event)>,
    kept_bytes: usize,
    followers: Vec<Follower>,
}

impl Running {
    pub fn new(whose: Whose, now: Timestamp) -> Self {
        Self {
            whose,
            state: State::default(),
            touched: now,
            kept: VecDeque::new(),
            kept_bytes: 0,
            followers: Vec::new(),
        }
    }

    pub fn is_followed(&self) -> bool {
        self.followers.iter().any(Follower::is_there)
    }

    pub fn has_ended(&self) -> bool {
        self.state.phase == Phase::Ended
    }

    /// Take an event that is newer than all before: `None` for one that is not. Answers how many numbers it skipped.
    pub fn take(&mut self, worker: &WorkerId, told: LiveEvent, now: Timestamp) -> Option<(Told, u64)> {
        let seq = told.seq;
        if seq <= self.state.newest || self.has_ended() {
            return None;
        }
        let skipped = seq - self.state.newest - 1;
        self.touched = now;
        self.state.note(worker, &told);
        let told = envelope::of_worker(&self.whose, told);
        let event = event(&told);
        let whose = &self.whose;
        self.followers.retain_mut(|follower| follower.give(whose, (seq, &event), now).is_ok());
        self.keep(seq, event);
        Some((told, skipped))
    }

    fn keep(&mut self, seq: u64, event: Event) {
        self.kept_bytes += event.size();
        self.kept.push_back((seq, event));
        while self.kept.len() > KEPT_EVENTS || self.kept_bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.kept.pop_front() else { return };
            self.kept_bytes -= oldest.size();
        }
    }

    /// The call is over: tell it to everybody and let them go.
    pub fn end(&mut self, end: &End, now: Timestamp) -> Vec<Told> {
        (self.touched, self.state.phase) = (now, Phase::Ended);
        let told = envelope::end(&self.whose, end, now);
        for follower in self.followers.drain(..) {
            // One that is lost comes again, and is told then.
            let _lost = told.iter().try_for_each(|told| follower.add(&event(told)));
        }
        told
    }

    /// End all streams.
    pub fn let_go(&mut self) {
        self.followers.clear();
    }

    /// Events behind `after`, and those that come.
    pub fn follow(&mut self, after: Option<u64>, now: Timestamp) -> Source {
        self.touched = now;
        let (first, newest) = self.behind(after, now);
        let (feed, source) = feed(first);
        self.followers.retain(Follower::is_there);
        self.followers.push(Follower::new(feed, newest));
        source
    }

    /// What is kept behind `after`, and the end.
    pub fn replay(&self, after: Option<u64>, end: &End, now: Timestamp) -> Source {
        let (mut first, _) = self.behind(after, now);
        first.extend(envelope::end(&self.whose, end, now).iter().map(event));
        feed(first).1
    }

    /// What is kept behind `after`, with word of what is missing; and the number of the last of it.
    fn behind(&self, after: Option<u64>, now: Timestamp) -> (Vec<Event>, u64) {
        let mut before = match (after.unwrap_or(0), self.state.newest) {
            // Nothing was told since this bridge began, so whoever followed before knows more.
            (after, 0) => after,
            // A number that no event has had yet would hide those that come.
            (after, newest) => after.min(newest),
        };
        let mut events = Vec::new();
        let first = before;
        for (seq, kept) in self.kept.iter().filter(|(seq, _)| *seq > first) {
            events.extend(gap(&self.whose, before, *seq, now));
            events.push(kept.clone());
            before = *seq;
        }
        (events, before)
    }
}

impl State {
    fn note(&mut self, worker: &WorkerId, told: &LiveEvent) {
        let text = |name: &str| told.data.get(name).and_then(|value| value.as_str());
        self.newest = told.seq;
        self.last_event_at = Some(told.timestamp.clone());
        if self.worker_id.as_ref() != Some(worker) {
            self.worker_id = Some(worker.clone());
        }
        match told.event.as_str() {
            live::RINGING => self.phase = Phase::Ringing,
            live::CONNECTED => {
                self.phase = Phase::Connected;
                self.answered_at = text("answered_at").map(str::to_owned);
            }
            live::TURN => self.turns += 1,
            live::LATENCY => self.latency_ms = told.data.get("total_ms").and_then(|ms| ms.as_f64()),
            // Another worker has the call: what held it is over.
            live::NOTED if text("event") == Some("rejoined") => self.phase = Phase::Connected,
            live::NOTED if text("event") == Some("order_taken") => match text("why") {
                Some("hold") => self.phase = Phase::Held,
                Some("go_on") => self.phase = Phase::Connected,
                _ => {}
            },
            _ => {}
        }
        // A bridge that was started again has not heard the beginning.
        if self.phase == Phase::Unknown && told.event != live::RINGING {
            self.phase = Phase::Connected;
        }
    }
}
