//! `PATCH /api/v1/campaigns/{campaign_id}`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::{BotId, CampaignId};

use super::view::{Tagged, tagged, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::desk::{CampaignDesk, Change};
use crate::campaign::settings::Settings;
use crate::edge::body::Checked;
use crate::edge::params::{IfMatch, InPath};
use crate::error::ApiResult;

/// What is to be another; the rest stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignChange {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub bot_id: Option<BotId>,
    /// All settings anew: what is left out takes its default.
    #[serde(default)]
    #[schema(inline = false)]
    pub settings: Option<Settings>,
}

/// Change a draft. A campaign that was started keeps its settings.
#[instrument(name = "campaigns.change", skip_all, fields(campaign.id = %id.0))]
pub async fn change(
    who: Allowed<EditCampaigns>,
    trail: Trail,
    id: InPath<CampaignId>,
    desk: Data<CampaignDesk>,
    (expected, body): (IfMatch, Checked<CampaignChange>),
) -> ApiResult<Tagged> {
    trail.concerns(id.0.as_str());
    let CampaignChange { name, bot_id, settings } = body.0;
    let name = name.map(|name| name.trim().to_owned());
    let change = Change { name, bot_id, settings, version: expected.0 };
    let campaign = desk.change(whole_tenant(&who)?, &id.0, change).await?;
    Ok(tagged(campaign, StatusCode::OK))
}
