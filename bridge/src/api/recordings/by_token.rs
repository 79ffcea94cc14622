//! `GET /api/v1/public/recordings/{token}`

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use tracing::instrument;

use super::serve::{Recordings, serve_by_link};
use crate::auth::secret_token::{MAX_TOKEN_BYTES, hash};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// The recording that a link opens. The token is the secret: it is looked up by its hash, so neither the store nor the
/// time it takes tells anything about other tokens.
#[instrument(name = "recordings.by_token", skip_all)]
pub async fn by_token(
    token: InPath<String>,
    recordings: Data<Recordings>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let missing = || ApiError::not_found("recording");
    if token.0.len() > MAX_TOKEN_BYTES {
        return Err(missing());
    }
    let call = recordings.stores.all_calls().find_by_recording_token(&hash(&token.0)).await?;
    serve_by_link(&recordings, &call.ok_or_else(missing)?.value, &request).await
}
