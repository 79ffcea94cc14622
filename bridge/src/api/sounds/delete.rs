//! `DELETE /api/v1/sounds/{sound_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::SoundId;

use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::sound::desk::SoundDesk;

/// Delete a sound that no bot names. For a key that is limited to certain bots there is none.
#[instrument(name = "sounds.delete", skip_all)]
pub async fn delete(
    who: Allowed<EditBots>,
    trail: Trail,
    id: InPath<SoundId>,
    desk: Data<SoundDesk>,
) -> ApiResult<HttpResponse> {
    trail.concerns(id.0.as_str());
    if who.reach().bots().is_some() {
        return Err(ApiError::not_found("sound"));
    }
    desk.remove(who.reach().tenant(), &id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
