//! `POST /api/v1/auth/logout`

use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::ExposeSecret;
use tracing::instrument;

use super::refresh::RefreshRequest;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::auth::session::Sessions;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// End a session. The access token runs out by itself, within the hour.
#[instrument(name = "auth.logout", skip_all)]
pub async fn logout(
    trail: Trail,
    sessions: Data<Sessions>,
    body: Checked<RefreshRequest>,
) -> ApiResult<HttpResponse> {
    // A token that is not known (any more) is no error: the session is over either way.
    if let Some(session) = sessions.find(body.0.refresh_token.expose_secret()).await? {
        trail.acts(Actor::of_session(&session.value));
        trail.begins().await?;
        sessions.end(&session).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
