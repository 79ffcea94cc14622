//! `POST /api/v1/auth/oidc/session`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{Either, HttpRequest};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::kept;
use crate::api::auth::login::ChallengeView;
use crate::api::auth::view::SessionView;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::auth::oidc::flow::SignInDesk;
use crate::auth::token::CHALLENGE_SECONDS;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// What the callback gave.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInProof {
    #[schema(value_type = String)]
    sign_in: SecretString,
}

/// A session, or 202 and what a code is to be sent with.
type LoggedIn = Either<Json<SessionView>, (Json<ChallengeView>, StatusCode)>;

/// Begin the session of somebody for whom a provider has vouched. Who has a second factor is asked for it, unless the provider is
/// trusted with that.
#[instrument(name = "auth.oidc.session", skip_all)]
pub async fn begin(
    trail: Trail,
    request: HttpRequest,
    desk: Data<SignInDesk>,
    body: Checked<SignInProof>,
) -> ApiResult<LoggedIn> {
    let (person, asks) = desk.redeem(body.0.sign_in.expose_secret(), kept(&request).as_deref()).await?;
    trail.acts(Actor::person(&person));
    trail.begins().await?;
    if asks {
        let view =
            ChallengeView { challenge: desk.people.challenge(&person)?, expires_in: CHALLENGE_SECONDS };
        return Ok(Either::Right((Json(view), StatusCode::ACCEPTED)));
    }
    Ok(Either::Left(Json(desk.people.begin_session(&person).await?.into())))
}
