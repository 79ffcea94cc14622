//! The authorising extractor. A handler learns the tenant from it and from nothing else, so it cannot run unauthorised.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use vox_shared::ids::{TenantId, UserId};

use super::permission::Permission;
use super::proof::Proofs;
use crate::edge::part::part;
use crate::error::{ApiError, ApiResult};
use crate::store::Stored;
use crate::store::users::User;

/// Proof that the request comes from a person who may do `P`.
#[derive(Debug)]
pub struct Allowed<P> {
    user: Stored<User>,
    permission: PhantomData<P>,
}

impl<P> Allowed<P> {
    /// Whose data the request may touch.
    pub fn tenant(&self) -> &TenantId {
        &self.user.value.tenant_id
    }

    /// The person, as stored.
    pub fn user(&self) -> &User {
        &self.user.value
    }

    pub fn user_id(&self) -> UserId {
        self.user.id.parse().expect("users are stored under user ids")
    }

    /// The person, to write back changed.
    pub fn into_stored(self) -> Stored<User> {
        self.user
    }
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let proofs = part::<Proofs>(request).clone();
        let token = bearer(request.headers()).map(str::to_owned);
        Box::pin(async move {
            let token =
                token.ok_or_else(|| ApiError::unauthorized("log in and send `Authorization: Bearer …`"))?;
            let user = proofs.person(&token).await?.ok_or_else(refused)?;
            tracing::Span::current().record("tenant.id", tracing::field::display(&user.value.tenant_id));
            if user.value.role < P::ROLE {
                return Err(ApiError::forbidden("your role does not allow this"));
            }
            Ok(Self { user, permission: PhantomData })
        })
    }
}

fn refused() -> ApiError {
    ApiError::unauthorized("the access token is not valid (any more); log in again")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
