//! All trunks that this process dials through, whose they are, and which of them are left alone. Each trunk that a campaign may be dialled
//! over is asked before a claim, and that of the claim once more before its dial.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vox_shared::ids::TenantId;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::dialler::claim::MAX_AVOIDED;

use super::trunk::{Gate, Trunk};

#[derive(Debug)]
struct Known {
    tenant: TenantId,
    breaker: Trunk,
    /// Cancelled when it fails, for the lines that were let before; a new one follows.
    fails: CancellationToken,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Trunks(BTreeMap<String, Known>);

/// What a claim is told of trunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Those that it is not to be dialled over.
    pub avoid: Vec<String>,
    /// Of the others, those that fail and that this one call tries.
    pub tries: Vec<String>,
    /// When the first of those that are avoided may be tried.
    pub opens: Option<Instant>,
}

/// What an ending made of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    Fails,
    WorksAgain,
}

impl Trunks {
    /// What the next claim of a campaign of the tenant is told. Of trunks that fail, those that the campaign `used` before are tried by it,
    /// one call at a time; what is not used of it has to be given back with [`Self::untried`].
    pub fn offer(&mut self, tenant: &TenantId, used: &BTreeSet<String>, now: Instant) -> Offer {
        let mut offer = Offer::default();
        for (id, known) in self.0.iter_mut().filter(|(_, known)| known.tenant == *tenant) {
            let gate = match known.breaker.shut_until(now) {
                Some(until) => Gate::Shut(until),
                None if used.contains(id) => known.breaker.gate(now),
                None => Gate::Free,
            };
            match gate {
                Gate::Free => {}
                Gate::Try => offer.tries.push(id.clone()),
                Gate::Shut(until) => {
                    offer.avoid.push(id.clone());
                    offer.opens = Some(offer.opens.map_or(until, |opens| opens.min(until)));
                }
            }
        }
        // A tenant with more trunks that fail at once finds out by the claim.
        offer.avoid.truncate(MAX_AVOIDED);
        offer
    }

    /// Whether a contact that was claimed for this trunk may be dialled over it: the trunk may have failed since it was asked. What it is
    /// let with is cancelled should the trunk fail before the dial.
    pub fn lets(
        &mut self,
        (tenant, trunk): (&TenantId, &str),
        tries: &[String],
        now: Instant,
    ) -> Option<CancellationToken> {
        let known = self.0.entry(trunk.to_owned()).or_insert_with(|| Known {
            tenant: tenant.clone(),
            breaker: Trunk::default(),
            fails: CancellationToken::new(),
        });
        let is_let =
            tries.iter().any(|tried| tried == trunk) || !matches!(known.breaker.gate(now), Gate::Shut(_));
        is_let.then(|| known.fails.clone())
    }

    /// These were to be tried, and no call came to it.
    pub fn untried<'a>(&mut self, tries: impl IntoIterator<Item = &'a String>, now: Instant) {
        for trunk in tries {
            if let Some(known) = self.0.get_mut(trunk) {
                known.breaker.untried(now);
            }
        }
    }

    /// How an attempt over a trunk ended; see [`Trunk::ended`].
    pub fn ended(&mut self, trunk: &str, ending: Option<Ending>, now: Instant) -> Change {
        let Some(known) = self.0.get_mut(trunk) else { return Change::None };
        let was_shut = known.breaker.is_shut();
        known.breaker.ended(ending, now);
        match (was_shut, known.breaker.is_shut()) {
            (false, true) => {
                std::mem::take(&mut known.fails).cancel();
                Change::Fails
            }
            (true, false) => Change::WorksAgain,
            _ => Change::None,
        }
    }

    /// How many are left alone.
    pub fn shut(&self) -> usize {
        self.0.values().filter(|known| known.breaker.is_shut()).count()
    }

    /// Forget those of tenants that call nobody, unless they fail.
    pub fn keep(&mut self, calls: impl Fn(&TenantId) -> bool) {
        self.0.retain(|_, known| known.breaker.is_shut() || calls(&known.tenant));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        format!("ten_{name}").parse().unwrap()
    }

    fn used(trunks: &[&str]) -> BTreeSet<String> {
        trunks.iter().map(|trunk| (*trunk).to_owned()).collect()
    }

    /// Two trunks of one tenant and one of another; those that are named fail.
    fn trunks(failing: &[&str], now: Instant) -> Trunks {
        let mut trunks = Trunks::default();
        for (whose, trunk) in [("a", "ST_1"), ("a", "ST_2"), ("b", "ST_3")] {
            assert!(trunks.lets((&tenant(whose), trunk), &[], now).is_some());
        }
        for trunk in failing {
            assert_eq!(trunks.ended(trunk, Some(Ending::Auth), now), Change::Fails);
        }
        trunks
    }

    #[test]
    fn every_trunk_of_a_campaign_is_asked_and_not_that_of_its_last_claim() {
        let now = Instant::now();
        let mut trunks = trunks(&["ST_1"], now);
        let campaign = used(&["ST_1", "ST_2"]);
        let opens = Some(now + Duration::from_secs(30));
        let offer = trunks.offer(&tenant("a"), &campaign, now);
        assert_eq!(offer, Offer { avoid: vec!["ST_1".into()], tries: vec![], opens });
        let fresh = trunks.offer(&tenant("a"), &used(&[]), now);
        assert_eq!(fresh.avoid, ["ST_1"], "also of a campaign that was never dialled over it");
        assert_eq!(trunks.offer(&tenant("b"), &used(&["ST_3"]), now), Offer::default(), "another tenant's");
        assert_eq!(trunks.shut(), 1);
    }

    #[test]
    fn a_claim_that_was_under_way_when_its_trunk_failed_is_not_dialled() {
        let now = Instant::now();
        let mut trunks = trunks(&[], now);
        let offer = trunks.offer(&tenant("a"), &used(&["ST_1"]), now);
        trunks.ended("ST_1", Some(Ending::Auth), now);
        assert!(trunks.lets((&tenant("a"), "ST_1"), &offer.tries, now).is_none());
        assert!(trunks.lets((&tenant("a"), "ST_2"), &offer.tries, now).is_some());
    }

    #[test]
    fn what_was_let_before_a_trunk_failed_is_taken_back_and_a_later_try_is_not() {
        let mut now = Instant::now();
        let mut trunks = trunks(&[], now);
        let lets = |trunks: &mut Trunks, trunk, now| trunks.lets((&tenant("a"), trunk), &[], now).unwrap();
        let (before, other) = (lets(&mut trunks, "ST_1", now), lets(&mut trunks, "ST_2", now));
        trunks.ended("ST_1", Some(Ending::Auth), now);
        assert!(before.is_cancelled() && !other.is_cancelled());
        now += Duration::from_secs(30);
        assert!(!lets(&mut trunks, "ST_1", now).is_cancelled(), "it tries the trunk");
    }

    #[test]
    fn one_call_at_a_time_tries_a_trunk() {
        let mut now = Instant::now();
        let mut trunks = trunks(&["ST_1", "ST_2"], now);
        now += Duration::from_secs(30);
        let campaign = used(&["ST_1"]);
        let first = trunks.offer(&tenant("a"), &campaign, now);
        assert_eq!(first.tries, ["ST_1"]);
        let second = trunks.offer(&tenant("a"), &campaign, now);
        assert_eq!(second.avoid, ["ST_1"], "it is being tried");
        assert!(trunks.lets((&tenant("a"), "ST_1"), &first.tries, now).is_some());
        assert!(trunks.lets((&tenant("a"), "ST_1"), &second.tries, now).is_none());
        // The bridge has claimed for a trunk that this campaign was not dialled over before: that is a try as well, and one.
        assert!(trunks.lets((&tenant("a"), "ST_2"), &first.tries, now).is_some());
        assert!(trunks.lets((&tenant("a"), "ST_2"), &first.tries, now).is_none());
    }

    #[test]
    fn a_try_that_nobody_used_is_the_next_ones() {
        let mut now = Instant::now();
        let mut trunks = trunks(&["ST_1"], now);
        now += Duration::from_secs(30);
        let campaign = used(&["ST_1"]);
        let refused = trunks.offer(&tenant("a"), &campaign, now);
        trunks.untried(&refused.tries, now);
        assert_eq!(trunks.offer(&tenant("a"), &campaign, now).tries, ["ST_1"]);
    }

    #[test]
    fn trunks_of_whoever_calls_nobody_are_forgotten_unless_they_fail() {
        let now = Instant::now();
        let mut trunks = trunks(&["ST_1"], now);
        trunks.keep(|_| false);
        assert_eq!((trunks.0.len(), trunks.shut()), (1, 1));
        assert_eq!(trunks.ended("ST_9", Some(Ending::Auth), now), Change::None, "nobody knows it");
    }
}
