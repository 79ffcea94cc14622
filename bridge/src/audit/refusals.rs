//! Which refused logins are written down. Whoever guesses must not be able to fill the store, so of an account's refusals
//! within an hour the first few are, then the tenth, the hundredth and so on, each with its number.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The first refusals of an hour are all written down.
const TOLD: u32 = 5;
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Accounts counted at once. Only those that exist are, so it takes a large deployment under attack to get there; then the
/// counts begin anew.
const MAX_WINDOWS: usize = 50_000;

/// Counts refused logins of accounts that exist. In memory: a restart and each further bridge counts from one.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<String, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    refused: u32,
}

impl Window {
    fn runs(&self, now: Timestamp) -> bool {
        now.duration_since(self.began) < WINDOW
    }
}

impl Refusals {
    /// Count one; answers its number within the hour if it is to be written down.
    pub fn count(&self, account: &str, now: Timestamp) -> Option<u32> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_WINDOWS {
            windows.retain(|_, w| w.runs(now));
        }
        if windows.len() >= MAX_WINDOWS {
            windows.clear();
        }
        let window = windows.entry(account.to_owned()).or_insert(Window { began: now, refused: 0 });
        if !window.runs(now) {
            *window = Window { began: now, refused: 0 };
        }
        window.refused = window.refused.saturating_add(1);
        is_told(window.refused).then_some(window.refused)
    }
}

fn is_told(number: u32) -> bool {
    number <= TOLD || 10_u32.pow(number.ilog10()) == number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(refusals: &Refusals, account: &str, second: i64, many: usize) -> Vec<u32> {
        let now = Timestamp::from_second(second).unwrap();
        (0..many).filter_map(|_| refusals.count(account, now)).collect()
    }

    #[test]
    fn few_are_written_down_however_many_there_are() {
        let refusals = Refusals::default();
        assert_eq!(told(&refusals, "a", 0, 123_456), [1, 2, 3, 4, 5, 10, 100, 1_000, 10_000, 100_000]);
        assert_eq!(told(&refusals, "b", 0, 1), [1], "each account for itself");
        assert!(told(&refusals, "a", 3_599, 1).is_empty());
        assert_eq!(told(&refusals, "a", 3_600, 7), [1, 2, 3, 4, 5]);
    }
}
