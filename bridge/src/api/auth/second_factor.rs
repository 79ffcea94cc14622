//! `POST /api/v1/auth/login/second-factor` and `POST /api/v1/auth/me/second-factor`, `…/confirm`, `…/disable`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::view::SessionView;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::people::{People, PersonError};
use crate::auth::permission::OwnProfile;
use crate::auth::standing::standing;
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::ApiResult;

/// The second step of a log-in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CodeLogin {
    /// Of the first step's answer.
    #[schema(value_type = String)]
    challenge: SecretString,
    /// Six digits of the app, or a recovery code.
    #[schema(value_type = String)]
    code: SecretString,
}

/// The own password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordProof {
    #[schema(value_type = String)]
    password: SecretString,
}

/// A code of the app.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CodeProof {
    #[schema(value_type = String)]
    code: SecretString,
}

/// The own password, and a code of the app or a recovery code.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BothProofs {
    #[schema(value_type = String)]
    password: SecretString,
    #[schema(value_type = String)]
    code: SecretString,
}

/// What an app is given. It is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolmentView {
    /// Base32.
    pub secret: String,
    /// The same for a QR code.
    #[schema(example = "otpauth://totp/Vox:asha@example.com?secret=…&issuer=Vox")]
    pub otpauth_url: String,
}

/// Codes for who has lost the app, each good once. They are shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecoveryView {
    pub recovery_codes: Vec<String>,
}

/// Begin a session of who has given the right password before.
#[instrument(name = "auth.login_with_code", skip_all)]
pub async fn log_in(
    client: ClientAddress,
    trail: Trail,
    people: Data<People>,
    body: Checked<CodeLogin>,
) -> ApiResult<Json<SessionView>> {
    let CodeLogin { challenge, code } = body.0;
    let found = people.recognise_by_code(client.0, challenge.expose_secret(), code.expose_secret()).await;
    let person = match found {
        Ok(person) => person,
        Err(PersonError::WrongCode { account: Some(account) }) => {
            trail.refuses(account);
            return Err(PersonError::WrongCode { account: None }.into());
        }
        Err(error) => return Err(error.into()),
    };
    standing(&people.stores, &person.value.tenant_id).await?;
    trail.acts(Actor::person(&person));
    trail.begins().await?;
    Ok(Json(people.begin_session(&person).await?.into()))
}

/// Begin to enrol: a secret for an app. One before that was never confirmed is forgotten.
#[instrument(name = "auth.enrol", skip_all)]
pub async fn enrol(
    who: Allowed<OwnProfile>,
    client: ClientAddress,
    people: Data<People>,
    body: Checked<PasswordProof>,
) -> ApiResult<(Json<EnrolmentView>, StatusCode)> {
    let made = people.enrol(client.0, who.into_stored(), body.0.password).await?;
    Ok((Json(EnrolmentView { secret: made.secret, otpauth_url: made.address }), StatusCode::CREATED))
}

/// Show that the app has the secret. From then on a log-in needs a code.
#[instrument(name = "auth.confirm_enrolment", skip_all)]
pub async fn confirm(
    who: Allowed<OwnProfile>,
    client: ClientAddress,
    people: Data<People>,
    body: Checked<CodeProof>,
) -> ApiResult<Json<RecoveryView>> {
    let code = body.0.code;
    let recovery_codes =
        people.confirm_enrolment(client.0, who.into_stored(), code.expose_secret().trim()).await?;
    Ok(Json(RecoveryView { recovery_codes }))
}

/// Do without a second factor.
#[instrument(name = "auth.disable_second_factor", skip_all)]
pub async fn disable(
    who: Allowed<OwnProfile>,
    client: ClientAddress,
    people: Data<People>,
    body: Checked<BothProofs>,
) -> ApiResult<HttpResponse> {
    let BothProofs { password, code } = body.0;
    people.disable_second_factor(client.0, who.into_stored(), (password, code.expose_secret())).await?;
    Ok(HttpResponse::NoContent().finish())
}
