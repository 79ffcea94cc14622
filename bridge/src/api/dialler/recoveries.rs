//! `POST /api/v1/dialler/recoveries`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::wire::dialler::attempt::{Recoveries, RecoveriesRequest};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// What an owner before left behind.
#[instrument(name = "dialler.recoveries", skip_all, fields(campaign.id = %body.0.campaign, partition = body.0.partition))]
pub async fn recoveries(
    _: Internal,
    desk: Data<CallDesk>,
    body: Checked<RecoveriesRequest>,
) -> ApiResult<Json<Recoveries>> {
    Ok(Json(desk.recoveries(&body.0).await?))
}
