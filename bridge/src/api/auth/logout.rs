//! `POST /api/v1/auth/logout`

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::ExposeSecret;
use tracing::instrument;

use super::refresh::RefreshRequest;
use crate::app::App;
use crate::auth::session;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// End a session. The access token runs out by itself, within the hour.
#[instrument(name = "auth.logout", skip_all)]
pub async fn logout(State(app): State<App>, body: Checked<RefreshRequest>) -> ApiResult<StatusCode> {
    session::end(&app, body.0.refresh_token.expose_secret()).await?;
    Ok(StatusCode::NO_CONTENT)
}
