//! A request of ours (RFC 3261, 17.1; RFC 6026, 7.2).

use std::time::{Duration, Instant};

use super::Times;
use crate::message::{Method, Request, Response};
use crate::transport::Flow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has come back.
    Calling,
    /// A provisional answer has.
    Proceeding,
    /// A final one has, that is no 2xx to an `INVITE`.
    Completed,
    /// A 2xx to an `INVITE` has; more may come.
    Accepted,
}

pub(super) struct Client {
    pub request: Request,
    pub flow: Flow,
    state: State,
    interval: Duration,
    again_at: Option<Instant>,
    over_at: Option<Instant>,
    /// The acknowledgement of a refusal.
    ack: Option<Vec<u8>>,
}

impl Client {
    pub(super) fn new(now: Instant, request: Request, flow: Flow, times: &Times) -> Self {
        Self {
            request,
            flow,
            state: State::Calling,
            interval: times.t1,
            again_at: flow.transport.is_lossy().then(|| now + times.t1),
            over_at: Some(now + times.given_up()),
            ack: None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.again_at, self.over_at].into_iter().flatten().min()
    }

    /// Whether a final answer is still awaited.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over_at.is_some_and(|over| over <= now)
    }

    /// What is sent again, if it is due.
    pub(super) fn again(&mut self, now: Instant, times: &Times) -> Option<Vec<u8>> {
        self.again_at.filter(|again| *again <= now)?;
        self.interval *= 2;
        if !self.is_invite() {
            self.interval =
                if self.state == State::Proceeding { times.t2 } else { self.interval.min(times.t2) };
        }
        self.again_at = Some(now + self.interval);
        Some(self.request.to_bytes())
    }

    /// An answer came: what is sent for it, and whether it is news.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        response: &Response,
        times: &Times,
    ) -> (Option<Vec<u8>>, bool) {
        match (self.state, response.status) {
            (State::Calling | State::Proceeding, 100..=199) => {
                self.state = State::Proceeding;
                if self.is_invite() {
                    // It may ring as long as it likes: whoever asked gives up.
                    self.again_at = None;
                    self.over_at = None;
                }
                (None, true)
            }
            (State::Calling | State::Proceeding, 200..=299) if self.is_invite() => {
                self.state = State::Accepted;
                self.again_at = None;
                self.over_at = Some(now + times.given_up());
                (None, true)
            }
            (State::Calling | State::Proceeding, _) => {
                self.state = State::Completed;
                self.again_at = None;
                let stays = if self.is_invite() { times.given_up() } else { times.t4 };
                let stays = if self.flow.transport.is_lossy() { stays } else { Duration::ZERO };
                self.over_at = Some(now + stays);
                self.ack = self.is_invite().then(|| acknowledge(&self.request, response).to_bytes());
                (self.ack.clone(), true)
            }
            (State::Completed, 300..) => (self.ack.clone(), false),
            (State::Accepted, 200..=299) => (None, true),
            _ => (None, false),
        }
    }

    fn is_invite(&self) -> bool {
        self.request.method == Method::Invite
    }
}

/// The acknowledgement of a refusal, which is part of the transaction (RFC 3261, 17.1.1.3).
fn acknowledge(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, &invite.uri);
    let via = invite.headers.list("Via");
    ack.headers.push("Via", via.first().copied().unwrap_or_default());
    for name in ["Route", "From", "Call-ID"] {
        for value in invite.headers.all(name) {
            ack.headers.push(name, value);
        }
    }
    ack.headers.push("To", response.headers.get("To").unwrap_or_default());
    let number = invite.headers.get("CSeq").and_then(|cseq| cseq.split(' ').next()).unwrap_or_default();
    ack.headers.push("CSeq", format!("{number} ACK"));
    ack.headers.push("Max-Forwards", "70");
    ack
}
