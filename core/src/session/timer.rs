//! The session's deadlines. One of each kind at most; the actor sleeps until the earliest.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Silence after the caller's speech: decide whether the turn is over.
    EndOfTurn,
    /// The turn is over: the final words must come.
    Transcript,
    /// Caller silent: prompt.
    Idle,
    /// A digit came: more may follow.
    Dtmf,
    /// An interruption without words: take up the reply again.
    Resume,
    /// The recogniser must be ready.
    SttReady,
    /// A recogniser that failed is opened again.
    SttRetry,
    /// The recogniser must answer while the caller speaks.
    SttSilent,
    /// The model's first token, or the next one.
    Model,
    /// The reply is late: say so.
    Filler,
    /// The bot owes sound and gives none, whatever is being done about it: let the caller hear that the line lives.
    DeadAir,
    /// The voice's first audio, or more when playout ran dry.
    Voice,
    /// Playout must move on while there is audio to play.
    Playout,
    /// The goodbye must end.
    Goodbye,
    /// Thirty seconds before the longest duration.
    DurationWarning,
    /// The longest duration.
    MaxDuration,
}

/// The armed deadlines.
#[derive(Debug, Default)]
pub struct Timers(BTreeMap<Timer, Duration>);

impl Timers {
    /// Arm (or re-arm) a deadline.
    pub fn set(&mut self, timer: Timer, at: Duration) {
        self.0.insert(timer, at);
    }

    /// Arm a deadline only if it is not armed yet.
    pub fn ensure(&mut self, timer: Timer, at: Duration) {
        self.0.entry(timer).or_insert(at);
    }

    /// Disarm.
    pub fn clear(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    /// Whether it is armed.
    pub fn is_set(&self, timer: Timer) -> bool {
        self.0.contains_key(&timer)
    }

    /// The earliest deadline of all.
    pub fn next(&self) -> Option<Duration> {
        self.0.values().min().copied()
    }

    /// The earliest deadline among those that `wanted` takes.
    pub fn next_of(&self, wanted: impl Fn(Timer) -> bool) -> Option<Duration> {
        self.0.iter().filter(|(t, _)| wanted(**t)).map(|(_, at)| *at).min()
    }

    /// Take the earliest deadline that has passed.
    pub fn pop_due(&mut self, now: Duration) -> Option<Timer> {
        let due = self.0.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at).map(|(t, _)| *t)?;
        self.0.remove(&due);
        Some(due)
    }

    /// Disarm all.
    pub fn clear_all(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_due_deadline_comes_first_and_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Idle, Duration::from_secs(10));
        timers.set(Timer::Model, Duration::from_secs(4));
        timers.ensure(Timer::Model, Duration::from_secs(1));
        assert_eq!(timers.next(), Some(Duration::from_secs(4)));
        assert_eq!(timers.pop_due(Duration::from_secs(3)), None);
        assert_eq!(timers.pop_due(Duration::from_secs(20)), Some(Timer::Model));
        assert_eq!(timers.pop_due(Duration::from_secs(20)), Some(Timer::Idle));
        assert_eq!(timers.pop_due(Duration::from_secs(20)), None);
    }
}
