//! Whether a trunk works. Open, it is not dialled through; half open, one call every five seconds tries it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::wire::dialler::attempt::Ending;

const WINDOW: Duration = Duration::from_secs(60);
/// So many attempts are looked at before it opens by their share.
const MIN_ATTEMPTS: usize = 20;
const MAX_FAILED: f64 = 0.3;
/// Requests that were never carried out, one after the other: the way to the trunk is gone.
const LOST_IN_A_ROW: u32 = 5;
/// Failures of any kind with nothing between them. A dead carrier is left before the share is known.
const FAILED_IN_A_ROW: u32 = 10;
const FIRST_OPEN: Duration = Duration::from_secs(30);
const LONGEST_OPEN: Duration = Duration::from_secs(600);
const TRY_EVERY: Duration = Duration::from_secs(5);
const GOOD_TRIES: u32 = 5;

/// Whether a call may go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Free,
    /// One call, to try it.
    Try,
    /// Nothing until then.
    Shut(Instant),
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { next_try: Instant, good: u32 },
}

/// What a trunk did lately.
#[derive(Debug)]
pub struct Trunk {
    state: State,
    /// How long it was open last.
    open_for: Duration,
    recent: VecDeque<(Instant, bool)>,
    in_a_row: u32,
    lost_in_a_row: u32,
}

impl Default for Trunk {
    fn default() -> Self {
        Self {
            state: State::Closed,
            open_for: Duration::ZERO,
            recent: VecDeque::new(),
            in_a_row: 0,
            lost_in_a_row: 0,
        }
    }
}

/// Whose failure an ending is: the trunk's, or not.
fn is_failure(ending: Ending) -> bool {
    matches!(ending, Ending::Network | Ending::Congestion | Ending::Infra | Ending::Auth)
}

impl Trunk {
    /// Whether a call may go through now. A [`Gate::Try`] is taken by asking.
    pub fn gate(&mut self, now: Instant) -> Gate {
        match self.state {
            State::Closed => Gate::Free,
            State::Open { until } if now < until => Gate::Shut(until),
            State::Open { .. } => {
                self.state = State::HalfOpen { next_try: now + TRY_EVERY, good: 0 };
                Gate::Try
            }
            State::HalfOpen { next_try, .. } if now < next_try => Gate::Shut(next_try),
            State::HalfOpen { good, .. } => {
                self.state = State::HalfOpen { next_try: now + TRY_EVERY, good };
                Gate::Try
            }
        }
    }

    /// Until when nothing may go through it; none when something may now. No try is taken.
    pub fn shut_until(&self, now: Instant) -> Option<Instant> {
        let until = match self.state {
            State::Closed => None,
            State::Open { until } => Some(until),
            State::HalfOpen { next_try, .. } => Some(next_try),
        };
        until.filter(|until| now < *until)
    }

    /// A try that was taken came to nothing: the next one may take it.
    pub fn untried(&mut self, now: Instant) {
        if let State::HalfOpen { next_try, .. } = &mut self.state {
            *next_try = now;
        }
    }

    /// Whether it is open or being tried, without taking a try.
    pub fn is_shut(&self) -> bool {
        !matches!(self.state, State::Closed)
    }

    /// How an attempt through it ended. `None`: nobody knows what became of the request.
    pub fn ended(&mut self, ending: Option<Ending>, now: Instant) {
        // A limit that was met, and what we took back, say nothing about the trunk's health.
        if matches!(ending, Some(Ending::Throttled | Ending::Cancelled)) {
            return;
        }
        let failed = ending.is_none_or(is_failure);
        let lost = ending.is_none_or(|ending| ending == Ending::Infra);
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        self.lost_in_a_row = if lost { self.lost_in_a_row + 1 } else { 0 };
        self.recent.push_back((now, failed));
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
        match self.state {
            State::HalfOpen { .. } if failed => self.open(now),
            State::HalfOpen { good, .. } if good + 1 >= GOOD_TRIES => self.close(),
            State::HalfOpen { next_try, good } => {
                self.state = State::HalfOpen { next_try, good: good + 1 };
            }
            State::Closed if self.is_bad() || ending == Some(Ending::Auth) => self.open(now),
            State::Closed | State::Open { .. } => {}
        }
    }

    fn is_bad(&self) -> bool {
        let failed = self.recent.iter().filter(|(_, failed)| *failed).count();
        let share = failed as f64 / self.recent.len().max(1) as f64;
        self.lost_in_a_row >= LOST_IN_A_ROW
            || self.in_a_row >= FAILED_IN_A_ROW
            || (self.recent.len() >= MIN_ATTEMPTS && share >= MAX_FAILED)
    }

    fn open(&mut self, now: Instant) {
        self.open_for = (self.open_for * 2).clamp(FIRST_OPEN, LONGEST_OPEN);
        self.state = State::Open { until: now + self.open_for };
    }

    fn close(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_dead_carrier_is_left_before_twenty_attempts() {
        let (mut trunk, now) = (Trunk::default(), Instant::now());
        let dialled = (0..100).take_while(|_| {
            let free = trunk.gate(now) == Gate::Free;
            trunk.ended(Some(Ending::Congestion), now);
            free
        });
        assert!(dialled.count() <= 20);
        assert_eq!(trunk.gate(now), Gate::Shut(now + secs(30)));
    }

    #[test]
    fn a_third_of_failures_opens_it_and_a_fifth_does_not() {
        for (every, opens) in [(3, true), (5, false)] {
            let (mut trunk, now) = (Trunk::default(), Instant::now());
            for attempt in 0..60 {
                let ending = if attempt % every == 0 { Ending::Network } else { Ending::Busy };
                trunk.ended(Some(ending), now);
            }
            assert_eq!(trunk.is_shut(), opens, "every {every}th fails");
        }
    }

    #[test]
    fn it_opens_longer_each_time_and_closes_after_five_good_tries() {
        let (mut trunk, mut now) = (Trunk::default(), Instant::now());
        trunk.ended(Some(Ending::Auth), now);
        for open in [30, 60, 120, 240, 480, 600, 600] {
            assert_eq!(trunk.gate(now), Gate::Shut(now + secs(open)));
            now += secs(open);
            assert_eq!(trunk.gate(now), Gate::Try);
            trunk.ended(None, now);
        }
        now += secs(600);
        for _ in 0..5 {
            assert_eq!(trunk.gate(now), Gate::Try);
            assert_eq!(trunk.gate(now), Gate::Shut(now + secs(5)), "one try at a time");
            assert_eq!(trunk.shut_until(now), Some(now + secs(5)));
            trunk.untried(now);
            assert_eq!(trunk.shut_until(now), None);
            assert_eq!(trunk.gate(now), Gate::Try, "what nobody used is another's");
            trunk.ended(Some(Ending::Answered), now);
            now += secs(5);
        }
        assert_eq!(trunk.gate(now), Gate::Free);
        trunk.ended(Some(Ending::Auth), now);
        assert_eq!(trunk.gate(now), Gate::Shut(now + secs(30)), "it begins anew");
    }

    #[test]
    fn what_was_long_ago_and_what_is_our_own_does_not_count() {
        let (mut trunk, mut now) = (Trunk::default(), Instant::now());
        for _ in 0..40 {
            trunk.ended(Some(Ending::Throttled), now);
            trunk.ended(Some(Ending::Cancelled), now);
        }
        for _ in 0..9 {
            trunk.ended(Some(Ending::Network), now);
        }
        now += secs(61);
        for _ in 0..30 {
            trunk.ended(Some(Ending::NoAnswer), now);
        }
        assert!(!trunk.is_shut());
    }
}
