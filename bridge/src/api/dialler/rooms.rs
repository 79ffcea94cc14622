//! `POST /api/v1/dialler/rooms`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::wire::dialler::attempt::{MAX_ROOMS, RoomsRequest, RoomsSeen};

use crate::auth::internal::Internal;
use crate::campaign::calls::CallDesk;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Say which rooms the media server has.
#[instrument(name = "dialler.rooms", skip_all)]
pub async fn rooms(
    _: Internal,
    desk: Data<CallDesk>,
    body: Checked<RoomsRequest>,
) -> ApiResult<Json<RoomsSeen>> {
    if body.0.attempts.len() > MAX_ROOMS {
        return Err(ApiError::invalid(vec![FieldError::new("attempts", format!("at most {MAX_ROOMS}"))]));
    }
    Ok(Json(desk.rooms(&body.0).await?))
}
