//! `PUT /api/v1/auth/me/email`

use actix_web::web::{Data, Json};
use secrecy::SecretString;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::trimmed;

use super::view::SessionView;
use crate::auth::allowed::Allowed;
use crate::auth::people::People;
use crate::auth::permission::OwnProfile;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::{ApiError, ApiResult};

/// The new address, and the proof.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EmailChange {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// Change one's own address. Every session of the person ends; the answer is a new one.
#[instrument(name = "auth.change_email", skip_all)]
pub async fn change(
    who: Allowed<OwnProfile>,
    client: ClientAddress,
    people: Data<People>,
    body: Checked<EmailChange>,
) -> ApiResult<Json<SessionView>> {
    let EmailChange { email, password } = body.0;
    let email = trimmed(&email).to_owned();
    Checks::default().email(&email).finish().map_err(ApiError::invalid)?;
    Ok(Json(people.change_email(client.0, who.into_stored(), password, email).await?.into()))
}
