//! Sessions of people: a short access token and a refresh token that is replaced with every use. A refresh token that
//! is used twice was stolen from somebody, so its whole family ends.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;
use vox_shared::clock::Clock;
use vox_shared::ids::UserId;

use super::secret_token;
use super::standing::{self, standing};
use super::token::{SigningFailed, Tokens};
use crate::audit::Actor;
use crate::store::refresh_tokens::Family;
use crate::store::users::User;
use crate::store::{StoreError, Stored, Stores};

/// Life of a refresh token that is not used.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 14);

/// The tokens of a session.
#[derive(Debug)]
pub struct Session {
    pub access_token: String,
    /// Good once.
    pub refresh_token: String,
}

/// Why a session does not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("the refresh token is not valid (any more); log in again")]
    Refused,
    /// The client is told what [`Self::Refused`] tells.
    #[error("the refresh token was used before, so its session was ended")]
    Reused { owner: Actor },
    #[error("another request refreshed this session at the same moment; use its answer")]
    RefreshedElsewhere,
    #[error(transparent)]
    Tenant(#[from] standing::Refused),
    #[error("the access token could not be made")]
    Token(#[from] SigningFailed),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins, continues and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    stores: Stores,
    clock: Clock,
    tokens: Arc<Tokens>,
}

impl Sessions {
    pub fn new(stores: Stores, clock: Clock, tokens: Arc<Tokens>) -> Self {
        Self { stores, clock, tokens }
    }

    /// Begin a session: a new family.
    pub async fn begin(&self, id: &UserId, user: &User) -> Result<Session, SessionError> {
        let now = self.clock.now();
        let (family_id, secret) = (secret_token::generate(), secret_token::generate());
        let family = Family {
            tenant_id: user.tenant_id.clone(),
            user_id: id.clone(),
            email: user.email.clone(),
            current_hash: secret_token::hash(&secret),
            expires_at: expiry(now),
            rotations: 0,
            tokens_valid_from: Some(user.tokens_valid_from),
        };
        self.stores.refresh_tokens().insert_family(&family_id, &family).await?;
        self.session(user, format!("{family_id}.{secret}"))
    }

    /// Continue a session: the token is replaced.
    pub async fn refresh(&self, token: &str) -> Result<Session, SessionError> {
        let now = self.clock.now();
        let (mut family, secret) = self.open(token).await?.ok_or(SessionError::Refused)?;
        if family.value.expires_at.0 <= now {
            return Err(SessionError::Refused);
        }
        let hash = secret_token::hash(secret);
        if !bool::from(hash.as_bytes().ct_eq(family.value.current_hash.as_bytes())) {
            tracing::warn!(tenant.id = %family.value.tenant_id, user.id = %family.value.user_id, "a refresh token was used twice; its sessions end");
            self.stores.refresh_tokens().revoke(&family.id).await?;
            return Err(SessionError::Reused { owner: Actor::of_session(&family.value) });
        }
        let user = self.owner(&family.value).await?.ok_or(SessionError::Refused)?;
        standing(&self.stores, &user.tenant_id).await?;
        let fresh = secret_token::generate();
        let token = format!("{}.{fresh}", family.id);
        family.value.current_hash = secret_token::hash(&fresh);
        family.value.expires_at = expiry(now);
        family.value.rotations += 1;
        family.value.tokens_valid_from = Some(user.tokens_valid_from);
        match self.stores.refresh_tokens().rotate(family).await {
            Err(StoreError::Conflict) => Err(SessionError::RefreshedElsewhere),
            other => {
                other?;
                self.session(&user, token)
            }
        }
    }

    /// The session of a refresh token, a used one too.
    pub async fn find(&self, token: &str) -> Result<Option<Stored<Family>>, SessionError> {
        Ok(self.open(token).await?.map(|(family, _)| family))
    }

    /// End a session.
    pub async fn end(&self, session: &Stored<Family>) -> Result<(), SessionError> {
        Ok(self.stores.refresh_tokens().revoke(&session.id).await?)
    }

    /// The person whose session this is, if it may go on.
    async fn owner(&self, family: &Family) -> Result<Option<User>, SessionError> {
        let user = self.stores.all_users().find_by_email(&family.email).await?;
        let theirs = user.filter(|u| u.value.active && u.id == family.user_id.as_str());
        Ok(theirs.map(|u| u.value).filter(|u| has_todays_password(family, u)))
    }

    async fn open<'t>(&self, token: &'t str) -> Result<Option<(Stored<Family>, &'t str)>, SessionError> {
        if token.len() > secret_token::MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let Some((family, secret)) = token.split_once('.') else { return Ok(None) };
        let found = self.stores.refresh_tokens().find_family(family).await?;
        Ok(found.map(|family| (family, secret)))
    }

    fn session(&self, user: &User, refresh_token: String) -> Result<Session, SessionError> {
        Ok(Session { access_token: self.tokens.issue(user, self.clock.now())?, refresh_token })
    }
}

/// Whether the session began under the password that is valid now. A change of password deletes the sessions, but one
/// whose login was under way at that moment, or that a failed deletion left, is refused by this. A family from before the
/// stamp counts as begun at its last refresh.
fn has_todays_password(family: &Family, user: &User) -> bool {
    match family.tokens_valid_from {
        Some(then) => then == user.tokens_valid_from,
        None => {
            family.expires_at.0.saturating_sub(REFRESH_LIFE).is_ok_and(|at| user.tokens_valid_from.0 <= at)
        }
    }
}

fn expiry(now: Timestamp) -> crate::store::Stamp {
    now.saturating_add(REFRESH_LIFE).unwrap_or(Timestamp::MAX).into()
}
