//! `POST /api/v1/auth/refresh`

use axum::Json;
use axum::extract::State;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::session::{self, SessionView};
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// The token of the last login or refresh.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RefreshRequest {
    #[schema(value_type = String)]
    pub refresh_token: SecretString,
}

/// Continue a session with new tokens.
#[instrument(name = "auth.refresh", skip_all)]
pub async fn refresh(State(app): State<App>, body: Checked<RefreshRequest>) -> ApiResult<Json<SessionView>> {
    Ok(Json(session::refresh(&app, body.0.refresh_token.expose_secret()).await?))
}
