//! `GET /api/v1/campaigns/{campaign_id}/status`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::whole_tenant;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::campaign::calls::CallDesk;
use crate::campaign::desk::CampaignDesk;
use crate::campaign::status::{self, CampaignStatus};
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// How a campaign goes: what limits it now, how its calls are answered, and when it will probably end.
#[instrument(name = "campaigns.status", skip_all, fields(campaign.id = %id.0))]
pub async fn status(
    who: Allowed<ReadCampaigns>,
    id: InPath<CampaignId>,
    (desk, calls): (Data<CampaignDesk>, Data<CallDesk>),
) -> ApiResult<Json<CampaignStatus>> {
    let campaign = desk.stores.campaigns(whole_tenant(&who)?).get_campaign(&id.0).await?;
    let ticks = calls.ticks_of(&id.0, &campaign.value).await?;
    Ok(Json(Box::pin(status::of(&desk.stores, (&campaign, &ticks), desk.clock.now())).await?))
}
