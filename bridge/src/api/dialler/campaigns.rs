//! `GET /api/v1/dialler/campaigns`, `POST /api/v1/dialler/candidates`, `POST /api/v1/dialler/ticks`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::wire::dialler::tick::{Tick, Ticked};
use vox_shared::wire::dialler::{CampaignsNow, Candidates, CandidatesRequest};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Partitions of a campaign, at most.
const MOST_PARTITIONS: usize = 64;
/// Campaigns of one tick.
const MOST_CAMPAIGNS: usize = 1_000;

/// Campaigns of all tenants that have something to do.
#[instrument(name = "dialler.campaigns", skip_all)]
pub async fn campaigns(_: Internal, desk: Data<CallDesk>) -> ApiResult<Json<CampaignsNow>> {
    Ok(Json(desk.campaigns_now().await?))
}

/// Whom to ring next.
#[instrument(name = "dialler.candidates", skip_all, fields(campaign.id = %body.0.campaign))]
pub async fn candidates(
    _: Internal,
    desk: Data<CallDesk>,
    body: Checked<CandidatesRequest>,
) -> ApiResult<Json<Candidates>> {
    if body.0.partitions.len() > MOST_PARTITIONS {
        let fault = FieldError::new("partitions", format!("at most {MOST_PARTITIONS}"));
        return Err(ApiError::invalid(vec![fault]));
    }
    Ok(Json(desk.candidates(&body.0).await?))
}

/// What a dialler does at the moment.
#[instrument(name = "dialler.tick", skip_all)]
pub async fn tick(_: Internal, desk: Data<CallDesk>, body: Checked<Tick>) -> ApiResult<Json<Ticked>> {
    super::leases::check_name(&body.0.worker)?;
    if body.0.campaigns.len() > MOST_CAMPAIGNS {
        let fault = FieldError::new("campaigns", format!("at most {MOST_CAMPAIGNS}"));
        return Err(ApiError::invalid(vec![fault]));
    }
    Ok(Json(desk.tick(&body.0).await?))
}
