//! `PUT /api/v1/auth/me/password`

use actix_web::web::{Data, Json};
use secrecy::SecretString;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::SessionView;
use crate::auth::allowed::Allowed;
use crate::auth::people::People;
use crate::auth::permission::OwnProfile;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::{ApiError, ApiResult};

/// The proof, and the new password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PasswordChange {
    #[schema(value_type = String)]
    current_password: SecretString,
    #[schema(value_type = String)]
    new_password: SecretString,
}

/// Change one's own password. Every session of the person ends; the answer is a new one.
#[instrument(name = "auth.change_password", skip_all)]
pub async fn change(
    who: Allowed<OwnProfile>,
    client: ClientAddress,
    people: Data<People>,
    body: Checked<PasswordChange>,
) -> ApiResult<Json<SessionView>> {
    let PasswordChange { current_password, new_password } = body.0;
    Checks::default().new_password("new_password", &new_password).finish().map_err(ApiError::invalid)?;
    let begun = people.change_password(client.0, who.into_stored(), current_password, new_password).await?;
    Ok(Json(begun.into()))
}
