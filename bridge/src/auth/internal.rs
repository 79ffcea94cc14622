//! The internal surface: workers and the deployment's own tools prove themselves with one shared secret.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vox_shared::wire::SECRET_HEADER;

use super::proof::Proofs;
use crate::edge::part::part;
use crate::error::ApiError;

/// Proof that the request carries the internal secret.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

impl FromRequest for Internal {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let given = request.headers().get(SECRET_HEADER).map_or(&b""[..], |v| v.as_bytes());
        ready(if part::<Proofs>(request).is_internal(given) {
            Ok(Self)
        } else {
            Err(ApiError::forbidden("the internal secret is missing or wrong"))
        })
    }
}
