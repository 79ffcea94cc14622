//! `PUT /api/v1/auth/me/password`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::OwnProfile;
use crate::auth::rules::Checks;
use crate::auth::session::{SessionView, begin};
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::{ApiError, ApiResult};
use crate::first_start::{ADMIN_EMAIL, forget_first_password};
use crate::store::Stamp;

/// The proof, and the new password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordChange {
    #[schema(value_type = String)]
    current_password: SecretString,
    #[schema(value_type = String)]
    new_password: SecretString,
}

/// Change one's own password. Every session of the person ends; the answer is a new one. A stolen access token does not
/// get to guess the password: attempts are limited as at the login.
#[instrument(name = "auth.change_password", skip_all)]
pub async fn change(
    who: Allowed<OwnProfile>,
    client: ClientAddress,
    State(app): State<App>,
    body: Checked<PasswordChange>,
) -> ApiResult<Json<SessionView>> {
    let PasswordChange { current_password, new_password } = body.0;
    Checks::default().new_password("new_password", &new_password).finish()?;
    let (id, users) = (who.user_id(), app.stores.users(who.tenant()));
    let mut stored = who.into_stored();
    let account = stored.value.email_folded.clone();
    app.throttle
        .attempt(client.0, &account, app.clock.now())
        .map_err(|wait| ApiError::busy(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", wait))?;
    if !app.passwords.verify(current_password, Some(stored.value.password_hash.clone())).await? {
        return Err(ApiError::forbidden("the current password is wrong"));
    }
    app.throttle.succeeded(client.0, &account);
    stored.value.password_hash = app.passwords.hash(new_password).await?;
    stored.value.tokens_valid_from = Stamp(app.clock.now());
    let stored = users.replace_user(stored).await?;
    app.stores.refresh_tokens().revoke_all_of(&id).await?;
    if stored.value.email_folded == ADMIN_EMAIL {
        forget_first_password(&app.config.storage.data_dir);
    }
    Ok(Json(begin(&app, &id, &stored.value).await?))
}
