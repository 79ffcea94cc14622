//! `POST /api/v1/auth/login`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::password::{MAX_PASSWORD_BYTES, PasswordError};
use crate::auth::rules::MAX_EMAIL_BYTES;
use crate::auth::session::{SessionView, begin};
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::{ApiError, ApiResult};
use crate::store::users::fold_email;

/// Who, and the proof.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Credentials {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// Begin a session. An unknown address, a wrong password and an inactive user look and last the same.
#[instrument(name = "auth.login", skip_all)]
pub async fn login(
    client: ClientAddress,
    State(app): State<App>,
    body: Checked<Credentials>,
) -> ApiResult<Json<SessionView>> {
    let Credentials { email, password } = body.0;
    // Never a part of a longer address: what is cut off here would have to be cut off in the look-up too, or one account
    // had many names for the throttle. Addresses that nobody can have share one name.
    let account = Some(fold_email(&email)).filter(|a| a.len() <= MAX_EMAIL_BYTES).unwrap_or_default();
    app.throttle
        .attempt(client.0, &account, app.clock.now())
        .map_err(|wait| ApiError::busy(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", wait))?;
    let refused = || ApiError::unauthorized("wrong address or password");
    if account.is_empty() || password.expose_secret().len() > MAX_PASSWORD_BYTES {
        return Err(refused());
    }
    let user = app.stores.all_users().find_by_email(&account).await?;
    let stored = user.as_ref().map(|u| u.value.password_hash.clone());
    let right = app.passwords.verify(password, stored).await?;
    let user = user.filter(|u| right && u.value.active).ok_or_else(refused)?;
    app.throttle.succeeded(client.0, &account);
    let id = user.id.parse().expect("users are stored under user ids");
    Ok(Json(begin(&app, &id, &user.value).await?))
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::busy(StatusCode::SERVICE_UNAVAILABLE, "busy", 2),
            PasswordError::Hash(_) => Self::internal("handle a password", &error),
        }
    }
}
