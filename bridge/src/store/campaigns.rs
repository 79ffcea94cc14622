//! Campaigns: what is called by whom, and where it stands. The people are in `contacts`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, CampaignId, TenantId};

use super::bots::Creation;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Order, Query, Text, holds};
use super::stamp::Stamp;
use crate::campaign::settings::Settings;
use crate::field;

const BY_TIME: &str = "by_time";
const OF_STATE: &str = "of_state";
const OF_ALL_IN_STATE: &str = "of_all_in_state";
const BY_CREATION_KEY: &str = "by_creation_key";

const CREATED_AT: Field<Text> = field!(Campaign => created_at: Text);
const STATE: Field<Text> = field!(Campaign => state: Text);
const CREATION_KEY: Field<Text> = field!(Campaign => creation / Creation => key: Text);

pub static CAMPAIGNS: Collection = Collection {
    name: "campaigns",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()]),
        Index::ordered(OF_STATE, &[TENANT.place(), STATE.place(), CREATED_AT.place()]),
        Index::ordered(OF_ALL_IN_STATE, &[STATE.place(), CREATED_AT.place()]),
        Index::unique(BY_CREATION_KEY, &[TENANT.place(), CREATION_KEY.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// It is being made, and calls nobody.
    Draft,
    Running,
    /// It dials nobody until it is resumed; calls that run go on.
    Paused,
    /// Nobody is left to be called, or it was stopped.
    Completed,
    /// It cannot go on; `why` says what is in the way.
    Failed,
    /// It is kept to be read.
    Archived,
}

impl CampaignState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Archived => "archived",
        }
    }
}

holds! { Text: CampaignState => |state| state.as_str().into(); CampaignId => |id| id.as_str().into(); }

/// A campaign as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Campaign {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    /// The user or the key that made it.
    pub created_by: String,
    pub name: String,
    pub bot_id: BotId,
    pub state: CampaignState,
    /// Running, and it dials nobody whom it has not begun with; it completes when the last call has ended.
    #[serde(default)]
    pub draining: bool,
    /// Why it stands where it stands, where nobody asked for it: `dead_air`, `finished`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    pub settings: Settings,
    /// 1 from the first start on, one more with each restart.
    #[serde(default)]
    pub run_number: u32,
    /// Of its contacts; never changed, as each contact keeps its own.
    pub partitions: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Since when its first calls are counted: its start, or when it was resumed after they had stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_from: Option<Stamp>,
    /// Of the request that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<Creation>,
}

impl OfTenant for Campaign {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The campaigns of one tenant.
pub struct Campaigns(Scoped<Campaign>);

impl Campaigns {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CAMPAIGNS), tenant))
    }

    pub async fn find_campaign(&self, id: &CampaignId) -> Result<Option<Stored<Campaign>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    pub async fn get_campaign(&self, id: &CampaignId) -> Result<Stored<Campaign>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// The one that a request with this key made.
    pub async fn find_by_creation_key(&self, key: &str) -> Result<Option<Stored<Campaign>>, StoreError> {
        self.0.first(self.0.query(BY_CREATION_KEY).equals(CREATION_KEY, key)).await
    }

    /// Newest first.
    pub async fn list_campaigns(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Campaign>, StoreError> {
        self.0.list(self.0.query(BY_TIME).order(Order::Descending).limit(limit).after(after)).await
    }

    /// Those in one state, newest first.
    pub async fn list_in_state(
        &self,
        state: CampaignState,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Campaign>, StoreError> {
        let query = self.0.query(OF_STATE).equals(STATE, state).order(Order::Descending);
        self.0.list(query.limit(limit).after(after)).await
    }

    /// [`StoreError::Duplicate`] when the id or the creation key is taken.
    pub async fn insert_campaign(&self, id: &CampaignId, campaign: &Campaign) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), campaign).await
    }

    pub async fn replace_campaign(&self, campaign: Stored<Campaign>) -> Result<Stored<Campaign>, StoreError> {
        self.0.replace(campaign).await
    }

    pub async fn delete_campaign(&self, campaign: &Stored<Campaign>) -> Result<(), StoreError> {
        self.0.delete(&campaign.id, campaign.version).await
    }
}

/// The campaigns of all tenants, for the dialler and for the upkeep.
pub struct AllCampaigns(Documents<Campaign>);

impl AllCampaigns {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CAMPAIGNS))
    }

    /// Of whichever tenant: for whoever was told the id by the bridge itself.
    pub async fn find_campaign(&self, id: &CampaignId) -> Result<Option<Stored<Campaign>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Those in one state, oldest first.
    pub async fn list_in_state(
        &self,
        state: CampaignState,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Campaign>, StoreError> {
        let query = Query::by_index(&CAMPAIGNS, OF_ALL_IN_STATE).equals(STATE, state);
        self.0.list(query.limit(limit).after(after)).await
    }
}
