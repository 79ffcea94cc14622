//! `GET /api/v1/sounds/{sound_id}/wav`, and what workers ask: `GET /api/v1/internal/calls/{session_id}/sounds/{sound_id}`

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::{SessionId, SoundId, TenantId};

use crate::auth::allowed::Allowed;
use crate::auth::of_call::{OfCall, Seen};
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::sound::desk::SoundDesk;

/// What is heard, as WAV. For a key that is limited to certain bots there is none.
#[instrument(name = "sounds.wav", skip_all)]
pub async fn wav(
    who: Allowed<ReadBots>,
    id: InPath<SoundId>,
    desk: Data<SoundDesk>,
) -> ApiResult<HttpResponse> {
    if who.reach().bots().is_some() {
        return Err(ApiError::not_found("sound"));
    }
    let tenant = who.reach().tenant();
    desk.stores.sounds(tenant).get_sound(&id.0).await?;
    given(&desk, tenant, &id.0).await
}

/// The same for the worker of a call of the sound's tenant. One that was deleted a moment ago is given to calls that were begun with it.
#[instrument(name = "internal.calls.sounds", skip_all)]
pub async fn wav_of_call(
    sender: OfCall,
    path: InPath<(SessionId, SoundId)>,
    desk: Data<SoundDesk>,
) -> ApiResult<HttpResponse> {
    let (session_id, sound_id) = path.0;
    let seen = sender.may_speak_for(&desk.stores, &session_id).await?;
    let call = match seen {
        Seen::Just(call) => call.map(|call| *call),
        Seen::Not => desk.stores.all_calls().find_call(&session_id).await?,
    };
    let call = call.ok_or_else(|| ApiError::not_found("call"))?;
    let tenant = &call.value.tenant_id;
    // A sound of another tenant is none.
    let sound = desk.stores.sounds(tenant).find_with_removed(&sound_id).await?;
    sound.ok_or_else(|| ApiError::not_found("sound"))?;
    given(&desk, tenant, &sound_id).await
}

async fn given(desk: &SoundDesk, tenant: &TenantId, id: &SoundId) -> ApiResult<HttpResponse> {
    let (found, content) = desk.wav(tenant, id).await?.ok_or_else(|| ApiError::not_found("sound"))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "audio/wav"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.body(SizedStream::new(found.size_bytes, content)))
}
