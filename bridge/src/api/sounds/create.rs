//! `POST /api/v1/sounds`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::{Alphabet, fault, trimmed};

use super::view::{SoundView, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, typed};
use crate::sound::decode::MAX_FILE_BYTES;
use crate::sound::desk::SoundDesk;

/// Largest body: the largest file in base64, and its name.
const MAX_BODY_BYTES: usize = MAX_FILE_BYTES / 3 * 4 + 16 * 1024;
/// Longest name, characters.
const MAX_NAME: usize = 80;

/// A sound to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSound {
    /// One line, 1 to 80 characters.
    pub name: String,
    /// WAV, MP3 or Ogg (Vorbis) in base64: 0.1 s to 2 min, at most 8 MiB.
    pub sound: String,
}

/// Keep a sound for the tenant's bots. It is decoded here and now; what is kept is what is heard.
#[instrument(name = "sounds.create", skip_all)]
pub async fn create(
    who: Allowed<EditBots>,
    trail: Trail,
    desk: Data<SoundDesk>,
    body: Checked<Value, MAX_BODY_BYTES>,
) -> ApiResult<(Json<SoundView>, StatusCode)> {
    let tenant = whole_tenant(&who)?;
    let asked: NewSound = typed(body.0).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let name = trimmed(&asked.name).to_owned();
    let unusual = fault(&name, Alphabet::Line);
    let mut faults: Vec<_> = unusual.map(|why| FieldError::new("name", why)).into_iter().collect();
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        faults.push(FieldError::new("name", format!("1 to {MAX_NAME} characters")));
    }
    let file = STANDARD.decode(asked.sound.as_bytes());
    if file.is_err() {
        faults.push(FieldError::new("sound", "is no base64 of a file"));
    }
    let (Ok(file), true) = (file, faults.is_empty()) else { return Err(ApiError::invalid(faults)) };
    let sound = desk.take((tenant, who.id()), name, file).await?;
    trail.concerns(&sound.id);
    Ok((Json(sound.into()), StatusCode::CREATED))
}
