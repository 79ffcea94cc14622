//! When something is due next. What is set again later or earlier is looked up in the end only.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Instant;

pub(crate) struct Timers<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
    due: BTreeMap<K, Instant>,
}

impl<K: Ord> Default for Timers<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), due: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Set it, or with `None` unset it.
    pub(crate) fn set(&mut self, at: Option<Instant>, key: K) {
        match at {
            Some(at) => {
                if self.due.insert(key.clone(), at) != Some(at) {
                    self.heap.push(Reverse((at, key)));
                }
            }
            None => {
                self.due.remove(&key);
            }
        }
        // What is stale is thrown away as it comes up; a flood of it, at once.
        if self.heap.len() > 64 + 4 * self.due.len() {
            self.heap = self.due.iter().map(|(key, at)| Reverse((*at, key.clone()))).collect();
        }
    }

    /// When to look again. It may be too early, never too late.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Something that is due. It is unset by that.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        while self.heap.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Reverse((at, key)) = self.heap.pop()?;
            if self.due.get(&key) == Some(&at) {
                self.due.remove(&key);
                return Some(key);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_set_last_counts() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut timers = Timers::default();
        timers.set(Some(at(1)), "a");
        timers.set(Some(at(3)), "a");
        timers.set(Some(at(2)), "b");
        timers.set(Some(at(1)), "c");
        timers.set(None, "c");
        assert_eq!(timers.pop(at(1)), None);
        assert_eq!(timers.pop(at(5)), Some("b"));
        assert_eq!(timers.pop(at(5)), Some("a"));
        assert_eq!((timers.pop(at(5)), timers.next()), (None, None));
        for n in 0..10_000 {
            timers.set(Some(at(n)), "a");
        }
        assert!(timers.heap.len() < 100);
    }
}
