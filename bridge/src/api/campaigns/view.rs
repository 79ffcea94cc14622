//! How campaigns are shown, and what all their routes have in common.

use std::collections::BTreeMap;

use actix_web::http::{StatusCode, header};
use actix_web::web::Json;
use actix_web::{CustomizeResponder, Responder};
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::ids::TenantId;

use crate::auth::allowed::Allowed;
use crate::campaign::desk::DeskError;
use crate::campaign::intake::IntakeError;
use crate::campaign::settings::Settings;
use crate::error::{ApiError, ApiResult};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::{Listed, Stored};

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignView {
    pub id: String,
    pub name: String,
    pub bot_id: String,
    pub state: CampaignState,
    /// It begins no more calls, and completes when the last one has ended.
    pub draining: bool,
    /// Why it stands where it stands, where nobody asked for it.
    pub why: Option<String>,
    /// 0 until it was started, one more with each start.
    pub run_number: u32,
    pub partitions: u32,
    #[schema(inline = false)]
    pub settings: Settings,
    /// The id of the person or the key that made it.
    pub created_by: String,
    /// RFC 3339, UTC, as all times.
    pub created_at: String,
    pub updated_at: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    /// For `If-Match`.
    pub version: u64,
    /// How many contacts it has in each status; of one campaign only, not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<BTreeMap<String, u64>>,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignPage {
    pub items: Vec<CampaignView>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Campaign>> for CampaignView {
    fn from(stored: Stored<Campaign>) -> Self {
        let campaign = stored.value;
        Self {
            id: stored.id,
            name: campaign.name,
            bot_id: campaign.bot_id.to_string(),
            state: campaign.state,
            draining: campaign.draining,
            why: campaign.why,
            run_number: campaign.run_number,
            partitions: campaign.partitions,
            settings: campaign.settings,
            created_by: campaign.created_by,
            created_at: campaign.created_at.to_string(),
            updated_at: campaign.updated_at.to_string(),
            started_at: campaign.started_at.map(|at| at.to_string()),
            ended_at: campaign.ended_at.map(|at| at.to_string()),
            version: stored.version,
            contacts: None,
        }
    }
}

impl From<Listed<Campaign>> for CampaignPage {
    fn from(listed: Listed<Campaign>) -> Self {
        let items = listed.items.into_iter().map(Into::into).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

/// A campaign with its version as `ETag`.
pub type Tagged = CustomizeResponder<Json<CampaignView>>;

pub fn tagged(campaign: Stored<Campaign>, status: StatusCode) -> Tagged {
    let tag = format!("\"{}\"", campaign.version);
    Json(CampaignView::from(campaign)).customize().with_status(status).insert_header((header::ETAG, tag))
}

/// The tenant of somebody who is not limited to certain bots: a campaign may have any.
pub fn whole_tenant<P>(who: &Allowed<P>) -> ApiResult<&TenantId> {
    who.whole_tenant("a campaign may have any bot")
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        let told = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, told.clone());
        match error {
            DeskError::Invalid(fields) => Self::invalid(fields),
            DeskError::KeyReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", told)
            }
            DeskError::Locked => conflict("campaign_locked"),
            DeskError::NotNow(_) => conflict("campaign_state"),
            DeskError::NotReady(_) => conflict("campaign_not_ready"),
            DeskError::NotArchived => conflict("campaign_not_archived"),
            DeskError::UnderWay(_) => conflict("campaign_under_way"),
            DeskError::Store(error) => error.into(),
        }
    }
}

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Invalid(fields) => Self::invalid(fields),
            IntakeError::Closed { .. } => {
                Self::new(StatusCode::CONFLICT, "campaign_closed", error.to_string())
            }
            IntakeError::Objects(error) => error.into(),
            IntakeError::Store(error) => error.into(),
        }
    }
}
