//! `POST /api/v1/auth/login`

use actix_web::Either;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::view::SessionView;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::auth::password::PasswordError;
use crate::auth::people::{People, PersonError};
use crate::auth::token::CHALLENGE_SECONDS;
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::{ApiError, ApiResult};

/// Who, and the proof.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Credentials {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// What the right password earns whose account has a second factor.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeView {
    /// Goes with the code to `POST /api/v1/auth/login/second-factor`.
    pub challenge: String,
    /// Seconds.
    pub expires_in: i64,
}

/// A session, or 202 and what a code is to be sent with.
type LoggedIn = Either<Json<SessionView>, (Json<ChallengeView>, StatusCode)>;

/// Begin a session. An unknown address, a wrong password and an inactive user look and last the same.
#[instrument(name = "auth.login", skip_all)]
pub async fn login(
    client: ClientAddress,
    trail: Trail,
    people: Data<People>,
    body: Checked<Credentials>,
) -> ApiResult<LoggedIn> {
    let Credentials { email, password } = body.0;
    let person = match people.recognise(client.0, &email, password).await {
        Ok(person) => person,
        Err(PersonError::WrongLogin { account: Some(account) }) => {
            trail.refuses(account);
            return Err(PersonError::WrongLogin { account: None }.into());
        }
        Err(error) => return Err(error.into()),
    };
    trail.acts(Actor::person(&person));
    trail.begins().await?;
    if person.value.has_second_factor() {
        let view = ChallengeView { challenge: people.challenge(&person)?, expires_in: CHALLENGE_SECONDS };
        return Ok(Either::Right((Json(view), StatusCode::ACCEPTED)));
    }
    Ok(Either::Left(Json(people.begin_session(&person).await?.into())))
}

impl From<PersonError> for ApiError {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::WrongLogin { .. } => Self::unauthorized("wrong address or password"),
            PersonError::WrongPassword => Self::forbidden("the current password is wrong"),
            PersonError::WrongCode { .. } => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong_code",
                "the code is wrong or was used before; wait for the next one, or take a recovery code",
            ),
            PersonError::HasSecondFactor => {
                Self::conflict("second_factor_active", "there is a second factor; disable it first")
            }
            PersonError::NoSecondFactor => {
                Self::conflict("no_second_factor", "there is no second factor (to be confirmed); enrol first")
            }
            PersonError::ChallengeOver => {
                Self::unauthorized("the challenge is not valid (any more); log in again")
            }
            PersonError::TooManyAttempts { wait_seconds } => {
                Self::busy(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", wait_seconds)
            }
            PersonError::EmailTaken => Self::conflict("email_taken", "a user with this address exists"),
            PersonError::Tenant(error) => error.into(),
            PersonError::Password(PasswordError::Busy) => {
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, "busy", 2)
            }
            PersonError::Password(error @ PasswordError::Hash(_)) => {
                Self::internal("handle a password", &error)
            }
            PersonError::Session(error) => error.into(),
            PersonError::Store(error) => error.into(),
        }
    }
}
