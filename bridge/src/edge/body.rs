//! Reading JSON bodies: size, syntax and types are checked before a handler sees anything.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use vox_shared::json::is_deeper_than;

use crate::app::App;
use crate::error::{ApiError, FieldError};

pub use vox_shared::wire::limits::{MAX_JSON_BYTES, MAX_JSON_LEVELS as MAX_LEVELS, MAX_RESULT_BYTES};

/// A JSON body of type `T`.
#[derive(Debug)]
pub struct Checked<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Checked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| {
            match axum::response::IntoResponse::into_response(rejection).status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large")
                }
                _ => ApiError::bad_request("cut_off", "the body could not be read to its end"),
            }
        })?;
        parse(&bytes).map(Self)
    }
}

/// JSON as `T`: 400 for what is no JSON or nests too deep, 422 with the field's path for a wrong type.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if is_deeper_than(bytes, MAX_LEVELS) {
        return Err(not_json());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| refusal(&error))?;
    reader.end().map_err(|_| not_json())?;
    Ok(value)
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if !error.inner().is_data() {
        return not_json();
    }
    ApiError::invalid(vec![FieldError::new(
        error.path().to_string(),
        without_value(&error.inner().to_string()),
    )])
}

/// serde quotes the refused value, which may be a secret or a megabyte; what was expected is enough.
pub fn without_value(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    match (message.strip_prefix("invalid type: "), message.split_once("expected ")) {
        (Some(_), Some((_, expected))) => format!("wrong type, expected {expected}"),
        _ if message.starts_with("invalid value") || message.starts_with("unknown variant") => {
            match message.split_once("expected ") {
                Some((_, expected)) => format!("not a valid value, expected {expected}"),
                None => "not a valid value".into(),
            }
        }
        _ => message.chars().take(200).collect(),
    }
}

fn not_json() -> ApiError {
    let detail = format!("the body is no well-formed JSON (UTF-8, at most {MAX_LEVELS} levels deep)");
    ApiError::bad_request("malformed_json", detail)
}
