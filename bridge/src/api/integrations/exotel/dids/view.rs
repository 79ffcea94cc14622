//! How a number is asked for and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::{BotId, TenantId};

use crate::api::carriers::dids::view::Assignment;
use crate::error::{ApiError, ApiResult};
use crate::exotel::Exotel;
use crate::exotel::settings::fault_of_flow;
use crate::store::dids::Did;
use crate::store::{Listed, Stored};

/// Who answers a number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExotelAssignment {
    /// A bot of the tenant; null or left out: nobody.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub bot_id: Option<BotId>,
    /// 100 characters at most.
    #[serde(default)]
    pub label: Option<String>,
    /// The flow of the account that test calls go through; without one they go to the bot's own stream.
    #[schema(example = "http://my.exotel.com/acme1/exoml/start_voice/7")]
    #[serde(default)]
    pub flow_url: Option<String>,
}

/// A number of the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExotelDidView {
    pub id: String,
    pub carrier_id: String,
    pub number: String,
    pub bot_id: Option<String>,
    pub label: Option<String>,
    pub flow_url: Option<String>,
    /// What the Voicebot applet of the number's flow is to open; null when no bot answers. A bot with a line's token needs it before the
    /// host: `wss://vox:TOKEN@…`.
    pub websocket_url: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExotelDidPage {
    pub items: Vec<ExotelDidView>,
    pub next_cursor: Option<String>,
}

impl ExotelAssignment {
    /// Refuse a bot that is not the tenant's, and what is no flow.
    pub async fn check(&self, exotel: &Exotel, tenant: &TenantId) -> ApiResult<()> {
        if let Some(fault) = self.flow_url.as_deref().and_then(fault_of_flow) {
            return Err(ApiError::invalid(vec![fault]));
        }
        let assigned = Assignment { bot_id: self.bot_id.clone(), label: self.label.clone() };
        assigned.check(&exotel.stores, tenant).await
    }
}

impl ExotelDidView {
    pub fn of(exotel: &Exotel, stored: Stored<Did>) -> Self {
        let Did { carrier_id, number, bot_id, label, flow_url, created_at, .. } = stored.value;
        Self {
            id: stored.id,
            carrier_id: carrier_id.to_string(),
            number: number.to_string(),
            websocket_url: bot_id.as_ref().map(|bot| exotel.websocket_url(bot)),
            bot_id: bot_id.map(|id| id.to_string()),
            label,
            flow_url,
            created_at: created_at.to_string(),
        }
    }
}

impl ExotelDidPage {
    pub fn of(exotel: &Exotel, listed: Listed<Did>) -> Self {
        let items = listed.items.into_iter().map(|did| ExotelDidView::of(exotel, did)).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}
