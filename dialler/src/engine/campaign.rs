//! A campaign in this dialler's eyes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::ids::{AttemptId, ContactId};
use vox_shared::wire::dialler::claim::Reason;
use vox_shared::wire::dialler::tick::{Factor, Limiting};
use vox_shared::wire::dialler::{CampaignNow, Candidate, Candidates, Doing, Pacing, Statistics};

use super::lines::Running;
use crate::bridge::BridgeError;
use crate::pacing::abandons::Ledger;
use crate::pacing::laws::Counted;
use crate::pacing::pacer::{Pacer, Situation};
use crate::pacing::reserve::Expected;

/// Fewer than so many candidates, and more are asked for.
const FEW: usize = 50;
/// A list that was not full is not asked for again sooner.
const ASK_AGAIN: Duration = Duration::from_secs(2);
const MINUTE: Duration = Duration::from_secs(60);
/// So long those come after the others whose numbers to be shown are full.
const BEHIND: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(super) struct Campaign {
    pub now: CampaignNow,
    pub pacer: Pacer,
    queue: VecDeque<Candidate>,
    /// Who comes after the others, and until when.
    behind: BTreeMap<ContactId, Instant>,
    asked: Option<Instant>,
    asking: bool,
    /// A partition came that was not asked for yet.
    has_more: bool,
    /// It begins new calls.
    pub runs: bool,
    /// Whose claims are under way.
    pub claiming: BTreeSet<ContactId>,
    /// Lines that may be rung more.
    pub budget: u32,
    /// No claim before then, and why.
    held: Option<(Instant, Limiting)>,
    /// The trunks of its claims.
    pub trunks: BTreeSet<String>,
    dials: VecDeque<Instant>,
    /// Why its pacing rings no more.
    limit: Factor,
    pub expected: Expected,
    counted: Statistics,
}

impl Campaign {
    pub fn new(now: &CampaignNow, since: Duration) -> Self {
        let mut campaign = Self {
            now: now.clone(),
            pacer: Pacer::new(now.pacing.clone()),
            queue: VecDeque::new(),
            behind: BTreeMap::new(),
            asked: None,
            asking: false,
            has_more: false,
            runs: false,
            claiming: BTreeSet::new(),
            budget: 0,
            held: None,
            trunks: BTreeSet::new(),
            dials: VecDeque::new(),
            limit: Factor::Nothing,
            expected: Expected::default(),
            counted: Statistics::default(),
        };
        campaign.told(now, since);
        campaign
    }

    /// What the bridge tells of it now.
    pub fn told(&mut self, now: &CampaignNow, since: Duration) {
        let (old, new) = (&self.counted, &now.statistics);
        self.pacer.laws.count(Counted {
            outcomes: new.outcomes.saturating_sub(old.outcomes),
            humans: new.humans.saturating_sub(old.humans),
            machines: new.machines.saturating_sub(old.machines),
            failed: new.failed.saturating_sub(old.failed),
        });
        if let Some(secs) = new.talk_secs {
            self.pacer.laws.set_talk(secs);
        }
        let ledger = Ledger {
            answered: new.answered_30d,
            abandoned: new.abandoned_30d,
            answered_today: new.answered_today,
            abandoned_today: new.abandoned_today,
        };
        self.pacer.see(now.outcomes.max(new.outcomes), ledger, since);
        self.counted = new.clone();
        self.runs = now.state == Doing::Running;
        self.now = now.clone();
    }

    /// How many lines more, with `held` of its partitions here. Diallers that share a campaign share its lines too.
    pub fn pace(&mut self, held: usize, lines: &[&Running], now: Instant, since: Duration) {
        let all = self.now.partitions.max(1) as usize;
        let part = |of: u32| (of as usize * held).div_ceil(all) as u32;
        let max_lines = part(self.now.pacing.max_lines);
        let slots = part(self.now.pacing.slots.unwrap_or(self.now.pacing.max_lines));
        let per_minute = self.now.pacing.per_minute * held as f64 / all as f64;
        self.pacer.set(Pacing { max_lines, per_minute, ..self.now.pacing.clone() });
        let talking = lines.iter().filter(|line| line.talks()).count() as u32;
        // Whoever is being prepared, or asked for, is about to ring.
        let ages = lines.iter().filter(|line| !line.talks() && !line.is_behind());
        let mut ringing: Vec<_> = ages.map(|line| line.age(now)).collect();
        ringing.extend(self.claiming.iter().map(|_| Duration::ZERO));
        let on = Situation { now: since, slots, talking, ringing: &ringing };
        let wanted = self.pacer.wanted(&on);
        self.expected = wanted.expected;
        (self.budget, self.limit) = (wanted.lines, wanted.limit);
        let in_flight = u32::try_from(ringing.len()).unwrap_or(u32::MAX).saturating_add(talking);
        if let Some(left) = self.now.canary_left {
            // Each dialler asks for its part of them, and no fewer than one; the bridge lets no more through than are left.
            let left = part(left).saturating_sub(in_flight);
            (self.budget, self.limit) = (self.budget.min(left), Factor::Canary);
        }
    }

    /// Whether a claim may be made now.
    pub fn may_claim(&self, now: Instant) -> bool {
        self.runs
            && self.budget > 0
            && !self.queue.is_empty()
            && self.held.as_ref().is_none_or(|(until, _)| *until <= now)
    }

    pub fn next(&mut self) -> Option<Candidate> {
        self.queue.pop_front()
    }

    /// It was not its fault.
    pub fn put_back(&mut self, candidate: Candidate) {
        self.queue.push_front(candidate);
    }

    /// All numbers that it may be shown are full. Whoever comes next may be shown others, and is not held up by it.
    pub fn put_behind(&mut self, candidate: Candidate, now: Instant) {
        self.behind.insert(candidate.id.clone(), now + BEHIND);
        self.queue.push_back(candidate);
    }

    pub fn hold(&mut self, until: Instant, factor: Factor, detail: String) {
        self.held = Some((until, Limiting { factor, detail }));
    }

    /// Whether more candidates are to be asked for; then they count as asked for.
    pub fn wants_candidates(&mut self, now: Instant) -> bool {
        let wants = self.runs
            && self.now.due > 0
            && !self.asking
            && self.queue.len() < FEW
            && (self.has_more || self.asked.is_none_or(|asked| now.duration_since(asked) >= ASK_AGAIN));
        if wants {
            (self.asking, self.asked, self.has_more) = (true, Some(now), false);
        }
        wants
    }

    /// A partition was taken: whoever is due in it has waited for its dead owner already.
    pub fn has_partition(&mut self) {
        self.has_more = true;
    }

    pub fn candidates(
        &mut self,
        answer: Result<Candidates, BridgeError>,
        lines: &BTreeMap<AttemptId, Running>,
        now: Instant,
    ) {
        self.asking = false;
        let Ok(candidates) = answer else { return };
        let full = candidates.contacts.len() > FEW;
        // The bridge may have looked before a claim came to it: asked for twice at once, one of them is in vain.
        let on = |candidate: &Candidate| {
            self.claiming.contains(&candidate.id)
                || lines.values().any(|line| line.contact.as_ref() == Some(&candidate.id))
        };
        let fresh = candidates.contacts.into_iter().filter(|candidate| !on(candidate));
        self.behind.retain(|_, until| now < *until);
        let (first, last): (Vec<_>, Vec<_>) = fresh.partition(|one| !self.behind.contains_key(&one.id));
        self.queue = first.into_iter().chain(last).collect();
        // There are more: as soon as these are used up.
        self.asked = if full { None } else { Some(now) };
    }

    pub fn dialled(&mut self, now: Instant) {
        self.dials.push_back(now);
    }

    pub fn dials_per_minute(&mut self, now: Instant) -> f64 {
        while self.dials.front().is_some_and(|at| now.duration_since(*at) > MINUTE) {
            self.dials.pop_front();
        }
        self.dials.len() as f64
    }

    /// What keeps it from ringing more.
    pub fn limiting(&self, able: bool, now: Instant) -> Limiting {
        let plain = |factor| Limiting { factor, detail: String::new() };
        if self.now.state == Doing::Draining {
            return plain(Factor::Draining);
        }
        if !able {
            return plain(Factor::Infrastructure);
        }
        if let Some((until, why)) = &self.held
            && *until > now
        {
            return why.clone();
        }
        if self.budget == 0 {
            return plain(self.limit);
        }
        plain(if self.queue.is_empty() { Factor::List } else { Factor::Share })
    }
}

/// What a refused claim says of what limits its campaign.
pub(super) fn factor(reason: Reason) -> Factor {
    match reason {
        Reason::OutsideWindow => Factor::Windows,
        Reason::TrunkRate => Factor::TrunkRate,
        Reason::TrunkFull => Factor::TrunkLines,
        Reason::TenantRate | Reason::TenantFull | Reason::TenantStopped => Factor::TenantLines,
        Reason::CampaignFull => Factor::CampaignLines,
        Reason::NoSlots => Factor::Slots,
        Reason::BreakerOpen => Factor::Breaker,
        Reason::Canary => Factor::Canary,
        Reason::PermitsUnavailable => Factor::Infrastructure,
        _ => Factor::Other,
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::wire::dialler::CampaignsNow;

    use super::*;

    fn campaign() -> Campaign {
        let told = include_str!("../../../shared/src/wire/dialler_campaigns_v1.golden.json");
        let told: CampaignsNow = serde_json::from_str(told).unwrap();
        Campaign::new(&told.campaigns[0], Duration::ZERO)
    }

    fn candidate(id: &str) -> Candidate {
        let next_at = jiff::Timestamp::UNIX_EPOCH;
        Candidate { id: id.parse().unwrap(), partition: 0, class: 3, closes_at: None, prio: 0, next_at }
    }

    #[test]
    fn no_more_first_calls_are_on_than_are_waited_for() {
        let budget = |canary_left| {
            let mut campaign = campaign();
            campaign.now.canary_left = canary_left;
            campaign.pace(8, &[], Instant::now(), Duration::ZERO);
            campaign.claiming.insert("con_1".parse().unwrap());
            let before = campaign.budget;
            campaign.pace(8, &[], Instant::now(), Duration::ZERO);
            (before, campaign.budget, campaign.limit)
        };
        // Half of the partitions are here: half of the five, and one of them is asked for.
        assert_eq!(budget(Some(5)), (3, 2, Factor::Canary));
        assert_eq!(budget(Some(0)), (0, 0, Factor::Canary));
        assert!(budget(None).1 > 5);
    }

    #[test]
    fn whoever_is_in_a_partition_that_was_taken_is_asked_for_at_once() {
        let (mut campaign, now) = (campaign(), Instant::now());
        assert!(campaign.wants_candidates(now));
        campaign.has_partition();
        assert!(!campaign.wants_candidates(now), "one question at a time");
        campaign.candidates(Ok(Candidates::default()), &BTreeMap::new(), now);
        assert!(campaign.wants_candidates(now), "it came after the question");
        campaign.candidates(Ok(Candidates::default()), &BTreeMap::new(), now);
        assert!(!campaign.wants_candidates(now), "nothing has come since");
        assert!(campaign.wants_candidates(now + ASK_AGAIN));
    }

    /// A pool has more numbers than are tried for one contact: the first of the list would hold all others up.
    #[test]
    fn whoever_can_be_shown_no_number_holds_nobody_up() {
        let (mut campaign, now) = (campaign(), Instant::now());
        let tell = |campaign: &mut Campaign, now| {
            let contacts = vec![candidate("con_1"), candidate("con_2")];
            campaign.candidates(Ok(Candidates { contacts }), &BTreeMap::new(), now);
        };
        let next = |campaign: &mut Campaign| campaign.next().unwrap();
        tell(&mut campaign, now);
        let full = next(&mut campaign);
        assert_eq!(full.id.as_str(), "con_1");
        campaign.put_behind(full, now);
        assert_eq!(next(&mut campaign).id.as_str(), "con_2");
        tell(&mut campaign, now);
        assert_eq!(
            next(&mut campaign).id.as_str(),
            "con_2",
            "asked for anew, the other one is still the first"
        );
        tell(&mut campaign, now + BEHIND);
        assert_eq!(next(&mut campaign).id.as_str(), "con_1");
    }

    #[test]
    fn nobody_is_claimed_twice_at_once() {
        let mut campaign = campaign();
        campaign.claiming.insert("con_1".parse().unwrap());
        let contacts = vec![candidate("con_1"), candidate("con_2")];
        campaign.candidates(Ok(Candidates { contacts }), &BTreeMap::new(), Instant::now());
        let next = move || campaign.next().map(|candidate| candidate.id.to_string());
        assert_eq!(std::iter::from_fn(next).collect::<Vec<_>>(), ["con_2"]);
    }
}
