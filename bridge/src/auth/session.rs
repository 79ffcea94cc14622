//! Sessions of people: a short access token and a refresh token that is replaced with every use. A refresh token that
//! is used twice was stolen from somebody, so its whole family ends.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use vox_shared::ids::UserId;

use super::secret_token;
use super::token::ACCESS_SECONDS;
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::store::refresh_tokens::Family;
use crate::store::users::User;
use crate::store::{StoreError, Stored};

/// Life of a refresh token that is not used.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 14);

/// What a login and a refresh answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    pub access_token: String,
    /// Good once.
    pub refresh_token: String,
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Of the access token, seconds.
    pub expires_in: i64,
}

/// Begin a session: a new family.
pub async fn begin(app: &App, id: &UserId, user: &User) -> ApiResult<SessionView> {
    let now = app.clock.now();
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
    app.stores.refresh_tokens().insert_family(&family_id, &family).await?;
    view(app, user, format!("{family_id}.{secret}"))
}

/// Continue a session: the token is replaced.
pub async fn refresh(app: &App, token: &str) -> ApiResult<SessionView> {
    let now = app.clock.now();
    let (mut family, secret) = open(app, token).await?.ok_or_else(refused)?;
    if family.value.expires_at.0 <= now {
        return Err(refused());
    }
    let hash = secret_token::hash(secret);
    if !bool::from(hash.as_bytes().ct_eq(family.value.current_hash.as_bytes())) {
        tracing::warn!(tenant.id = %family.value.tenant_id, user.id = %family.value.user_id, "a refresh token was used twice; its sessions end");
        app.stores.refresh_tokens().revoke(&family.id).await?;
        return Err(refused());
    }
    let user = app.stores.all_users().find_by_email(&family.value.email).await?.ok_or_else(refused)?;
    let is_theirs = user.value.active && user.id == family.value.user_id.as_str();
    if !is_theirs || !has_todays_password(&family.value, &user.value) {
        return Err(refused());
    }
    let fresh = secret_token::generate();
    let token = format!("{}.{fresh}", family.id);
    family.value.current_hash = secret_token::hash(&fresh);
    family.value.expires_at = expiry(now);
    family.value.rotations += 1;
    family.value.tokens_valid_from = Some(user.value.tokens_valid_from);
    match app.stores.refresh_tokens().rotate(family).await {
        Err(StoreError::Conflict) => Err(ApiError::conflict(
            "refreshed_elsewhere",
            "another request refreshed this session at the same moment; use its answer",
        )),
        other => {
            other?;
            view(app, &user.value, token)
        }
    }
}

/// End a session. A token that is not known (any more) is no error: the session is over either way.
pub async fn end(app: &App, token: &str) -> ApiResult<()> {
    if let Some((family, _)) = open(app, token).await? {
        app.stores.refresh_tokens().revoke(&family.id).await?;
    }
    Ok(())
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

async fn open<'t>(app: &App, token: &'t str) -> ApiResult<Option<(Stored<Family>, &'t str)>> {
    if token.len() > secret_token::MAX_TOKEN_BYTES {
        return Ok(None);
    }
    let Some((family, secret)) = token.split_once('.') else { return Ok(None) };
    let found = app.stores.refresh_tokens().find_family(family).await?;
    Ok(found.map(|family| (family, secret)))
}

fn expiry(now: Timestamp) -> crate::store::Stamp {
    now.saturating_add(REFRESH_LIFE).unwrap_or(Timestamp::MAX).into()
}

fn view(app: &App, user: &User, refresh_token: String) -> ApiResult<SessionView> {
    let access_token =
        app.tokens.issue(user, app.clock.now()).map_err(|e| ApiError::internal("sign a token", &e))?;
    Ok(SessionView { access_token, refresh_token, token_type: "bearer", expires_in: ACCESS_SECONDS })
}

fn refused() -> ApiError {
    ApiError::unauthorized("the refresh token is not valid (any more); log in again")
}
