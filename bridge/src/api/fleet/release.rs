//! `DELETE /api/v1/fleet/reservations/{reservation_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::ReservationId;

use crate::auth::internal::Internal;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::fleet::reserve::Fleet;

/// Give a slot back. Again, or too late, it changes nothing.
#[instrument(name = "fleet.release", skip_all)]
pub async fn release(_: Internal, id: InPath<ReservationId>, fleet: Data<Fleet>) -> ApiResult<HttpResponse> {
    fleet.release(&id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
