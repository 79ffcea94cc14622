//! `DELETE /api/v1/voices/{voice_id}`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::VoiceId;

use super::view::{VoiceView, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditVoices;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::jobs::runner::Runner;
use crate::voice::desk::VoiceDesk;

/// Delete a voice that no bot names, at its vendor and here. The answer does not wait for the vendor; the voice is there, as `removing`,
/// until it is gone from both.
#[instrument(name = "voices.delete", skip_all)]
pub async fn delete(
    who: Allowed<EditVoices>,
    trail: Trail,
    id: InPath<VoiceId>,
    desk: Data<VoiceDesk>,
    runner: Data<Runner>,
) -> ApiResult<(Json<VoiceView>, StatusCode)> {
    trail.concerns(id.0.as_str());
    let voice = desk.remove(whole_tenant(&who)?, &id.0).await?;
    runner.ring();
    Ok((Json(voice.into()), StatusCode::ACCEPTED))
}
