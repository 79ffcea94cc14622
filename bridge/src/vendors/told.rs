//! What workers say of vendors: the breakers of their own, by what their calls saw (decision 0075). Kept in memory for as long as a
//! registration holds: each bridge knows what the workers say that register with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use vox_shared::ids::WorkerId;
use vox_shared::wire::fleet::{BreakerState, VendorStanding, WorkerReport};

use super::found::Account;

/// What was said last, by worker.
#[derive(Debug, Default)]
pub struct Told(Mutex<BTreeMap<WorkerId, Word>>);

#[derive(Debug)]
struct Word {
    until: Timestamp,
    vendors: Vec<VendorStanding>,
}

/// What workers say of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Those whose calls asked it lately.
    pub workers: u32,
    /// Those of them whose breaker is open.
    pub open: u32,
}

impl Seen {
    /// Calls should not begin with it: half of the workers or more do not ask it.
    pub fn is_out(self) -> bool {
        self.open > 0 && self.open * 2 >= self.workers
    }
}

impl Told {
    /// A worker has registered; its word counts until then.
    pub fn keep(&self, report: &WorkerReport, (now, until): (Timestamp, Timestamp)) {
        let mut words = self.words();
        words.retain(|_, word| now < word.until);
        words.insert(report.worker_id.clone(), Word { until, vendors: report.vendors.clone() });
    }

    /// What the workers say of this account, for any service.
    pub fn of(&self, account: &Account, now: Timestamp) -> Seen {
        let is_meant = |standing: &&VendorStanding| is_of(standing, account);
        let words = self.words();
        let mut seen = Seen::default();
        for word in words.values().filter(|word| now < word.until) {
            let worst = word.vendors.iter().filter(is_meant).map(|standing| standing.breaker).max();
            seen.workers += u32::from(worst.is_some());
            seen.open += u32::from(worst == Some(BreakerState::Open));
        }
        seen
    }

    fn words(&self) -> MutexGuard<'_, BTreeMap<WorkerId, Word>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a worker's row is of this account.
pub fn is_of(standing: &VendorStanding, account: &Account) -> bool {
    standing.provider == account.provider
        && standing.base_url == account.base_url
        && account.key_as_told() == standing.key
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn report(worker: &str, vendors: Value) -> WorkerReport {
        let report = json!({
            "worker_id": worker, "host": "h", "address": "http://127.0.0.1:9001", "slots": 1, "calls": 0, "build": "1", "draining": false,
            "pid": 1, "vendors": vendors,
        });
        serde_json::from_value(report).unwrap()
    }

    fn row(provider: &str, key: &str, breaker: &str) -> Value {
        json!({"service": "llm", "provider": provider, "key": key, "model": "m", "breaker": breaker})
    }

    #[test]
    fn half_of_the_workers_keep_calls_away_for_as_long_as_they_say_so() {
        let at = |secs: i64| Timestamp::from_second(1_700_000_000 + secs).unwrap();
        let account =
            Account { provider: "openai".into(), base_url: None, key_hash: "0123456789abcdef".into() };
        let told = Told::default();
        told.keep(&report("wrk_a", json!([row("openai", "01234567", "open")])), (at(0), at(15)));
        assert_eq!(told.of(&account, at(1)), Seen { workers: 1, open: 1 });
        assert!(told.of(&account, at(1)).is_out());
        // Another key, another vendor, and nothing at all say nothing.
        told.keep(
            &report("wrk_b", json!([row("openai", "ffffffff", "open"), row("other", "01234567", "open")])),
            (at(1), at(16)),
        );
        told.keep(&report("wrk_c", json!([])), (at(1), at(16)));
        assert_eq!(told.of(&account, at(2)), Seen { workers: 1, open: 1 });
        for worker in ["wrk_d", "wrk_e"] {
            told.keep(&report(worker, json!([row("openai", "01234567", "closed")])), (at(2), at(17)));
        }
        assert_eq!(told.of(&account, at(3)), Seen { workers: 3, open: 1 });
        assert!(!told.of(&account, at(3)).is_out());
        assert_eq!(told.of(&account, at(15)), Seen { workers: 2, open: 0 });
        told.keep(&report("wrk_d", json!([row("openai", "01234567", "half_open")])), (at(16), at(31)));
        assert!(!told.of(&account, at(18)).is_out());
        assert_eq!(told.of(&account, at(40)), Seen::default());
    }
}
