//! `POST /api/v1/internal/calls/{session_id}/permits`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;
use vox_shared::wire::permit::{PermitRequest, is_name};

use crate::auth::of_call::OfCall;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::Stores;
use crate::vendors::permits::Permits;

/// Whether the call may go to the vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermitView {
    /// `false`: its key serves as many calls as it may.
    pub granted: bool,
}

/// A running call comes to a fall-back whose key serves only so many calls at once, or opens a recogniser for an ear beside the caller's.
/// Asking again is harmless.
#[instrument(name = "internal.calls.permits", skip_all, fields(call.id = %call.0))]
pub async fn permit(
    sender: OfCall,
    call: InPath<SessionId>,
    stores: Data<Stores>,
    permits: Data<Permits>,
    body: Checked<PermitRequest>,
) -> ApiResult<Json<PermitView>> {
    sender.may_speak_for(&stores, &call.0).await?;
    let name = &body.0.name;
    if !is_name(name) {
        return Err(ApiError::invalid(vec![FieldError::new(
            "name",
            "is the name of a permit of the config, with `::aloud` or `::whispered` behind it for an ear beside the caller's",
        )]));
    }
    let known = stores.all_calls().find_call(&call.0).await?.ok_or_else(unknown)?.value;
    if known.disconnected_by.is_some() {
        return Ok(Json(PermitView { granted: false }));
    }
    let bot = body.0.bot_id.as_ref().unwrap_or(&known.bot_id);
    let granted = permits.ask((&known.tenant_id, bot, &call.0), name).await?;
    Ok(Json(PermitView { granted: granted.unwrap_or(true) }))
}

fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_call", "this session is not known here")
}
