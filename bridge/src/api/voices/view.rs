//! How voices from clips are shown.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::ids::TenantId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::EditVoices;
use crate::error::{ApiError, ApiResult};
use crate::store::Stored;
use crate::store::voices::{Clip, Voice, VoiceState};
use crate::voice::desk::VoiceError;

/// A voice that was made from a clip. Keys are not shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoiceView {
    /// What a bot names in `tts.voice`.
    pub id: String,
    pub name: String,
    pub language: String,
    /// What a bot names in `tts.provider` with it.
    pub provider: String,
    pub base_url: Option<String>,
    pub state: VoiceState,
    /// Why it was not made, or is not deleted yet.
    pub error: Option<String>,
    pub vendor_voice_id: Option<String>,
    /// The vendor wants the person verified before it speaks with the voice.
    pub needs_verification: bool,
    pub clip: Clip,
    /// For those who may make voices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentView>,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
}

/// That whoever is heard agreed, as it was said.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    pub statement: String,
    pub given_by: String,
    pub given_at: String,
    /// The id of the person or the key that said so, and when.
    pub recorded_by: String,
    pub recorded_at: String,
}

impl From<Stored<Voice>> for VoiceView {
    fn from(stored: Stored<Voice>) -> Self {
        let Voice { consent, .. } = stored.value;
        Self {
            id: stored.id,
            name: stored.value.name,
            language: stored.value.language,
            provider: stored.value.provider,
            base_url: stored.value.base_url,
            state: stored.value.state,
            error: stored.value.error,
            vendor_voice_id: stored.value.vendor_voice_id,
            needs_verification: stored.value.needs_verification,
            clip: stored.value.clip,
            consent: Some(ConsentView {
                statement: consent.statement,
                given_by: consent.given_by,
                given_at: consent.given_at.to_string(),
                recorded_by: consent.recorded_by,
                recorded_at: consent.recorded_at.to_string(),
            }),
            created_at: stored.value.created_at.to_string(),
            updated_at: stored.value.updated_at.to_string(),
        }
    }
}

/// A voice as this sender may see it.
pub fn shown<P>(who: &Allowed<P>, voice: Stored<Voice>) -> VoiceView {
    let view = VoiceView::from(voice);
    if who.may::<EditVoices>() { view } else { VoiceView { consent: None, ..view } }
}

/// The tenant of somebody who is not limited to certain bots.
pub fn whole_tenant<P>(who: &Allowed<P>) -> ApiResult<&TenantId> {
    who.whole_tenant("voices belong to all bots")
}

impl From<VoiceError> for ApiError {
    fn from(error: VoiceError) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error {
            VoiceError::TooMany => conflict("too_many_voices"),
            VoiceError::InUse(_) => conflict("voice_in_use"),
            VoiceError::BeingMade => conflict("voice_being_made"),
            VoiceError::KeyReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", error.to_string())
            }
            VoiceError::Invalid(fields) => Self::invalid(fields),
            VoiceError::Unexamined(_) => Self::internal("look at a clip", &error),
            VoiceError::Objects(error) => error.into(),
            VoiceError::Store(error) => error.into(),
        }
    }
}
