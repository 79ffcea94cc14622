//! `GET /api/v1/erasures/{erasure_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::JobId;

use super::view::ErasureView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ErasePeople;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// How far an erasure is, and the proof of it.
#[instrument(name = "erasures.read", skip_all, fields(erasure.id = %erasure.0))]
pub async fn read(
    who: Allowed<ErasePeople>,
    erasure: InPath<JobId>,
    stores: Data<Stores>,
) -> ApiResult<Json<ErasureView>> {
    Ok(Json(stores.erasures(who.tenant()).get_erasure(&erasure.0).await?.into()))
}
