//! The `Idempotency-Key` header.

use actix_web::http::header::HeaderMap;
use serde_json::Value;

use crate::auth::secret_token::hash;
use crate::error::{ApiError, ApiResult};
use crate::store::bots::Creation;

const HEADER: &str = "idempotency-key";
/// Longest key, bytes.
const MAX_BYTES: usize = 256;

/// The key of a request and what it asks for, as hashes; `None` when it has no key. The same key of another sender is another.
pub fn creation(headers: &HeaderMap, sender: &str, request: &Value) -> ApiResult<Option<Creation>> {
    let Some(key) = headers.get(HEADER) else { return Ok(None) };
    let key = key.to_str().ok().filter(|k| (1..=MAX_BYTES).contains(&k.len())).ok_or_else(|| {
        ApiError::bad_request("bad_idempotency_key", "Idempotency-Key must be 1 to 256 printable characters")
    })?;
    // Maps are ordered by name, so the same request has the same text whatever the order it was sent in.
    Ok(Some(Creation { key: hash(&format!("{sender} {key}")), request: hash(&request.to_string()) }))
}
