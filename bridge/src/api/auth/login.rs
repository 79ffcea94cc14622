//! `POST /api/v1/auth/login`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use secrecy::SecretString;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::SessionView;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::auth::password::PasswordError;
use crate::auth::people::{People, PersonError};
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

/// Begin a session. An unknown address, a wrong password and an inactive user look and last the same.
#[instrument(name = "auth.login", skip_all)]
pub async fn login(
    client: ClientAddress,
    trail: Trail,
    people: Data<People>,
    body: Checked<Credentials>,
) -> ApiResult<Json<SessionView>> {
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
    Ok(Json(people.begin_session(&person).await?.into()))
}

impl From<PersonError> for ApiError {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::WrongLogin { .. } => Self::unauthorized("wrong address or password"),
            PersonError::WrongPassword => Self::forbidden("the current password is wrong"),
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
