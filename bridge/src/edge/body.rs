//! Reading JSON bodies: size, syntax and types are checked before a handler sees anything.

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use vox_shared::json::is_deeper_than;

use crate::error::ApiError;
use crate::fields::{MAX_LEVELS, fault};

pub use vox_shared::wire::limits::{MAX_JSON_BYTES, MAX_RESULT_BYTES};

/// Taken on the word of `Content-Length`; more is given when it comes.
const FIRST_ROOM: usize = 64 * 1024;

/// A JSON body of type `T` and at most `MAX` bytes.
#[derive(Debug)]
pub struct Checked<T, const MAX: usize = MAX_JSON_BYTES>(pub T);

impl<T: DeserializeOwned + 'static, const MAX: usize> FromRequest for Checked<T, MAX> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let announced = announced(request);
        let payload = payload.take();
        Box::pin(async move { parse(&whole(payload, announced, MAX).await?).map(Self) })
    }
}

/// A JSON body that may be left out, which is `T`'s default.
#[derive(Debug)]
pub struct Optional<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for Optional<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let announced = announced(request);
        let payload = payload.take();
        Box::pin(async move {
            let body = whole(payload, announced, MAX_JSON_BYTES).await?;
            if body.is_empty() { Ok(Self(T::default())) } else { parse(&body).map(Self) }
        })
    }
}

/// A body of at most `MAX` bytes as it came, for whoever has a reading of their own.
#[derive(Debug)]
pub struct Whole<const MAX: usize = MAX_JSON_BYTES>(pub BytesMut);

impl<const MAX: usize> FromRequest for Whole<MAX> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let announced = announced(request);
        let payload = payload.take();
        Box::pin(async move { whole(payload, announced, MAX).await.map(Self) })
    }
}

fn announced(request: &HttpRequest) -> usize {
    let length = request.headers().get(header::CONTENT_LENGTH);
    length.and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// All of a body.
async fn whole(mut payload: Payload, announced: usize, most: usize) -> Result<BytesMut, ApiError> {
    if announced > most {
        return Err(too_large(most));
    }
    let mut body = BytesMut::with_capacity(announced.min(FIRST_ROOM));
    while let Some(piece) = payload.next().await {
        let piece =
            piece.map_err(|_| ApiError::bad_request("cut_off", "the body could not be read to its end"))?;
        if body.len() + piece.len() > most {
            return Err(too_large(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn too_large(most: usize) -> ApiError {
    let detail = format!("the body is too large: at most {most} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
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
    ApiError::invalid(vec![fault(error)])
}

/// The refusal of what is no JSON.
pub fn not_json() -> ApiError {
    let detail = format!("the body is no well-formed JSON (UTF-8, at most {MAX_LEVELS} levels deep)");
    ApiError::bad_request("malformed_json", detail)
}
