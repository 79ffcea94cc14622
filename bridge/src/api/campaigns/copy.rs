//! `POST /api/v1/campaigns/{campaign_id}/clone`

use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::CampaignId;

use super::view::{Tagged, tagged, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::desk::CampaignDesk;
use crate::edge::body::Optional;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// How the new one is called.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CampaignCopy {
    /// The old name with `(copy)` by default.
    pub name: Option<String>,
}

/// Make a draft with the settings of a campaign, and none of its contacts.
#[instrument(name = "campaigns.clone", skip_all, fields(campaign.id = %id.0))]
pub async fn copy(
    who: Allowed<EditCampaigns>,
    trail: Trail,
    id: InPath<CampaignId>,
    desk: Data<CampaignDesk>,
    body: Optional<CampaignCopy>,
) -> ApiResult<Tagged> {
    let name = body.0.name.map(|name| name.trim().to_owned());
    let campaign = desk.copy((whole_tenant(&who)?, who.id()), &id.0, name).await?;
    trail.concerns(&campaign.id);
    Ok(tagged(campaign, StatusCode::CREATED))
}
