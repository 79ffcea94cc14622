//! Which dialler works on which partition of a campaign. No clock is asked: an owner adds to the beat, and whoever saw neither epoch nor
//! beat change for long enough takes the lease over with one step that also raises the epoch. A lease is no proof of anything: every write
//! that follows from it carries the epoch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{CampaignId, TenantId};
use vox_shared::wire::dialler::lease::{Held, Seen};

use super::SWEPT;
use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Filter, Index, Integer, Text, Update};
use crate::field;

const BY_PARTITION: &str = "by_partition";

const CAMPAIGN_ID: Field<Text> = field!(Lease => campaign_id: Text);
const PARTITION: Field<Integer> = field!(Lease => partition: Integer);
const OWNER: Field<Text> = field!(Lease => owner: Text);
const EPOCH: Field<Integer> = field!(Lease => epoch: Integer);
const BEAT: Field<Integer> = field!(Lease => beat: Integer);

pub static CAMPAIGN_LEASES: Collection = Collection {
    name: "campaign_leases",
    indexes: &[Index::ordered(BY_PARTITION, &[TENANT.place(), CAMPAIGN_ID.place(), PARTITION.place()])],
    fields: &[OWNER.place(), EPOCH.place(), BEAT.place()],
    steps: &[],
};

/// Who has a partition; the id is the campaign's and the partition's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub tenant_id: TenantId,
    pub campaign_id: CampaignId,
    pub partition: u32,
    /// Absent when nobody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// From 1; it only rises.
    pub epoch: u32,
    pub beat: u32,
}

impl OfTenant for Lease {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The leases of one tenant's campaigns.
pub struct Leases(Scoped<Lease>);

impl Leases {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CAMPAIGN_LEASES), tenant))
    }

    /// Of one campaign, by partition. One that nobody ever had is not among them.
    pub async fn of_campaign(&self, campaign: &CampaignId) -> Result<Vec<Stored<Lease>>, StoreError> {
        Ok(self.0.list(self.0.query(BY_PARTITION).equals(CAMPAIGN_ID, campaign)).await?.items)
    }

    pub async fn find_lease(
        &self,
        campaign: &CampaignId,
        partition: u32,
    ) -> Result<Option<Lease>, StoreError> {
        Ok(self.0.find(&id(campaign, partition)).await?.map(|lease| lease.value))
    }

    /// Add one to the beat; `false` when it is somebody else's.
    pub async fn renew(&self, worker: &str, held: &Held) -> Result<bool, StoreError> {
        let filters = vec![Filter::is(OWNER, worker), Filter::is(EPOCH, held.epoch)];
        let update = Update::default().increment(BEAT, 1);
        Ok(self.0.update(&id(&held.campaign, held.partition), filters, update).await?.is_some())
    }

    /// Take what nobody has, or whose owner was `seen` to stand still; answers the epoch, or `None` when it is somebody else's.
    pub async fn take(
        &self,
        worker: &str,
        (campaign, partition): (&CampaignId, u32),
        seen: Option<Seen>,
    ) -> Result<Option<u32>, StoreError> {
        let id = id(campaign, partition);
        let filters = match seen {
            Some(Seen { epoch, beat }) => vec![Filter::is(EPOCH, epoch), Filter::is(BEAT, beat)],
            None => vec![Filter::absent(OWNER)],
        };
        let update = Update::default().set(OWNER, worker).increment(EPOCH, 1).set(BEAT, 0);
        if let Some(taken) = self.0.update(&id, filters, update).await? {
            return Ok(Some(taken.value.epoch));
        }
        if seen.is_some() {
            return Ok(None);
        }
        let first = Lease {
            tenant_id: self.0.tenant.clone(),
            campaign_id: campaign.clone(),
            partition,
            owner: Some(worker.to_owned()),
            epoch: 1,
            beat: 0,
        };
        match self.0.insert(&id, &first).await {
            Ok(()) => Ok(Some(1)),
            Err(StoreError::Duplicate) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forget those of a campaign that is being deleted.
    pub async fn forget_campaign(&self, campaign: &CampaignId) -> Result<(), StoreError> {
        let of_campaign = || self.0.query(BY_PARTITION).equals(CAMPAIGN_ID, campaign).limit(SWEPT);
        while self.0.delete_many(of_campaign()).await? == SWEPT {}
        Ok(())
    }

    /// Let go of it; what is somebody else's stays theirs.
    pub async fn release(&self, worker: &str, held: &Held) -> Result<(), StoreError> {
        let filters = vec![Filter::is(OWNER, worker), Filter::is(EPOCH, held.epoch)];
        let update = Update::default().unset(OWNER);
        self.0.update(&id(&held.campaign, held.partition), filters, update).await.map(drop)
    }
}

fn id(campaign: &CampaignId, partition: u32) -> String {
    format!("{campaign}:{partition}")
}
