//! The internal surface: workers and the deployment's own tools prove themselves with one shared secret.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use vox_shared::wire::SECRET_HEADER;

use crate::app::App;
use crate::error::ApiError;

/// Proof that the request carries the internal secret.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

impl FromRequestParts<App> for Internal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let given = parts.headers.get(SECRET_HEADER).map_or(&b""[..], |v| v.as_bytes());
        let expected = app.config.auth.internal_secret.expose_secret().as_bytes();
        if bool::from(given.ct_eq(expected)) {
            Ok(Self)
        } else {
            Err(ApiError::forbidden("the internal secret is missing or wrong"))
        }
    }
}
