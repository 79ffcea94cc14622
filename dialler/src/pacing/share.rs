//! Whose dial is next, where campaigns want more than there is: deficit round robin by weight. What is shared are slot-seconds, so a
//! campaign of long calls dials less often than one of short ones.

use std::collections::BTreeMap;
use std::time::Duration;

/// Unspent credit is kept up to so many quanta.
const MOST_QUANTA: f64 = 5.0;
/// Every campaign that has anything to do dials once in so long, whatever its credit.
const AT_LEAST_EVERY: Duration = Duration::from_secs(10);

/// A campaign that wants to dial.
#[derive(Clone, Debug, PartialEq)]
pub struct Wants<K> {
    pub campaign: K,
    pub weight: u32,
    /// Slot-seconds that a dial is expected to take.
    pub cost: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    credit: f64,
    last_dial: Option<Duration>,
}

/// The credits.
#[derive(Clone, Debug)]
pub struct Share<K> {
    accounts: BTreeMap<K, Account>,
}

impl<K> Default for Share<K> {
    fn default() -> Self {
        Self { accounts: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Share<K> {
    /// Whose dial is next. Nothing is spent yet.
    pub fn next(&mut self, wants: &[Wants<K>], now: Duration) -> Option<K> {
        for want in wants {
            let begins = Account { credit: 0.0, last_dial: Some(now) };
            self.accounts.entry(want.campaign.clone()).or_insert(begins);
        }
        let hungry = wants.iter().filter(|want| {
            let last = self.accounts.get(&want.campaign).and_then(|account| account.last_dial);
            last.is_some_and(|last| now.saturating_sub(last) >= AT_LEAST_EVERY)
        });
        if let Some(first) =
            hungry.min_by_key(|want| self.accounts.get(&want.campaign).and_then(|account| account.last_dial))
        {
            return Some(first.campaign.clone());
        }
        // As many rounds as it takes until somebody can pay.
        let rounds = |want: &Wants<K>| {
            let credit = self.accounts.get(&want.campaign).map_or(0.0, |account| account.credit);
            ((want.cost - credit) / quantum(want)).max(0.0)
        };
        let next = wants.iter().min_by(|a, b| rounds(a).total_cmp(&rounds(b)))?;
        let passed = rounds(next);
        for want in wants {
            if let Some(account) = self.accounts.get_mut(&want.campaign) {
                let most = (MOST_QUANTA * quantum(want)).max(want.cost);
                account.credit = (account.credit + passed * quantum(want)).min(most);
            }
        }
        Some(next.campaign.clone())
    }

    /// Forget all but these. Whoever wants nothing for a while keeps what it had, and saves nothing.
    pub fn keep(&mut self, is_there: impl Fn(&K) -> bool) {
        self.accounts.retain(|campaign, _| is_there(campaign));
    }

    /// It came to nothing.
    pub fn refund(&mut self, campaign: &K, cost: f64) {
        if let Some(account) = self.accounts.get_mut(campaign) {
            account.credit += cost;
        }
    }

    /// It was dialled.
    pub fn dialled(&mut self, campaign: &K, cost: f64, now: Duration) {
        if let Some(account) = self.accounts.get_mut(campaign) {
            account.credit -= cost;
            account.last_dial = Some(now);
        }
    }
}

/// What a campaign gets in a round, slot-seconds.
fn quantum<K>(want: &Wants<K>) -> f64 {
    f64::from(want.weight.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dials(wants: &[Wants<u8>], seconds: u64) -> BTreeMap<u8, Vec<Duration>> {
        let (mut share, mut dials) = (Share::default(), BTreeMap::<u8, Vec<Duration>>::new());
        for tick in 0..seconds * 10 {
            let now = Duration::from_millis(tick * 100);
            let campaign = share.next(wants, now).unwrap();
            let cost = wants.iter().find(|want| want.campaign == campaign).unwrap().cost;
            share.dialled(&campaign, cost, now);
            dials.entry(campaign).or_default().push(now);
        }
        dials
    }

    #[test]
    fn dials_are_shared_by_weight() {
        let wants = [1, 2, 4].map(|weight| Wants { campaign: weight as u8, weight, cost: 20.0 });
        let dials = dials(&wants, 600);
        let all: usize = dials.values().map(Vec::len).sum();
        for want in &wants {
            let share = dials[&want.campaign].len() as f64 / all as f64;
            let due = f64::from(want.weight) / 7.0;
            assert!((share / due - 1.0).abs() < 0.05, "weight {}: {share} of {due}", want.weight);
        }
    }

    #[test]
    fn long_calls_count_for_more() {
        let want = |campaign, cost| Wants { campaign, weight: 1, cost };
        let dials = dials(&[want(1, 10.0), want(2, 30.0)], 600);
        let ratio = dials[&1].len() as f64 / dials[&2].len() as f64;
        assert!((ratio - 3.0).abs() < 0.15, "{ratio}");
    }

    #[test]
    fn nobody_waits_longer_than_ten_seconds() {
        let want = |campaign, weight| Wants { campaign, weight, cost: 20.0 };
        let dials = dials(&[want(1, 1), want(2, 100)], 120);
        let gaps = dials[&1].windows(2).map(|two| two[1] - two[0]);
        assert!(gaps.max().unwrap() <= Duration::from_millis(10_100));
    }
}
