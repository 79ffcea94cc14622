//! Campaigns that have something to do, and who works on which part of them.

use jiff::SignedDuration;
use vox_shared::ids::CampaignId;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::dialler::lease::{Held, Partition, ReleaseRequest, RenewRequest, Renewed, TakeRequest};
use vox_shared::wire::dialler::{CampaignNow, CampaignsNow, Doing, Mode, Pacing};

use super::canary::Canary;
use super::{CallDesk, CallError};
use crate::campaign::settings;
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::engine::{Cursor, MAX_PAGE};
use crate::store::{StoreError, Stored};

/// A dialler that renews nothing for so long is not counted.
const DIALLER_LIVES: SignedDuration = SignedDuration::from_secs(15);

impl CallDesk {
    /// All campaigns that run, and those of which calls do, of all tenants.
    pub async fn campaigns_now(&self) -> Result<CampaignsNow, CallError> {
        let mut campaigns = Vec::new();
        let running = self.running().await?;
        for campaign in running.iter().chain(&self.with_calls_left(&running).await?) {
            if let Some(now) = Box::pin(self.campaign_now(campaign)).await? {
                campaigns.push(now);
            }
        }
        let diallers = self.stores.diallers().list_since(self.now() + -DIALLER_LIVES).await?;
        Ok(CampaignsNow { version: WIRE_VERSION, at: self.clock.now(), diallers, campaigns })
    }

    /// Campaigns that do not run and have calls that are not over: whoever made them may be gone, and somebody has to end them.
    async fn with_calls_left(
        &self,
        running: &[Stored<Campaign>],
    ) -> Result<Vec<Stored<Campaign>>, StoreError> {
        let now = self.now();
        let open = match self.board.open_campaigns(now) {
            Some(known) => known,
            None => {
                let mut open: Vec<CampaignId> = Vec::new();
                for attempt in self.open_attempts().await? {
                    if !open.contains(&attempt.value.campaign_id) {
                        open.push(attempt.value.campaign_id);
                    }
                }
                self.board.keep_open_campaigns(open.clone(), now);
                open
            }
        };
        let mut left = Vec::new();
        for id in open.iter().filter(|id| !running.iter().any(|campaign| campaign.id == id.as_str())) {
            left.extend(self.stores.all_campaigns().find_campaign(id).await?);
        }
        Ok(left)
    }

    pub(super) async fn running(&self) -> Result<Vec<Stored<Campaign>>, StoreError> {
        let (mut running, mut after) = (Vec::new(), None);
        loop {
            let page =
                self.stores.all_campaigns().list_in_state(CampaignState::Running, MAX_PAGE, after).await?;
            running.extend(page.items);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(running);
            }
        }
    }

    async fn campaign_now(&self, stored: &Stored<Campaign>) -> Result<Option<CampaignNow>, CallError> {
        let campaign = &stored.value;
        let Ok(id) = stored.id.parse::<CampaignId>() else { return Ok(None) };
        let figures = self.figures(&id, campaign).await?;
        let first = self.stores.contacts(&campaign.tenant_id).first_ready(&id).await?;
        let due = u64::from(first.is_some_and(|first| first.value.next_at <= self.now()));
        let leases = self.partitions(&id, campaign).await?;
        let canary = self.canary(&id, campaign).await?;
        Ok(Some(CampaignNow {
            tenant_id: campaign.tenant_id.clone(),
            bot_id: campaign.bot_id.clone(),
            state: match campaign.state {
                CampaignState::Running if !campaign.draining => Doing::Running,
                _ => Doing::Draining,
            },
            weight: campaign.settings.pacing.weight,
            pacing: pacing(&campaign.settings.pacing, figures.hard_stop),
            ring_secs: campaign.settings.ring_secs,
            canary_left: match canary {
                Canary::Wait(left) => Some(left),
                Canary::Failed => Some(0),
                Canary::Over => None,
            },
            outcomes: figures.since_start,
            due,
            partitions: campaign.partitions,
            leases,
            statistics: figures.statistics,
            id,
        }))
    }

    async fn partitions(&self, id: &CampaignId, campaign: &Campaign) -> Result<Vec<Partition>, StoreError> {
        let known = self.stores.campaign_leases(&campaign.tenant_id).of_campaign(id).await?;
        let partition = |partition: u32| {
            let lease = known.iter().map(|lease| &lease.value).find(|lease| lease.partition == partition);
            let (owner, epoch, beat) =
                lease.map_or((None, 0, 0), |lease| (lease.owner.clone(), lease.epoch, lease.beat));
            Partition { partition, owner, epoch, beat }
        };
        Ok((0..campaign.partitions).map(partition).collect())
    }

    /// Add one to the beat of each lease that is still the worker's.
    pub async fn renew(&self, ask: &RenewRequest) -> Result<Renewed, CallError> {
        self.stores.diallers().see(&ask.worker, self.now()).await?;
        let mut lost = Vec::new();
        for held in &ask.held {
            let is_held = match self.campaign(&held.campaign).await {
                Ok(campaign) => {
                    self.stores.campaign_leases(&campaign.value.tenant_id).renew(&ask.worker, held).await?
                }
                Err(CallError::UnknownCampaign) => false,
                Err(error) => return Err(error),
            };
            if !is_held {
                lost.push(held.clone());
            }
        }
        Ok(Renewed { lost })
    }

    /// Take a partition; answers the epoch.
    pub async fn take(&self, ask: &TakeRequest) -> Result<u32, CallError> {
        let campaign = self.campaign(&ask.campaign).await?.value;
        if ask.partition >= campaign.partitions {
            return Err(CallError::NoPartition(ask.partition));
        }
        let leases = self.stores.campaign_leases(&campaign.tenant_id);
        let taken = leases.take(&ask.worker, (&ask.campaign, ask.partition), ask.seen).await?;
        taken.ok_or(CallError::LeaseTaken)
    }

    pub async fn release(&self, ask: &ReleaseRequest) -> Result<(), CallError> {
        let campaign = self.campaign(&ask.held.campaign).await?.value;
        Ok(self.stores.campaign_leases(&campaign.tenant_id).release(&ask.worker, &ask.held).await?)
    }

    /// Whether the lease is the worker's under this epoch. It decides nothing for good: each write carries the epoch.
    pub(super) async fn holds(
        &self,
        campaign: &Campaign,
        (worker, held): (&str, &Held),
    ) -> Result<bool, StoreError> {
        let leases = self.stores.campaign_leases(&campaign.tenant_id);
        let lease = leases.find_lease(&held.campaign, held.partition).await?;
        Ok(lease.is_some_and(|lease| lease.epoch == held.epoch && lease.owner.as_deref() == Some(worker)))
    }
}

/// Pacing as diallers know it.
pub fn pacing(set: &settings::Pacing, hard_stop: bool) -> Pacing {
    let mode = match set.mode {
        settings::Mode::Preview => Mode::Preview,
        settings::Mode::ReserveFirst => Mode::Progressive,
        settings::Mode::FourSigma => Mode::Reserve,
        settings::Mode::Power => Mode::Power,
        settings::Mode::Predictive => Mode::Predictive,
        settings::Mode::Rate => Mode::Rate,
    };
    Pacing {
        mode,
        ratio: set.ratio,
        target: set.target_percent / 100.0,
        reserve_sigma: set.reserve_sigma,
        per_minute: set.per_minute,
        max_lines: set.max_lines,
        slots: set.slots,
        hard_stop,
    }
}
