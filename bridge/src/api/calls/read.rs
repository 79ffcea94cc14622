//! `GET /api/v1/calls/{session_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::SessionId;

use super::view::{CallDetail, Links, detail};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One of the tenant's calls.
#[instrument(name = "calls.read", skip_all, fields(call.id = %call.0))]
pub async fn read(
    who: Allowed<ReadCalls>,
    call: InPath<SessionId>,
    stores: Data<Stores>,
    links: Data<Links>,
) -> ApiResult<Json<CallDetail>> {
    let call = stores.calls(who.reach()).get_call(&call.0).await?;
    Ok(Json(detail(&links, call).await?.shown_to(&who)))
}
