//! A breaker: closed while a vendor answers, open once it was away several times in a row, half open while it is tried whether it is
//! back. See M. Nygard, Release It!, "Circuit Breaker".

use vox_shared::wire::fleet::BreakerState;

/// Failures in a row that open it.
const OPENS_AFTER: u32 = 3;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Closed,
    /// It was open, and an answer has come since: one more closes it.
    HalfOpen,
    Open,
}

impl From<BreakerState> for State {
    /// Of a worker's breaker.
    fn from(state: BreakerState) -> Self {
        match state {
            BreakerState::Closed => Self::Closed,
            BreakerState::HalfOpen => Self::HalfOpen,
            BreakerState::Open => Self::Open,
        }
    }
}

impl State {
    /// As the metric tells it.
    pub fn number(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

/// A breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    state: State,
    failures: u32,
}

impl Breaker {
    pub fn state(self) -> State {
        self.state
    }

    /// The vendor answered, whatever it said.
    pub fn answered(&mut self) {
        self.failures = 0;
        self.state = match self.state {
            State::Open => State::HalfOpen,
            State::HalfOpen | State::Closed => State::Closed,
        };
    }

    /// The vendor was away.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= OPENS_AFTER || self.state == State::HalfOpen {
            self.state = State::Open;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_open_it_and_two_answers_close_it() {
        let check = |story: &str, expected: State| {
            let mut breaker = Breaker::default();
            for word in story.chars() {
                if word == 'x' { breaker.failed() } else { breaker.answered() }
            }
            assert_eq!(breaker.state(), expected, "{story}");
        };
        check("", State::Closed);
        check("xx.xx", State::Closed);
        check("xxx", State::Open);
        check("xxxx.", State::HalfOpen);
        check("xxx.x", State::Open);
        check("xxx..", State::Closed);
        check("xxx..xx", State::Closed);
    }
}
