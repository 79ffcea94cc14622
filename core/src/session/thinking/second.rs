//! A second request for the same reply, sent when the first one takes longer than nine of ten do: whichever answers first is taken,
//! and the other one is given up. See J. Dean, L. A. Barroso, The Tail at Scale, CACM 2013, "hedged requests".

use std::time::Duration;

use super::{MODEL_STALL, ThinkTimer, Thinking};
use crate::provider::Failure;
use crate::provider::llm::LlmEvent;
use crate::session::event::RequestId;

/// However fast a model is: below this a second request is a race that saves nobody anything.
const SOONEST: Duration = Duration::from_millis(250);
/// One that comes later is of no use: the next model of the list is asked then.
const LATEST: Duration = Duration::from_secs(3);

/// A second request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    pub request: RequestId,
    pub at: Duration,
}

/// What the bot's models are known for, and what may be spent on second requests.
#[derive(Debug, Default)]
pub struct Seconds {
    /// By the places of the ladder.
    p90: Vec<Option<Duration>>,
    tokens: u64,
}

impl Seconds {
    /// The process has seen more.
    pub fn know(&mut self, p90: Vec<Option<Duration>>, tokens: u64) {
        self.p90 = p90;
        self.tokens = tokens;
    }

    /// A request to the model at this place is late after so long.
    pub fn late_after(&self, place: usize) -> Option<Duration> {
        let after = self.p90.get(place).copied().flatten()?.max(SOONEST);
        (after <= LATEST).then_some(after)
    }

    /// Spend so many tokens. False where that is too much.
    pub fn spend(&mut self, tokens: u64) -> bool {
        let left = self.tokens.checked_sub(tokens);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }
}

/// What an event means for two requests of which one is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Race {
    /// Nothing.
    None,
    /// One has answered first; the other one is given up. The first one has taken so long until now.
    Decided { loser: RequestId, by_second: bool, waited: Duration },
    /// One failed while the other is under way: that one is waited for, and the event is of no further interest.
    Left { failed: RequestId, failure: Failure },
    /// The second one has nothing to say.
    Empty,
}

impl Thinking {
    /// The request that was just sent is late after this.
    pub fn late_after(&mut self, after: Duration, now: Duration) {
        self.timers.set(ThinkTimer::Second, now + after);
    }

    /// Whether a second request is worth it: the reply has not begun, and there is none yet.
    pub fn may_ask_second(&self) -> bool {
        self.thought.as_ref().is_some_and(|t| t.request.is_some() && !t.answered && t.second.is_none())
    }

    /// Ask the same model once more: the request's name, and the place of the model.
    pub fn ask_second(&mut self, now: Duration) -> Option<(RequestId, usize)> {
        let thought = self.thought.as_mut()?;
        self.newest += 1;
        thought.second = Some(Second { request: self.newest, at: now });
        Some((self.newest, thought.at.provider))
    }

    /// The second request is not wanted any more.
    pub fn drop_second(&mut self) -> Option<RequestId> {
        self.timers.clear(ThinkTimer::Second);
        self.thought.as_mut()?.second.take().map(|second| second.request)
    }

    /// Take note of what one of two requests says, before it is taken. Of none but two this is nothing.
    pub fn race(&mut self, of: RequestId, event: &LlmEvent, now: Duration) -> Race {
        let Some(thought) = self.thought.as_mut() else { return Race::None };
        let (Some(first), Some(second)) = (thought.request, thought.second) else { return Race::None };
        let is_second = of == second.request;
        if !is_second && of != first {
            return Race::None;
        }
        match event {
            LlmEvent::Progress => Race::None,
            LlmEvent::Failed(failure) => {
                thought.second = None;
                if !is_second {
                    thought.request = Some(second.request);
                    thought.asked_at = second.at;
                    self.timers.set(ThinkTimer::Model, (second.at + MODEL_STALL).max(now));
                }
                Race::Left { failed: of, failure: failure.clone() }
            }
            LlmEvent::Done { .. } if is_second => {
                thought.second = None;
                Race::Empty
            }
            LlmEvent::Text(_) | LlmEvent::ToolCall(_) | LlmEvent::Done { .. } => {
                thought.second = None;
                let waited = now.saturating_sub(thought.asked_at);
                if is_second {
                    thought.request = Some(of);
                    thought.asked_at = second.at;
                }
                let loser = if is_second { first } else { second.request };
                Race::Decided { loser, by_second: is_second, waited }
            }
        }
    }

    /// The reply has begun: how long after it was asked for, the first time that this is asked.
    pub fn answered(&mut self, now: Duration) -> Option<Duration> {
        let thought = self.thought.as_mut().filter(|t| t.request.is_some() && !t.answered)?;
        thought.answered = true;
        self.timers.clear(ThinkTimer::Second);
        Some(now.saturating_sub(thought.asked_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::FailureClass;
    use crate::session::thinking::Try;

    const NOW: Duration = Duration::from_secs(10);

    fn asked_twice() -> (Thinking, RequestId, RequestId) {
        let mut thinking = Thinking::default();
        let first = thinking.ask(Try::default(), NOW);
        assert!(thinking.may_ask_second());
        let (second, _) = thinking.ask_second(NOW + Duration::from_secs(1)).unwrap();
        assert!(!thinking.may_ask_second(), "one is enough");
        (thinking, first, second)
    }

    #[test]
    fn whichever_answers_first_is_taken_and_the_other_one_is_given_up() {
        let text = LlmEvent::Text("We".into());
        let (mut thinking, first, second) = asked_twice();
        assert_eq!(thinking.race(second, &LlmEvent::Progress, NOW), Race::None);
        let (waited, later) = (Duration::from_secs(2), NOW + Duration::from_secs(2));
        assert_eq!(
            thinking.race(second, &text, later),
            Race::Decided { loser: first, by_second: true, waited }
        );
        assert_eq!(thinking.request(), Some(second));
        assert_eq!(thinking.answered(NOW + Duration::from_secs(3)), Some(Duration::from_secs(2)));
        assert_eq!(thinking.answered(NOW + Duration::from_secs(4)), None);
        let (mut thinking, first, second) = asked_twice();
        assert_eq!(
            thinking.race(first, &text, later),
            Race::Decided { loser: second, by_second: false, waited }
        );
        assert_eq!(thinking.race(first, &text, NOW), Race::None, "it is decided");
        assert_eq!((thinking.request(), thinking.drop_second()), (Some(first), None));
    }

    #[test]
    fn one_that_fails_leaves_the_other() {
        let failure = Failure::new(FailureClass::Unavailable, "503");
        let failed = LlmEvent::Failed(failure.clone());
        let (mut thinking, first, second) = asked_twice();
        assert_eq!(
            thinking.race(first, &failed, NOW),
            Race::Left { failed: first, failure: failure.clone() }
        );
        assert_eq!(thinking.request(), Some(second));
        let (mut thinking, first, second) = asked_twice();
        assert_eq!(thinking.race(second, &failed, NOW), Race::Left { failed: second, failure });
        assert_eq!(thinking.request(), Some(first));
    }

    #[test]
    fn a_second_request_has_its_time_and_its_price() {
        let ms = Duration::from_millis;
        let mut seconds = Seconds::default();
        assert_eq!(seconds.late_after(0), None);
        seconds.know(vec![Some(ms(40)), None, Some(ms(900)), Some(ms(9_000))], 100);
        let after: Vec<_> = (0..4).map(|place| seconds.late_after(place)).collect();
        assert_eq!(after, [Some(SOONEST), None, Some(ms(900)), None]);
        assert!(seconds.spend(60) && !seconds.spend(60) && seconds.spend(40));
    }
}
