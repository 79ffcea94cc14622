//! Deadlines. Every part of the session owns its own; the actor sleeps until the earliest of all.

use std::collections::BTreeMap;
use std::time::Duration;

/// The armed deadlines of one part, at most one of each kind.
#[derive(Debug)]
pub struct Timers<T>(BTreeMap<T, Duration>);

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy + Ord> Timers<T> {
    /// Arm (or re-arm) a deadline.
    pub fn set(&mut self, timer: T, at: Duration) {
        self.0.insert(timer, at);
    }

    /// Arm a deadline only if it is not armed yet.
    pub fn ensure(&mut self, timer: T, at: Duration) {
        self.0.entry(timer).or_insert(at);
    }

    /// Disarm.
    pub fn clear(&mut self, timer: T) {
        self.0.remove(&timer);
    }

    /// Whether it is armed.
    pub fn is_set(&self, timer: T) -> bool {
        self.0.contains_key(&timer)
    }

    /// The earliest deadline and what it is for.
    pub fn next(&self) -> Option<(Duration, T)> {
        self.0.iter().map(|(timer, at)| (*at, *timer)).min()
    }

    /// The earliest deadline among those that `wanted` takes.
    pub fn next_of(&self, wanted: impl Fn(T) -> bool) -> Option<Duration> {
        self.0.iter().filter(|(t, _)| wanted(**t)).map(|(_, at)| *at).min()
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
    fn the_earliest_deadline_comes_first() {
        let mut timers = Timers::default();
        timers.set('a', Duration::from_secs(10));
        timers.set('b', Duration::from_secs(4));
        timers.ensure('b', Duration::from_secs(1));
        assert_eq!(timers.next(), Some((Duration::from_secs(4), 'b')));
        assert_eq!(timers.next_of(|t| t != 'b'), Some(Duration::from_secs(10)));
        timers.clear('b');
        assert_eq!(timers.next(), Some((Duration::from_secs(10), 'a')));
        timers.clear_all();
        assert_eq!(timers.next(), None);
    }
}
