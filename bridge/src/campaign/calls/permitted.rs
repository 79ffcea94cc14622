//! Calls that run on, and what a dialler does at the moment.

use std::time::Duration;

use actix_web::web::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vox_shared::ids::{AttemptId, CampaignId};
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::{PermitsRenewed, PermitsRequest, RoomsRequest, RoomsSeen};
use vox_shared::wire::dialler::tick::{CampaignTick, Tick, Ticked};

use super::{CallDesk, CallError};
use crate::store::attempts::Attempt;
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::{StoreError, Stored};

/// A dialler that tells nothing for so long does nothing.
const TICKS_FOR: Duration = Duration::from_secs(15);
/// Campaigns of which no call goes on. Those of one that failed do: what it cannot do is begin others.
const STOPPED: [CampaignState; 2] = [CampaignState::Completed, CampaignState::Archived];

/// What a dialler told of a campaign, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldTick {
    pub at: Timestamp,
    pub tick: CampaignTick,
}

impl CallDesk {
    /// These calls run: keep their permits. Answers those that are to end: they are over, their campaign was stopped, or their number may
    /// not be called any more.
    pub async fn keep(&self, ask: &PermitsRequest) -> Result<PermitsRenewed, CallError> {
        let (mut running, mut gone) = (Vec::new(), Vec::new());
        for id in &ask.attempts {
            match self.stores.all_attempts().find_attempt(id).await? {
                Some(attempt) if self.goes_on(&attempt).await? => running.push((id.clone(), attempt.value)),
                Some(attempt) if attempt.value.open_since.is_some() => {
                    // It occupies its lines until its dialler has ended it.
                    running.push((id.clone(), attempt.value));
                    gone.push(id.clone());
                }
                _ => gone.push(id.clone()),
            }
        }
        if let Err(error) = self.keep_lines(&running).await {
            // The calls go on; nothing new is dialled meanwhile.
            tracing::debug!(%error, "permits of running calls could not be kept");
        }
        Ok(PermitsRenewed { gone })
    }

    /// Of rooms that the media server has: those that there should not be. One of an attempt that occupies something is its dialler's, or of
    /// whoever recovers it.
    pub async fn rooms(&self, ask: &RoomsRequest) -> Result<RoomsSeen, CallError> {
        let mut seen = RoomsSeen::default();
        for id in &ask.attempts {
            match self.stores.all_attempts().find_attempt(id).await? {
                None => seen.unknown.push(id.clone()),
                Some(attempt) if attempt.value.open_since.is_none() => seen.over.push(id.clone()),
                Some(_) => {}
            }
        }
        Ok(seen)
    }

    async fn goes_on(&self, stored: &Stored<Attempt>) -> Result<bool, StoreError> {
        let attempt = &stored.value;
        if attempt.open_since.is_none() || attempt.result.is_some() {
            return Ok(false);
        }
        let campaign = self.stores.all_campaigns().find_campaign(&attempt.campaign_id).await?;
        if campaign.is_none_or(|campaign| STOPPED.contains(&campaign.value.state)) {
            return Ok(false);
        }
        let Ok(number) = attempt.number.parse::<Number>() else { return Ok(false) };
        Ok(self.stores.do_not_call(&attempt.tenant_id).find_number(&number).await?.is_none())
    }

    /// What a dialler does. Answers the campaigns of it that begin no call any more.
    pub async fn tick(&self, tick: &Tick) -> Result<Ticked, CallError> {
        let (mut paused, mut stop) = (Vec::new(), Vec::new());
        for told in &tick.campaigns {
            let campaign = match self.campaign(&told.id).await {
                Ok(campaign) => campaign.value,
                Err(CallError::UnknownCampaign) => {
                    paused.push(told.id.clone());
                    continue;
                }
                Err(error) => return Err(error),
            };
            if campaign.state != CampaignState::Running || campaign.draining {
                paused.push(told.id.clone());
                if STOPPED.contains(&campaign.state) && told.lines > 0 {
                    stop.extend(self.open_of(&told.id, &tick.worker).await?);
                }
            }
            let noted = ToldTick { at: self.clock.now(), tick: told.clone() };
            let text = Bytes::from(serde_json::to_vec(&noted).expect("it is plain data"));
            let key = tick_key(&told.id, &tick.worker);
            if let Err(error) = self.coordination.set(key, text, TICKS_FOR).await {
                tracing::debug!(%error, "what a dialler does could not be noted");
            }
        }
        Ok(Ticked { stop, paused })
    }

    /// Calls of a campaign that a dialler has.
    async fn open_of(&self, campaign: &CampaignId, worker: &str) -> Result<Vec<AttemptId>, StoreError> {
        let its = |one: &Stored<Attempt>| one.value.campaign_id == *campaign && one.value.worker == worker;
        let open = self.open_attempts().await?;
        Ok(open.into_iter().filter(its).filter_map(|one| one.id.parse::<AttemptId>().ok()).collect())
    }

    /// What the diallers that have partitions of a campaign told last: none for one that tells nothing, and none of a campaign that is over
    /// with its last call, however lately that was.
    pub async fn ticks_of(&self, id: &CampaignId, campaign: &Campaign) -> Result<Vec<ToldTick>, StoreError> {
        let runs = campaign.state == CampaignState::Running;
        if !runs && !self.open_attempts().await?.iter().any(|attempt| attempt.value.campaign_id == *id) {
            return Ok(Vec::new());
        }
        let leases = self.stores.campaign_leases(&campaign.tenant_id).of_campaign(id).await?;
        let mut owners: Vec<String> = leases.into_iter().filter_map(|lease| lease.value.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        let mut ticks = Vec::new();
        for owner in owners {
            let told = self.coordination.get(tick_key(id, &owner)).await.unwrap_or_default();
            ticks.extend(told.and_then(|bytes| serde_json::from_slice(&bytes).ok()));
        }
        Ok(ticks)
    }

    /// What follows an attempt's result is written to its end.
    pub(super) async fn finish_what_follows(&self, id: &AttemptId) -> Result<(), CallError> {
        let attempt = self.attempt(id).await?.value;
        self.follows(id, &attempt).await.map(drop)
    }
}

fn tick_key(campaign: &CampaignId, worker: &str) -> String {
    format!("campaign_tick:{campaign}:{worker}")
}
