//! `GET /api/v1/public/recordings/{token}`

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tracing::instrument;

use super::serve::{Asked, serve};
use crate::app::App;
use crate::auth::secret_token::{MAX_TOKEN_BYTES, hash};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// The recording that a link opens. The token is the secret: it is looked up by its hash, so neither the store nor the
/// time it takes tells anything about other tokens.
#[instrument(name = "recordings.by_token", skip_all)]
pub async fn by_token(
    token: InPath<String>,
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let missing = || ApiError::not_found("recording");
    if token.0.len() > MAX_TOKEN_BYTES {
        return Err(missing());
    }
    let call = app.stores.all_calls().find_by_recording_token(&hash(&token.0)).await?.ok_or_else(missing)?;
    serve(&app, &call.value, Asked { method: &method, headers: &headers }).await
}
