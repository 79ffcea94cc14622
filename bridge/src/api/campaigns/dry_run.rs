//! `POST /api/v1/campaigns/{campaign_id}/dry-run`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::whole_tenant;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::desk::CampaignDesk;
use crate::campaign::rehearsal::{DryRun, RehearsalError, dry_run as rehearse};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// When a dry run may be asked for again while another one is under way, seconds.
const BUSY_SECONDS: u64 = 10;

/// Rehearse the campaign against a simulated carrier in virtual time. Nobody is called and nothing is stored.
#[instrument(name = "campaigns.dry_run", skip_all, fields(campaign.id = %id.0))]
pub async fn dry_run(
    who: Allowed<EditCampaigns>,
    id: InPath<CampaignId>,
    desk: Data<CampaignDesk>,
) -> ApiResult<Json<DryRun>> {
    let campaign = desk.stores.campaigns(whole_tenant(&who)?).get_campaign(&id.0).await?;
    let Ok(place) = desk.rehearsals.clone().try_acquire_owned() else {
        return Err(ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "busy", BUSY_SECONDS));
    };
    Ok(Json(Box::pin(rehearse(&desk.stores, &campaign, place, desk.clock.now())).await?))
}

impl From<RehearsalError> for ApiError {
    fn from(error: RehearsalError) -> Self {
        match error {
            RehearsalError::Store(error) => error.into(),
            RehearsalError::BrokenOff(_) => Self::internal("rehearse a campaign", &error),
        }
    }
}
