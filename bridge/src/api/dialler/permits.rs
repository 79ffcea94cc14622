//! `POST /api/v1/dialler/permits/renew`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::wire::dialler::attempt::{MAX_PERMITS, PermitsRenewed, PermitsRequest};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Say which calls run.
#[instrument(name = "dialler.permits.renew", skip_all)]
pub async fn renew(
    _: Internal,
    desk: Data<CallDesk>,
    body: Checked<PermitsRequest>,
) -> ApiResult<Json<PermitsRenewed>> {
    if body.0.attempts.len() > MAX_PERMITS {
        return Err(ApiError::invalid(vec![FieldError::new("attempts", format!("at most {MAX_PERMITS}"))]));
    }
    Ok(Json(desk.keep(&body.0).await?))
}
