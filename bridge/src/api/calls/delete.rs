//! `DELETE /api/v1/calls/{session_id}`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::DeleteCalls;
use crate::custody::{Custodian, CustodyError};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// A call that is deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    pub session_id: String,
    /// `gone`; or `going` while its recording, or what was told of it, cannot be removed: the bridge goes on trying.
    pub status: &'static str,
}

/// Delete a call with its transcript and recording.
#[instrument(name = "calls.delete", skip_all, fields(call.id = %call.0))]
pub async fn delete(
    who: Allowed<DeleteCalls>,
    call: InPath<SessionId>,
    custodian: Data<Custodian>,
) -> ApiResult<Json<Deleted>> {
    custodian.delete(who.reach(), &call.0).await?;
    // It is deleted by now; what fails here is done by the bridge's own job.
    let is_gone = custodian.clean(&call.0).await.unwrap_or(false);
    Ok(Json(Deleted { session_id: call.0.to_string(), status: if is_gone { "gone" } else { "going" } }))
}

impl From<CustodyError> for ApiError {
    fn from(error: CustodyError) -> Self {
        let code = match error {
            CustodyError::Running => "call_running",
            CustodyError::Held => "call_held",
            CustodyError::NoRecording => "no_recording",
            CustodyError::Link(error) => return Self::internal("make a recording link", &error),
            CustodyError::Store(error) => return error.into(),
        };
        Self::new(StatusCode::CONFLICT, code, error.to_string())
    }
}
