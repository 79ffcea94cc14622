//! `GET /api/v1/voices/{voice_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::VoiceId;

use super::view::{VoiceView, shown};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// A voice that was made from a clip. For a key that is limited to certain bots there is none.
#[instrument(name = "voices.read", skip_all)]
pub async fn read(
    who: Allowed<ReadBots>,
    id: InPath<VoiceId>,
    stores: Data<Stores>,
) -> ApiResult<Json<VoiceView>> {
    if who.reach().bots().is_some() {
        return Err(ApiError::not_found("voice"));
    }
    let voice = stores.voices(who.reach().tenant()).get_voice(&id.0).await?;
    Ok(Json(shown(&who, voice)))
}
