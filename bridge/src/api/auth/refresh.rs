//! `POST /api/v1/auth/refresh`

use actix_web::web::{Data, Json};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::SessionView;
use crate::audit::trail::Trail;
use crate::auth::session::{SessionError, Sessions};
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};

/// The token of the last login or refresh.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RefreshRequest {
    #[schema(value_type = String)]
    pub refresh_token: SecretString,
}

/// Continue a session with new tokens. Only one that ends a session is audited: the others change nothing that a login had not.
#[instrument(name = "auth.refresh", skip_all)]
pub async fn refresh(
    trail: Trail,
    sessions: Data<Sessions>,
    body: Checked<RefreshRequest>,
) -> ApiResult<Json<SessionView>> {
    let outcome = sessions.refresh(body.0.refresh_token.expose_secret()).await;
    if let Err(SessionError::Reused { owner }) = &outcome {
        trail.acts(owner.clone());
        trail.begins().await?;
    }
    Ok(Json(outcome?.into()))
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Refused | SessionError::Reused { .. } => {
                Self::unauthorized("the refresh token is not valid (any more); log in again")
            }
            SessionError::RefreshedElsewhere => Self::conflict(
                "refreshed_elsewhere",
                "another request refreshed this session at the same moment; use its answer",
            ),
            SessionError::Tenant(error) => error.into(),
            SessionError::Token(error) => Self::internal("sign a token", &error),
            SessionError::Store(error) => error.into(),
        }
    }
}
