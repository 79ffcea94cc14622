//! `PUT /api/v1/internal/recordings/{key}`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::serve::object_key;
use crate::app::App;
use crate::auth::internal::Internal;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::objects::{Expected, ObjectError};

/// The SHA-256 that the sender announces, hex.
const HASH_HEADER: &str = "x-content-sha256";

/// Given only when the recording is durable.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    pub key: String,
    pub size_bytes: u64,
    pub sha256: String,
}

/// Take a recording. Uploading again replaces it as a whole.
#[instrument(name = "recordings.upload", skip_all)]
pub async fn upload(
    _: Internal,
    key: InPath<String>,
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Uploaded>> {
    let object = object_key(&key.0)?;
    let sha256 = match headers.get(HASH_HEADER).map(|v| v.to_str()) {
        None => None,
        Some(Ok(hash)) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Some(hash.to_owned())
        }
        Some(_) => return Err(ApiError::bad_request("bad_hash", "x-content-sha256 must be 64 hex digits")),
    };
    let content = body.into_data_stream().map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
    let expected = Expected { max_bytes: app.config.storage.max_recording_bytes, sha256 };
    let written = app.objects.put(object, content, expected).await?;
    Ok(Json(Uploaded { key: key.0, size_bytes: written.size_bytes, sha256: written.sha256 }))
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        match &error {
            ObjectError::BadKey(_) => Self::bad_request("bad_key", error.to_string()),
            ObjectError::TooLarge(_) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
            }
            ObjectError::WrongHash => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_hash", error.to_string())
            }
            ObjectError::CutOff(_) => Self::bad_request("cut_off", error.to_string()),
            ObjectError::InUse(_) | ObjectError::Failed { .. } => {
                Self::internal("use the object store", &error)
            }
        }
    }
}
