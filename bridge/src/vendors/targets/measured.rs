//! What the calls of all workers saw of a tenant's vendors in the last half hour.

use std::collections::BTreeMap;

use vox_shared::wire::answers::Service;
use vox_shared::wire::fleet::{BOUNDS_MS, VendorStanding};

use super::MIN_SAMPLES;
use crate::vendors::found::{Account, Whose};
use crate::vendors::told::is_of;

/// Of one vendor for one service, all accounts of the tenant together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub answered: u64,
    pub failed: u64,
    /// As [`VendorStanding::spread`] has it.
    spread: [u64; BOUNDS_MS.len() + 1],
    /// The calls of other tenants are among it.
    is_shared: bool,
}

/// What a tenant is told of a vendor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    pub availability_percent: Option<f64>,
    pub p95_ms: Option<f64>,
    /// `None` where the calls of other tenants are among them: how many those are is not told, and the figures above are rounded.
    pub counts: Option<Counts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub answered: u64,
    pub failed: u64,
    /// Answers that were timed.
    pub samples: u64,
}

/// By service and vendor.
pub type All = BTreeMap<(Service, String), Measured>;

/// What workers say of these accounts.
pub fn of_accounts<'a>(
    accounts: &BTreeMap<Account, Whose>,
    standings: impl Iterator<Item = &'a VendorStanding>,
) -> All {
    let mut all = All::new();
    for standing in standings {
        let of = accounts.iter().filter(|(account, _)| is_of(standing, account));
        let Some(whose) = of.map(|(_, whose)| *whose).max() else { continue };
        let measured = all.entry((standing.service, standing.provider.clone())).or_default();
        measured.answered += u64::from(standing.answered);
        measured.failed += u64::from(standing.failed);
        measured.is_shared |= whose == Whose::Shared;
        for (sum, count) in measured.spread.iter_mut().zip(&standing.spread) {
            *sum += u64::from(*count);
        }
    }
    all
}

impl Measured {
    /// What the tenant is told of it.
    pub fn shown(&self) -> Shown {
        let (availability_percent, p95_ms) = (self.availability_percent(), self.p95_ms());
        if self.is_shared {
            let availability_percent = availability_percent.map(|percent| (10.0 * percent).round() / 10.0);
            return Shown { availability_percent, p95_ms: p95_ms.map(f64::round), counts: None };
        }
        let counts = Counts { answered: self.answered, failed: self.failed, samples: self.samples() };
        Shown { availability_percent, p95_ms, counts: Some(counts) }
    }

    /// Answers that were timed.
    pub fn samples(&self) -> u64 {
        self.spread.iter().sum()
    }

    /// How many of a hundred requests were answered; `None` while too few were made.
    pub fn availability_percent(&self) -> Option<f64> {
        let all = self.answered + self.failed;
        (all >= MIN_SAMPLES).then(|| 100.0 * self.answered as f64 / all as f64)
    }

    /// Within so long nineteen of twenty answers came; `None` while too few were timed. Between two bounds it is taken for even, and
    /// what is beyond the last counts as that.
    pub fn p95_ms(&self) -> Option<f64> {
        let samples = self.samples();
        if samples < MIN_SAMPLES {
            return None;
        }
        let wanted = 0.95 * samples as f64;
        let (mut below, mut lower) = (0.0, 0.0);
        for (count, bound) in self.spread.iter().zip(BOUNDS_MS) {
            let (count, upper) = (*count as f64, f64::from(bound));
            if below + count >= wanted && count > 0.0 {
                return Some(lower + (upper - lower) * (wanted - below) / count);
            }
            (below, lower) = (below + count, upper);
        }
        Some(lower)
    }

    /// With so many answers within each of these bounds, which are some of [`BOUNDS_MS`].
    #[cfg(test)]
    pub fn of_spread(answered: u64, failed: u64, spread: &[(u32, u64)]) -> Self {
        let mut measured = Self { answered, failed, ..Self::default() };
        for (bound, count) in spread {
            let place = BOUNDS_MS.iter().position(|known| known == bound).unwrap();
            measured.spread[place] = *count;
        }
        measured
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_percentile_lies_between_its_bounds() {
        let check = |spread: &[(u32, u64)], expected: Option<f64>| {
            assert_eq!(Measured::of_spread(0, 0, spread).p95_ms(), expected, "{spread:?}");
        };
        check(&[(50, 19)], None);
        check(&[(50, 20)], Some(47.5));
        check(&[(50, 95), (10_000, 5)], Some(50.0));
        check(&[(50, 90), (100, 10)], Some(75.0));
        let mut slow = Measured::of_spread(0, 0, &[(50, 10)]);
        slow.spread[BOUNDS_MS.len()] = 90;
        assert_eq!(slow.p95_ms(), Some(10_000.0));
    }

    #[test]
    fn only_a_tenants_own_accounts_count_over_all_workers_and_models() {
        let account =
            |key_hash: &str| Account { provider: "openai".into(), base_url: None, key_hash: key_hash.into() };
        let standing = |key: &str, model: &str, answered: u32| -> VendorStanding {
            let row = json!({"service": "llm", "provider": "openai", "key": key, "model": model, "answered": answered, "failed": 1,
                             "spread": [answered]});
            serde_json::from_value(row).unwrap()
        };
        let told = [standing("01234567", "a", 3), standing("01234567", "b", 4), standing("ffffffff", "a", 9)];
        let accounts =
            [(account("0123456789abcdef"), Whose::Own), (account("76543210aa"), Whose::Shared)].into();
        let all = of_accounts(&accounts, told.iter());
        let of = all.get(&(Service::Llm, "openai".to_owned())).unwrap();
        let counts = of.shown().counts.expect("nobody else uses the account that was measured");
        assert_eq!((all.len(), counts), (1, Counts { answered: 7, failed: 2, samples: 7 }));
    }
}
