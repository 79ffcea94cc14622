//! A request of somebody else (RFC 3261, 17.2; RFC 6026, 7.1).

use std::time::{Duration, Instant};

use super::Times;
use crate::transport::Flow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No final answer was given.
    Open,
    /// One was, to an `INVITE`, and must be acknowledged.
    Refused,
    Accepted,
    /// It was; or the request was none that is acknowledged.
    Settled,
}

pub(super) struct Server {
    /// Where answers go.
    pub flow: Flow,
    is_invite: bool,
    state: State,
    /// The last answer.
    answer: Option<Vec<u8>>,
    interval: Duration,
    again_at: Option<Instant>,
    over_at: Option<Instant>,
}

impl Server {
    pub(super) fn new(flow: Flow, is_invite: bool) -> Self {
        Self {
            flow,
            is_invite,
            state: State::Open,
            answer: None,
            interval: Duration::ZERO,
            again_at: None,
            over_at: None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.again_at, self.over_at].into_iter().flatten().min()
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether its acknowledgement belongs to this transaction: that of a 2xx does not.
    pub(super) fn is_refusal(&self) -> bool {
        self.is_invite && matches!(self.state, State::Refused | State::Settled)
    }

    pub(super) fn is_unacknowledged(&self) -> bool {
        matches!(self.state, State::Refused | State::Accepted)
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over_at.is_some_and(|over| over <= now)
    }

    /// The request came again: what is said again.
    pub(super) fn asked_again(&self) -> Option<Vec<u8>> {
        // A 2xx repeats itself by time.
        if self.state == State::Accepted { None } else { self.answer.clone() }
    }

    pub(super) fn answered(&mut self, now: Instant, status: u16, bytes: Vec<u8>, times: &Times) {
        if self.state != State::Open {
            return;
        }
        self.answer = Some(bytes);
        if status < 200 {
            return;
        }
        let is_lossy = self.flow.transport.is_lossy();
        if !self.is_invite {
            self.state = State::Settled;
            self.over_at = Some(now + if is_lossy { times.given_up() } else { Duration::ZERO });
            return;
        }
        self.state = if status < 300 { State::Accepted } else { State::Refused };
        self.interval = times.t1;
        // A 2xx passes hops that may lose it, whatever the first one is (RFC 3261, 13.3.1.4).
        self.again_at = (is_lossy || status < 300).then(|| now + times.t1);
        self.over_at = Some(now + times.given_up());
    }

    pub(super) fn again(&mut self, now: Instant, times: &Times) -> Option<Vec<u8>> {
        self.again_at.filter(|again| *again <= now)?;
        self.interval = (self.interval * 2).min(times.t2);
        self.again_at = Some(now + self.interval);
        self.answer.clone()
    }

    pub(super) fn acknowledged(&mut self, now: Instant, times: &Times) {
        if !self.is_unacknowledged() {
            return;
        }
        self.state = State::Settled;
        self.again_at = None;
        self.answer = None;
        // Repetitions of what was settled are still known.
        self.over_at = Some(now + if self.flow.transport.is_lossy() { times.t4 } else { Duration::ZERO });
    }
}
