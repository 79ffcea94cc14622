//! `POST /api/v1/dialler/leases/renew`, `…/take`, `…/release`

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::lease::{
    Held, MAX_HELD, ReleaseRequest, RenewRequest, Renewed, TakeRequest, TakenLease,
};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Longest name of a dialler, characters.
const LONGEST_NAME: usize = 100;

/// Say that the owner lives.
#[instrument(name = "dialler.leases.renew", skip_all)]
pub async fn renew(
    _: Internal,
    desk: Data<CallDesk>,
    body: Checked<RenewRequest>,
) -> ApiResult<Json<Renewed>> {
    if body.0.held.len() > MAX_HELD {
        return Err(ApiError::invalid(vec![FieldError::new("held", format!("at most {MAX_HELD}"))]));
    }
    check_name(&body.0.worker)?;
    Ok(Json(desk.renew(&body.0).await?))
}

/// Take a partition that nobody has, or whose owner stands still.
#[instrument(name = "dialler.leases.take", skip_all, fields(campaign.id = %body.0.campaign, partition = body.0.partition))]
pub async fn take(
    _: Internal,
    desk: Data<CallDesk>,
    body: Checked<TakeRequest>,
) -> ApiResult<Json<TakenLease>> {
    check_name(&body.0.worker)?;
    Ok(Json(TakenLease { epoch: desk.take(&body.0).await? }))
}

/// A [`ReleaseRequest`] as it is written: read through its parts, what is wrong with a field is told at the field.
#[derive(Debug, Deserialize)]
pub struct Release {
    worker: String,
    campaign: CampaignId,
    partition: u32,
    epoch: u32,
}

/// Let a partition go.
#[instrument(name = "dialler.leases.release", skip_all, fields(campaign.id = %body.0.campaign))]
pub async fn release(_: Internal, desk: Data<CallDesk>, body: Checked<Release>) -> ApiResult<HttpResponse> {
    let Release { worker, campaign, partition, epoch } = body.0;
    desk.release(&ReleaseRequest { worker, held: Held { campaign, partition, epoch } }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A dialler's name is part of keys and ids.
pub(super) fn check_name(name: &str) -> ApiResult<()> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    let message = format!("1 to {LONGEST_NAME} characters of a-z, A-Z, 0-9, '_', '-', '.'");
    Err(ApiError::invalid(vec![FieldError::new("worker", message)]))
}
