//! The authorising extractor. A handler learns whose data it may touch from it and from nothing else, so it cannot run
//! unauthorised.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use tracing::Span;
use tracing::field::display;
use vox_shared::ids::{TenantId, UserId};

use super::keys::{ApiKeys, KeyRefused, TOKEN_PREFIX};
use super::limits::{Asker, RequestLimits};
use super::permission::{ForPeople, Permission};
use super::proof::Proofs;
use super::role::Role;
use super::standing::standing;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::coordination::Place;
use crate::edge::part::part;
use crate::error::{ApiError, ApiResult};
use crate::store::api_keys::Key;
use crate::store::tenants::TenantStatus;
use crate::store::users::User;
use crate::store::{Reach, Stored, Stores};

/// Where programs may send their key instead.
pub const KEY_HEADER: &str = "x-api-key";
/// In which tenant a super_admin acts, if not in their own.
pub const TENANT_HEADER: &str = "x-tenant";

/// Proof that the request comes from a person, or with a key, that may do `P`.
#[derive(Debug)]
pub struct Allowed<P> {
    who: Who,
    reach: Reach,
    /// Until the handler is done, this request is one of those at once.
    _places: Vec<Place>,
    permission: PhantomData<P>,
}

/// Who sends a request.
#[derive(Debug)]
enum Who {
    Person(Stored<User>),
    Key(Stored<Key>),
}

impl<P> Allowed<P> {
    /// What the request may touch.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The id of the person or the key.
    pub fn id(&self) -> &str {
        match &self.who {
            Who::Person(user) => &user.id,
            Who::Key(key) => &key.id,
        }
    }

    /// The tenant of somebody who is not limited to certain bots; `what` belongs to all of them, and whoever is limited is told so.
    pub fn whole_tenant(&self, what: &str) -> ApiResult<&TenantId> {
        match self.reach.bots() {
            None => Ok(self.reach.tenant()),
            Some(_) => {
                let detail = format!("{what}, and this key is limited to some; use another key");
                Err(ApiError::new(StatusCode::FORBIDDEN, "key_limited_to_bots", detail))
            }
        }
    }

    /// Whether the same sender may do something else too, for answers that hold more than one thing.
    pub fn may<Q: Permission>(&self) -> bool {
        self.who.check::<Q>().is_ok()
    }
}

impl<P: ForPeople> Allowed<P> {
    /// Whose data the request may touch.
    pub fn tenant(&self) -> &TenantId {
        self.reach.tenant()
    }

    /// The person, as stored.
    pub fn user(&self) -> &User {
        match &self.who {
            Who::Person(user) => &user.value,
            Who::Key(_) => unreachable!("a key is refused what is for people"),
        }
    }

    pub fn user_id(&self) -> UserId {
        self.id().parse().expect("users are stored under user ids")
    }

    /// The person, to write back changed.
    pub fn into_stored(self) -> Stored<User> {
        match self.who {
            Who::Person(user) => user,
            Who::Key(_) => unreachable!("a key is refused what is for people"),
        }
    }
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (proofs, keys) = (part::<Proofs>(request).clone(), part::<ApiKeys>(request).clone());
        let limits = part::<RequestLimits>(request).clone();
        let (sent, trail) = (Sent::of(request.headers()), Trail::of(request));
        let (stores, named) = (part::<Stores>(request).clone(), named_tenant(request.headers()));
        let request = request.clone();
        Box::pin(async move {
            let who = match sent.ok_or_else(|| ApiError::unauthorized(LOG_IN))? {
                Sent::Token(token) => Who::Person(proofs.person(&token).await?.ok_or_else(refused)?),
                Sent::Key(token) => Who::Key(keys.prove(&token).await?),
            };
            let admission = limits.admit(who.asker()).await;
            request.extensions_mut().insert(admission.standing);
            let places = admission.places?;
            let home = standing(&stores, who.tenant()).await?;
            trail.acts(who.actor());
            let reach = match named? {
                Some(tenant) if tenant != *who.tenant() => who.reach_in(&stores, tenant).await?,
                _ => who.reach(),
            };
            trail.acts_in(reach.tenant());
            Span::current().record("tenant.id", display(reach.tenant()));
            who.check::<P>()?;
            if home.value.require_second_factor && !P::BEFORE_SECOND_FACTOR {
                who.check_second_factor()?;
            }
            Ok(Self { who, reach, _places: places, permission: PhantomData })
        })
    }
}

impl Who {
    /// Who is written down as the one who did it.
    fn actor(&self) -> Actor {
        match self {
            Self::Person(user) => Actor::person(user),
            Self::Key(key) => Actor::key(key),
        }
    }

    /// Whose requests are counted.
    fn asker(&self) -> Asker<'_> {
        match self {
            Self::Person(user) => Asker::Person { id: &user.id, tenant: &user.value.tenant_id },
            Self::Key(key) => Asker::Key { id: &key.id, tenant: &key.value.tenant_id },
        }
    }

    /// Whose the sender is.
    fn tenant(&self) -> &TenantId {
        match self {
            Self::Person(user) => &user.value.tenant_id,
            Self::Key(key) => &key.value.tenant_id,
        }
    }

    /// Another tenant, for those who may act in every one. A deleted tenant is not there until it is restored.
    async fn reach_in(&self, stores: &Stores, tenant: TenantId) -> ApiResult<Reach> {
        match self {
            Self::Person(user) if user.value.role == Role::SuperAdmin => {
                let there = stores.tenants().find(&tenant).await?;
                let there = there.filter(|found| found.value.status != TenantStatus::Deleted);
                there.map(|_| Reach::whole(tenant)).ok_or_else(|| ApiError::not_found("tenant"))
            }
            _ => Err(ApiError::forbidden("only a super_admin acts in another tenant; leave `X-Tenant` out")),
        }
    }

    fn reach(&self) -> Reach {
        match self {
            Self::Person(user) => Reach::whole(user.value.tenant_id.clone()),
            Self::Key(key) => {
                Span::current().record("api_key.id", display(&key.id));
                let tenant = key.value.tenant_id.clone();
                match &key.value.bots {
                    Some(bots) => Reach::limited(tenant, bots),
                    None => Reach::whole(tenant),
                }
            }
        }
    }

    /// Keys have none.
    fn check_second_factor(&self) -> ApiResult<()> {
        match self {
            Self::Person(user) if !user.value.has_second_factor() => {
                let detail = "your tenant wants a second factor: enrol under /api/v1/auth/me/second-factor";
                Err(ApiError::new(StatusCode::FORBIDDEN, "second_factor_required", detail))
            }
            _ => Ok(()),
        }
    }

    fn check<P: Permission>(&self) -> ApiResult<()> {
        match (self, P::SCOPE) {
            (Self::Person(user), _) if user.value.role >= P::ROLE => Ok(()),
            (Self::Person(_), _) => Err(ApiError::forbidden("your role does not allow this")),
            (Self::Key(key), Some(scope)) if key.value.scopes.contains(&scope) => Ok(()),
            (Self::Key(_), Some(scope)) => {
                let detail = format!("the key lacks the scope '{scope}'; use one that has it");
                Err(ApiError::new(StatusCode::FORBIDDEN, "scope_missing", detail))
            }
            (Self::Key(_), None) => {
                let detail = "no key opens this; log in and send your access token";
                Err(ApiError::new(StatusCode::FORBIDDEN, "people_only", detail))
            }
        }
    }
}

/// What a request shows.
enum Sent {
    /// The access token of a person.
    Token(String),
    Key(String),
}

impl Sent {
    /// `Authorization` counts before the key's own header.
    fn of(headers: &HeaderMap) -> Option<Self> {
        match bearer(headers) {
            Some(token) if token.starts_with(TOKEN_PREFIX) => Some(Self::Key(token.to_owned())),
            Some(token) => Some(Self::Token(token.to_owned())),
            None => Some(Self::Key(headers.get(KEY_HEADER)?.to_str().ok()?.trim().to_owned())),
        }
    }
}

/// The tenant that a request names.
fn named_tenant(headers: &HeaderMap) -> ApiResult<Option<TenantId>> {
    let Some(named) = headers.get(TENANT_HEADER) else { return Ok(None) };
    let id = named.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.map(Some).ok_or_else(|| ApiError::bad_request("bad_tenant", "`X-Tenant` must be the id of a tenant"))
}

const LOG_IN: &str =
    "log in and send `Authorization: Bearer …`, or send a key of the API in it or in `X-API-Key`";

fn refused() -> ApiError {
    ApiError::unauthorized("the access token is not valid (any more); log in again")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl From<KeyRefused> for ApiError {
    fn from(error: KeyRefused) -> Self {
        let (status, code) = match error {
            KeyRefused::Unknown => (StatusCode::UNAUTHORIZED, "unauthorized"),
            KeyRefused::Revoked => (StatusCode::FORBIDDEN, "api_key_revoked"),
            KeyRefused::Expired => (StatusCode::FORBIDDEN, "api_key_expired"),
            KeyRefused::Store(error) => return error.into(),
        };
        Self::new(status, code, error.to_string())
    }
}
