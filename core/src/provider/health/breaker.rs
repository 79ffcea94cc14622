//! A breaker: closed while a vendor works, open when it failed too often in too short a time, half open when its time is over and
//! nobody has seen it work yet. See M. Nygard, Release It!, "Circuit Breaker".

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::wire::answers::Service;
pub use vox_shared::wire::fleet::BreakerState as State;

use crate::provider::FailureClass;

/// An open breaker lets a try through after this; after one that failed it takes twice as long …
const OPEN_FOR: Duration = Duration::from_secs(30);
/// … up to this.
const OPEN_MOST: Duration = Duration::from_secs(300);

/// So many failures within so long open a breaker.
fn limit(service: Service) -> (usize, Duration) {
    match service {
        Service::Stt => (5, Duration::from_secs(30)),
        Service::Llm => (3, Duration::from_secs(60)),
        Service::Tts => (3, Duration::from_secs(30)),
    }
}

/// It is, or was, open.
#[derive(Clone, Copy, Debug)]
struct Open {
    until: Instant,
    /// For so long.
    length: Duration,
}

/// The breaker of one account for one service.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: VecDeque<Instant>,
    open: Option<Open>,
}

impl Breaker {
    pub fn state(&self, now: Instant) -> State {
        match self.open {
            None => State::Closed,
            Some(open) if now < open.until => State::Open,
            Some(_) => State::HalfOpen,
        }
    }

    /// Until when nobody should ask, while it is open.
    pub fn open_until(&self, now: Instant) -> Option<Instant> {
        self.open.map(|open| open.until).filter(|until| now < *until)
    }

    /// The vendor worked. While it was closed a failure is not forgotten for that: one that fails every second time is no help.
    pub fn answered(&mut self) {
        if self.open.take().is_some() {
            self.failures.clear();
        }
    }

    /// It failed.
    pub fn failed(
        &mut self,
        service: Service,
        class: FailureClass,
        retry_after: Option<Duration>,
        now: Instant,
    ) {
        match class {
            // What this bot asks for, and what this machine lacks, says nothing of the vendor.
            FailureClass::Refused | FailureClass::Forbidden | FailureClass::NotInstalled => return,
            // No call has another luck with this key.
            FailureClass::Unauthorised => return self.open_for(OPEN_MOST, now),
            FailureClass::OverLimit => {
                if let Some(after) = retry_after {
                    return self.open_for(after.min(OPEN_MOST), now);
                }
            }
            FailureClass::Malformed | FailureClass::Unavailable | FailureClass::TimedOut => {}
        }
        match self.state(now) {
            // Whoever had nobody else to ask has asked all the same.
            State::Open => {}
            State::HalfOpen => {
                let length = self.open.map_or(OPEN_FOR, |open| (open.length * 2).clamp(OPEN_FOR, OPEN_MOST));
                self.open_for(length, now);
            }
            State::Closed => {
                let (most, within) = limit(service);
                self.failures.retain(|at| now.duration_since(*at) < within);
                self.failures.push_back(now);
                if self.failures.len() >= most {
                    self.open_for(OPEN_FOR, now);
                }
            }
        }
    }

    fn open_for(&mut self, length: Duration, now: Instant) {
        self.failures.clear();
        self.open = Some(Open { until: now + length, length });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One word a second: `x` is a failure, `.` an answer, `-` nothing; a number is so many seconds of nothing.
    fn check(service: Service, story: &str, expected: State) {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        for word in story.split(' ') {
            now += Duration::from_secs(word.parse().unwrap_or(1));
            match word {
                "x" => breaker.failed(service, FailureClass::Unavailable, None, now),
                "401" => breaker.failed(service, FailureClass::Unauthorised, None, now),
                "400" => breaker.failed(service, FailureClass::Refused, None, now),
                "429" => breaker.failed(service, FailureClass::OverLimit, Some(Duration::from_secs(7)), now),
                "." => breaker.answered(),
                _ => {}
            }
        }
        assert_eq!(breaker.state(now), expected, "{service:?}: {story}");
    }

    #[test]
    fn failures_open_it_and_an_answer_closes_it_when_its_time_is_over() {
        for (service, story, expected) in [
            (Service::Llm, "x x", State::Closed),
            (Service::Llm, "x . x . x", State::Open),
            (Service::Llm, "x x 60 x", State::Closed),
            (Service::Llm, "x x 40 x", State::Open),
            (Service::Tts, "x x 40 x", State::Closed),
            (Service::Tts, "x x x", State::Open),
            (Service::Stt, "x x x x", State::Closed),
            (Service::Stt, "x x x x x", State::Open),
            (Service::Llm, "x x x 30", State::HalfOpen),
            (Service::Llm, "x x x 30 .", State::Closed),
            (Service::Llm, "x x x 30 . x x", State::Closed),
            (Service::Llm, "x x x 30 x", State::Open),
            (Service::Llm, "x x x 30 x 58", State::Open),
            (Service::Llm, "x x x 30 x 60", State::HalfOpen),
            (Service::Llm, "x x x 30 x 60 x 118", State::Open),
            (Service::Llm, "x x x x x .", State::Closed),
        ] {
            check(service, story, expected);
        }
    }

    #[test]
    fn a_refused_key_opens_it_at_once_a_wish_to_wait_for_that_long_and_a_wrong_request_never() {
        // The words of a story that are numbers let as many seconds pass.
        for (story, expected) in [
            ("401", State::Open),
            ("401 299", State::Open),
            ("401 300", State::HalfOpen),
            ("429", State::Open),
            ("429 6", State::Open),
            ("429 7", State::HalfOpen),
            ("400 400 400 400", State::Closed),
        ] {
            check(Service::Llm, story, expected);
        }
    }

    #[test]
    fn it_tells_until_when_it_is_open() {
        let (now, mut breaker) = (Instant::now(), Breaker::default());
        assert_eq!(breaker.open_until(now), None);
        (0..3).for_each(|_| breaker.failed(Service::Tts, FailureClass::TimedOut, None, now));
        assert_eq!(breaker.open_until(now), Some(now + OPEN_FOR));
        assert_eq!(breaker.open_until(now + OPEN_FOR), None);
    }
}
