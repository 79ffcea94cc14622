//! The number that a claimed contact is shown, with the permits for a call over its trunk.

use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::claim::{ClaimRequest, Reason, Scope};

use super::super::CallDesk;
use super::super::caller::{Line, choose};
use super::super::canary::Canary;
use super::super::lines::Most;
use super::{Halt, Plan, STOPPED_WAIT_MS, halt, refused, waits};
use crate::campaign::preflight;
use crate::store::campaigns::Campaign;
use crate::store::contacts::Contact;

/// When a campaign is asked for again whose first calls are waited for.
const CANARY_WAIT_MS: u64 = 1_000;
/// And one whose trunks fail.
const BREAKER_WAIT_MS: u64 = 1_000;

impl CallDesk {
    /// How many lines the first calls may have at once; none once their outcomes are known.
    pub(super) async fn first_calls_left(
        &self,
        ask: &ClaimRequest,
        campaign: &Campaign,
    ) -> Result<Option<u32>, Halt> {
        match self.canary(&ask.campaign, campaign).await? {
            Canary::Over => Ok(None),
            Canary::Wait(left @ 1..) => Ok(Some(left)),
            Canary::Wait(0) | Canary::Failed => canary_waits(),
        }
    }

    /// A number to call from, with the permits for a call over its trunk.
    pub(super) async fn take_a_line(&self, plan: &Plan<'_>, contact: &Contact) -> Result<Line, Halt> {
        let lines = self.lines_of(&plan.campaign.tenant_id).await?;
        let whom = (contact, &plan.cleared.number.number);
        let numbers = &plan.campaign.settings.numbers;
        let chosen = choose(&lines, numbers, whom, (plan.now, &plan.ask.avoid));
        let mut last = None;
        let most = Most { campaign: plan.campaign, first_calls: plan.first_calls };
        for line in &chosen {
            let of = (&plan.id, &plan.ask.campaign, most);
            match self.take_lines(of, (plan.ask.partition, plan.ask.epoch), line).await? {
                None => return Ok((*line).clone()),
                Some(refusal) if plan.first_calls.is_some() && refusal.reason == Reason::CampaignFull => {
                    return canary_waits();
                }
                // Another number may have a trunk with room, or room of its own.
                Some(refusal) if matches!(refusal.scope, Scope::Trunk) => last = Some(refusal),
                Some(refusal) if refusal.reason == Reason::NoCallerNumber => last = Some(refusal),
                Some(refusal) => return halt(refusal),
            }
        }
        match last {
            Some(refusal) => halt(refusal),
            None if !choose(&lines, numbers, whom, (plan.now, &[])).is_empty() => waits(
                Reason::BreakerOpen,
                Scope::Campaign,
                (BREAKER_WAIT_MS, "every trunk that it may be called over fails".into()),
            ),
            None => self.without_number(&plan.ask.campaign, plan.campaign).await,
        }
    }

    /// No number can be shown now: those that there are rest, or wait for LiveKit; without any the campaign cannot go on.
    async fn without_number<T>(&self, id: &CampaignId, campaign: &Campaign) -> Result<T, Halt> {
        let (tenant, settings) = (&campaign.tenant_id, &campaign.settings);
        if preflight::callers(&self.stores, tenant, settings).await?.numbers == 0 {
            self.fail_for(id, "no_number").await?;
            return refused(Reason::Paused, Scope::Campaign);
        }
        let detail = "no number of the pool has a carrier that LiveKit knows, or all of them rest".into();
        waits(Reason::NoCallerNumber, Scope::Campaign, (STOPPED_WAIT_MS, detail))
    }
}

fn canary_waits<T>() -> Result<T, Halt> {
    let why = "the outcomes of the first calls are waited for";
    waits(Reason::Canary, Scope::Campaign, (CANARY_WAIT_MS, why.to_owned()))
}
