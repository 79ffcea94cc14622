//! Path and query parameters with our refusals instead of the framework's.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::body::without_value;
use crate::app::App;
use crate::error::{ApiError, FieldError};

/// The parameters of the path. One that cannot be an id names nothing: 404.
#[derive(Debug)]
pub struct InPath<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for InPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match <Path<T> as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::not_found("object")),
        }
    }
}

/// The parameters of the query string: 422 with what is wrong.
#[derive(Debug)]
pub struct InQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for InQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match <Query<T> as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                let (path, message) = text.split_once(": ").unwrap_or(("query", text));
                Err(ApiError::invalid(vec![FieldError::new(path, without_value(message))]))
            }
        }
    }
}

/// The `If-Match` header: the version that a change expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub u64);

impl OptionalFromRequestParts<App> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Option<Self>, ApiError> {
        let Some(value) = parts.headers.get(axum::http::header::IF_MATCH) else { return Ok(None) };
        let version =
            value.to_str().ok().and_then(|v| v.trim_start_matches("W/").trim_matches('"').parse().ok());
        let refusal =
            || ApiError::bad_request("bad_if_match", "If-Match must be the version, as the ETag gave it");
        version.map(|v| Some(Self(v))).ok_or_else(refusal)
    }
}

/// Items of a page when the client does not say.
const DEFAULT_LIMIT: usize = 50;
/// Most items of a page.
pub const MAX_LIMIT: usize = 200;

/// The wanted number of items; a number outside the bounds is refused rather than quietly changed.
pub fn limit_of(wanted: Option<usize>) -> Result<usize, ApiError> {
    match wanted.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(ApiError::invalid(vec![FieldError::new("limit", format!("must be 1 to {MAX_LIMIT}"))])),
    }
}
