//! The internal surface. A worker proves itself with the secret that all workers share and reaches what a call needs; the
//! deployment's own tools have a secret of their own, which opens the rest too: lists over all tenants.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vox_shared::wire::SECRET_HEADER;

use super::proof::{Inside, Proofs};
use crate::edge::part::part;
use crate::error::ApiError;

/// Proof that the request comes from a worker, or from the deployment's own tools.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

/// Proof that the request comes from the deployment's own tools.
#[derive(Clone, Copy, Debug)]
pub struct Tools;

impl FromRequest for Internal {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match sender(request) {
            Some(Inside::Worker | Inside::Tools) => Ok(Self),
            None => Err(ApiError::forbidden("the internal secret is missing or wrong")),
        })
    }
}

impl FromRequest for Tools {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match sender(request) {
            Some(Inside::Tools) => Ok(Self),
            Some(Inside::Worker) => {
                Err(ApiError::forbidden("this needs the secret of the deployment's tools (VOX_TOOLS_SECRET)"))
            }
            None => Err(ApiError::forbidden("the tools' secret is missing or wrong")),
        })
    }
}

fn sender(request: &HttpRequest) -> Option<Inside> {
    let given = request.headers().get(SECRET_HEADER).map_or(&b""[..], |v| v.as_bytes());
    part::<Proofs>(request).inside(given)
}
