//! `GET /api/v1/voices/{voice_id}/clip`

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::VoiceId;

use super::view::whole_tenant;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditVoices;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::voice::desk::VoiceDesk;

/// The clip as it was sent.
#[instrument(name = "voices.clip", skip_all)]
pub async fn clip(
    who: Allowed<EditVoices>,
    id: InPath<VoiceId>,
    desk: Data<VoiceDesk>,
) -> ApiResult<HttpResponse> {
    let tenant = whole_tenant(&who)?;
    let voice = desk.stores.voices(tenant).get_voice(&id.0).await?;
    let kept = desk.clip(tenant, &id.0).await?;
    let (found, content) = kept.ok_or_else(|| ApiError::not_found("clip"))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, voice.value.clip.format.media_type()));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.body(SizedStream::new(found.size_bytes, content)))
}
