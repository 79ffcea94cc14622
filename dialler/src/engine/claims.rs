//! Whom to ring next: candidates, claims, and what is done with a refusal.

use std::time::Duration;

use tokio::time::Instant;
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::attempt::Why;
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest, Claimed, Reason, Refused, Scope};
use vox_shared::wire::dialler::lease::Held;
use vox_shared::wire::dialler::{CandidatesRequest, MAX_CANDIDATES};

use super::Engine;
use super::campaign::{Campaign, factor};
use super::lines::Running;
use super::said::{Ask, Said};
use crate::bridge::BridgeError;
use crate::metrics;
use crate::pacing::share::Wants;

/// Claims under way at once, of all campaigns.
const MOST_CLAIMS: u32 = 32;
/// After a refusal that says nothing of when.
const WAIT: Duration = Duration::from_millis(500);
/// The longest that a refusal is kept: what it was for may be over.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Engine {
    /// Count how many lines each campaign may ring more.
    pub(super) fn pace(&mut self, now: Instant) {
        let since = self.since(now);
        for (id, campaign) in &mut self.campaigns {
            let lines: Vec<&Running> = self.lines.values().filter(|line| line.key.0 == *id).collect();
            campaign.pace(self.leases.partitions(id).len(), &lines, now, since);
        }
        let wants =
            |(id, campaign): (&CampaignId, &mut Campaign)| campaign.wants_candidates(now).then(|| id.clone());
        let asks: Vec<_> = self.campaigns.iter_mut().filter_map(wants).collect();
        for campaign in asks {
            let partitions = self.leases.partitions(&campaign);
            if partitions.is_empty() {
                if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                    campaign.candidates(Ok(Default::default()), &self.lines, now);
                }
                continue;
            }
            let ask = CandidatesRequest { campaign: campaign.clone(), partitions, limit: MAX_CANDIDATES };
            self.ask(move |desk| async move {
                let answer = desk.bridge.candidates(&ask).await;
                Said::Candidates { campaign, answer }
            });
        }
    }

    /// Claim as much as may be rung, whose turn it is first.
    pub(super) fn pump(&mut self, now: Instant) {
        if self.ending || !self.is_able(now) || self.shut_until.is_some_and(|until| until > now) {
            return;
        }
        loop {
            let lines = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
            if self.claiming >= MOST_CLAIMS || lines.saturating_add(self.claiming) >= self.max_lines {
                return;
            }
            let able = self.campaigns.iter().filter(|(_, campaign)| campaign.may_claim(now));
            let wants: Vec<_> = able
                .map(|(id, campaign)| Wants {
                    campaign: id.clone(),
                    weight: campaign.now.weight,
                    cost: campaign.pacer.laws.cost(),
                })
                .collect();
            let since = self.since(now);
            let Some(next) = self.share.next(&wants, since) else { return };
            self.claim(&next, now);
        }
    }

    /// The next candidate of a campaign whose turn it is.
    fn claim(&mut self, id: &CampaignId, now: Instant) {
        let since = self.since(now);
        let Some(campaign) = self.campaigns.get_mut(id) else { return };
        let Some(candidate) = campaign.next() else { return };
        let Some(epoch) = self.leases.may_claim(&(id.clone(), candidate.partition)) else { return };
        // Trunks that fail are not dialled through. The bridge knows which others the campaign has.
        let offer = self.trunks.offer(&campaign.now.tenant_id, &campaign.trunks, now);
        campaign.claiming.insert(candidate.id.clone());
        campaign.budget = campaign.budget.saturating_sub(1);
        campaign.pacer.begun(since);
        self.share.dialled(id, campaign.pacer.laws.cost(), since);
        self.claiming += 1;
        let request = ClaimRequest {
            worker: self.desk.name.clone(),
            campaign: id.clone(),
            partition: candidate.partition,
            epoch,
            contact: candidate.id.clone(),
            avoid: offer.avoid.clone(),
        };
        let ask = Ask { campaign: id.clone(), epoch, candidate, offer };
        self.ask(move |desk| async move {
            let answer = desk.bridge.claim(&request).await;
            Said::Claim { ask, answer }
        });
    }

    /// What became of a claim.
    pub(super) fn claimed(&mut self, ask: Ask, answer: Result<Claim, BridgeError>, now: Instant) {
        self.claiming = self.claiming.saturating_sub(1);
        let campaign = self.campaigns.get_mut(&ask.campaign);
        let cost = campaign.as_ref().map_or(0.0, |campaign| campaign.pacer.laws.cost());
        if let Some(campaign) = campaign {
            campaign.claiming.remove(&ask.candidate.id);
        }
        let refused = match answer {
            Ok(Claim::Claimed(claimed)) => {
                return self.claimed_for(claimed, ask, cost, now);
            }
            Ok(Claim::Refused(refused)) => Some(refused),
            Err(error) => {
                tracing::debug!(%error, "a claim has no answer");
                None
            }
        };
        self.share.refund(&ask.campaign, cost);
        if let Some(campaign) = self.campaigns.get_mut(&ask.campaign) {
            campaign.pacer.not_begun();
        }
        self.trunks.untried(&ask.offer.tries, now);
        match refused {
            Some(refused) => self.refused(ask, &refused, now),
            // It may have been done: the bridge takes it back by itself.
            None => self.shut_until = Some(now + WAIT),
        }
    }

    /// The claim names its trunk: only now it is known which one it is.
    fn claimed_for(&mut self, claimed: Box<Claimed>, ask: Ask, cost: f64, now: Instant) {
        let tries = &ask.offer.tries;
        let lets = self.trunks.lets((&claimed.tenant_id, &claimed.trunk), tries, now);
        self.trunks.untried(tries.iter().filter(|tried| **tried != claimed.trunk), now);
        if let Some(campaign) = self.campaigns.get_mut(&ask.campaign) {
            campaign.trunks.insert(claimed.trunk.clone());
        }
        let wanted = match () {
            () if self.ending => Err(Why::Drain),
            () => lets.ok_or(Why::Trunk),
        };
        if wanted.is_err() {
            self.share.refund(&ask.campaign, cost);
            if let Some(campaign) = self.campaigns.get_mut(&ask.campaign) {
                campaign.pacer.not_begun();
            }
        }
        self.begin(claimed, ask, wanted, now);
    }

    fn refused(&mut self, ask: Ask, refused: &Refused, now: Instant) {
        let reason = metrics::Refused { reason: refused.reason.as_str() };
        self.desk.metrics.refused.get_or_create(&reason).inc();
        let wait = refused
            .wait_ms
            .map_or(WAIT, Duration::from_millis)
            .clamp(Duration::from_millis(20), LONGEST_WAIT);
        let until = match ask.offer.opens.filter(|_| refused.reason == Reason::BreakerOpen) {
            Some(opens) => opens.min(now + LONGEST_WAIT),
            None => now + wait,
        };
        let factor = factor(refused.reason);
        let tenant = self.campaigns.get(&ask.campaign).map(|campaign| campaign.now.tenant_id.clone());
        match refused.scope {
            Scope::Contact => {
                if let Some(campaign) = self.campaigns.get_mut(&ask.campaign) {
                    campaign.budget += 1;
                }
                return;
            }
            Scope::Lease => {
                let partition = ask.candidate.partition;
                self.leases.lost(&Held { campaign: ask.campaign.clone(), partition, epoch: ask.epoch });
                return;
            }
            Scope::Campaign | Scope::Trunk => {
                if let Some(campaign) = self.campaigns.get_mut(&ask.campaign) {
                    campaign.hold(until, factor, refused.detail.clone());
                }
            }
            Scope::Tenant => {
                let of_tenant = self
                    .campaigns
                    .values_mut()
                    .filter(|campaign| Some(&campaign.now.tenant_id) == tenant.as_ref());
                of_tenant.for_each(|campaign| campaign.hold(until, factor, refused.detail.clone()));
            }
            Scope::Slots | Scope::Deployment => {
                self.shut_until = Some(until);
                for campaign in self.campaigns.values_mut() {
                    campaign.hold(until, factor, refused.detail.clone());
                }
            }
        }
        if let Some(campaign) = self.campaigns.get_mut(&ask.campaign) {
            match refused.reason {
                Reason::NoCallerNumber => campaign.put_behind(ask.candidate, now),
                _ => campaign.put_back(ask.candidate),
            }
        }
    }
}
