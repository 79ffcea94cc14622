//! The authorising extractor. A handler learns the tenant from it and from nothing else, so it cannot run unauthorised.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use vox_shared::ids::{TenantId, UserId};

use super::permission::Permission;
use crate::app::App;
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

impl<P: Permission> FromRequestParts<App> for Allowed<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let token = bearer(parts)
            .ok_or_else(|| ApiError::unauthorized("log in and send `Authorization: Bearer …`"))?;
        let claims = app.tokens.read(token, app.clock.now()).ok_or_else(refused)?;
        let user = app.stores.all_users().find_by_email(&claims.sub).await?.ok_or_else(refused)?;
        if !user.value.active || claims.iat < user.value.tokens_valid_from.0.as_second() {
            return Err(refused());
        }
        tracing::Span::current().record("tenant.id", tracing::field::display(&user.value.tenant_id));
        if user.value.role < P::ROLE {
            return Err(ApiError::forbidden("your role does not allow this"));
        }
        Ok(Self { user, permission: PhantomData })
    }
}

fn refused() -> ApiError {
    ApiError::unauthorized("the access token is not valid (any more); log in again")
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
