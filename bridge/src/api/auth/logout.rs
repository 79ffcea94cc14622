//! `POST /api/v1/auth/logout`

use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::ExposeSecret;
use tracing::instrument;

use super::refresh::RefreshRequest;
use crate::auth::session::Sessions;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// End a session. The access token runs out by itself, within the hour.
#[instrument(name = "auth.logout", skip_all)]
pub async fn logout(sessions: Data<Sessions>, body: Checked<RefreshRequest>) -> ApiResult<HttpResponse> {
    sessions.end(body.0.refresh_token.expose_secret()).await?;
    Ok(HttpResponse::NoContent().finish())
}
