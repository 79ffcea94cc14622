//! `GET /api/v1/internal/calls/{session_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::SessionId;

use crate::api::calls::view::{CallDetail, Links, detail};
use crate::auth::internal::Tools;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// One call of any tenant.
#[instrument(name = "internal.call", skip_all, fields(call.id = %call.0))]
pub async fn call(
    _: Tools,
    call: InPath<SessionId>,
    stores: Data<Stores>,
    links: Data<Links>,
) -> ApiResult<Json<CallDetail>> {
    let found = stores.all_calls().find_call(&call.0).await?;
    Ok(Json(detail(&links, found.ok_or_else(|| ApiError::not_found("call"))?).await?))
}
