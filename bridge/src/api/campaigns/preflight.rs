//! `GET /api/v1/campaigns/{campaign_id}/preflight`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::whole_tenant;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::campaign::desk::CampaignDesk;
use crate::campaign::preflight::{self, Preflight};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// When a preflight may be asked for again while as many as may be are under way, seconds.
const BUSY_SECONDS: u64 = 2;

/// What the campaign would do if it began now.
#[instrument(name = "campaigns.preflight", skip_all, fields(campaign.id = %id.0))]
pub async fn preflight(
    who: Allowed<ReadCampaigns>,
    id: InPath<CampaignId>,
    desk: Data<CampaignDesk>,
) -> ApiResult<Json<Preflight>> {
    let campaign = desk.stores.campaigns(whole_tenant(&who)?).get_campaign(&id.0).await?;
    let Ok(_place) = desk.preflights.try_acquire() else {
        return Err(ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "busy", BUSY_SECONDS));
    };
    Ok(Json(Box::pin(preflight::report(&desk.stores, &campaign, desk.clock.now())).await?))
}
