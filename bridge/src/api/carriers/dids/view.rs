//! How a number is asked for and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::{BotId, TenantId};

use crate::campaign::health::RestsWhy;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::dids::Did;
use crate::store::{Listed, StoreError, Stored, Stores};

/// Longest label, characters.
const MAX_LABEL: usize = 100;

/// Who answers a number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A bot of the tenant; null or left out: nobody.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub bot_id: Option<BotId>,
    /// 100 characters at most.
    #[serde(default)]
    pub label: Option<String>,
}

/// A number of a carrier.
#[derive(Debug, Serialize, ToSchema)]
pub struct DidView {
    pub id: String,
    pub carrier_id: String,
    pub number: String,
    pub bot_id: Option<String>,
    pub label: Option<String>,
    /// Campaigns show it to nobody until then; of a rest that is over it stays.
    pub rests_until: Option<String>,
    /// Why it rests, or rested last.
    pub rests_why: Option<RestsWhy>,
    /// Campaigns show other numbers first until then: its calls are answered less.
    pub spared_until: Option<String>,
    pub created_at: String,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct DidPage {
    pub items: Vec<DidView>,
    pub next_cursor: Option<String>,
}

impl Assignment {
    /// Refuse a bot that is not the tenant's.
    pub async fn check(&self, stores: &Stores, tenant: &TenantId) -> ApiResult<()> {
        let mut faults = Vec::new();
        if self.label.as_ref().is_some_and(|label| label.chars().count() > MAX_LABEL) {
            faults.push(FieldError::new("label", format!("at most {MAX_LABEL} characters")));
        }
        if let Some(bot) = &self.bot_id {
            match stores.bots(tenant).get_bot(bot).await {
                Err(StoreError::NotFound) => faults.push(FieldError::new("bot_id", "there is no such bot")),
                found => drop(found?),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(ApiError::invalid(faults)) }
    }
}

impl From<Stored<Did>> for DidView {
    fn from(stored: Stored<Did>) -> Self {
        let Did { carrier_id, number, bot_id, label, rests_until, health, created_at, .. } = stored.value;
        Self {
            id: stored.id,
            carrier_id: carrier_id.to_string(),
            number: number.to_string(),
            bot_id: bot_id.map(|id| id.to_string()),
            label,
            rests_until: rests_until.map(|until| until.to_string()),
            rests_why: health.rests_why,
            spared_until: health.spared_until.map(|until| until.to_string()),
            created_at: created_at.to_string(),
        }
    }
}

impl From<Listed<Did>> for DidPage {
    fn from(listed: Listed<Did>) -> Self {
        Self { items: listed.items.into_iter().map(Into::into).collect(), next_cursor: listed.next_cursor }
    }
}
