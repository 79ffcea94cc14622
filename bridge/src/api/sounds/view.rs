//! Sounds as they are shown.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::ids::TenantId;

use crate::auth::allowed::Allowed;
use crate::error::{ApiError, ApiResult};
use crate::sound::desk::SoundError;
use crate::store::Stored;
use crate::store::sounds::Sound;
use crate::store::voices::ClipFormat;

/// A sound.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoundView {
    /// As it stands in a bot's `sounds`.
    pub id: String,
    pub name: String,
    pub duration_ms: u64,
    /// The form in which it was sent; it is kept as WAV.
    pub format: ClipFormat,
    /// Of the file that was sent, lower-case hex.
    pub sha256: String,
    /// The id of the person or the key that sent it.
    pub created_by: String,
    /// RFC 3339, UTC.
    pub created_at: String,
}

impl From<Stored<Sound>> for SoundView {
    fn from(stored: Stored<Sound>) -> Self {
        let Sound { name, duration_ms, format, sha256, created_by, created_at, .. } = stored.value;
        let created_at = created_at.to_string();
        Self { id: stored.id, name, duration_ms, format, sha256, created_by, created_at }
    }
}

/// The tenant of somebody who is not limited to certain bots.
pub fn whole_tenant<P>(who: &Allowed<P>) -> ApiResult<&TenantId> {
    who.whole_tenant("sounds belong to all bots")
}

impl From<SoundError> for ApiError {
    fn from(error: SoundError) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error {
            SoundError::TooMany | SoundError::TooManyRemoved => conflict("too_many_sounds"),
            SoundError::InUse(_) => conflict("sound_in_use"),
            SoundError::Unusable(_) => Self::invalid(error.field().into_iter().collect()),
            SoundError::Undecoded(_) => Self::internal("decode a sound", &error),
            SoundError::Objects(error) => error.into(),
            SoundError::Store(error) => error.into(),
        }
    }
}
