//! `POST /api/v1/invitations/accept`

use actix_web::web::{Data, Json};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::trimmed;

use crate::api::auth::view::UserView;
use crate::audit::Actor;
use crate::audit::trail::Trail;
use crate::auth::invitations::Acceptance;
use crate::auth::people::People;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::edge::client::ClientAddress;
use crate::error::{ApiError, ApiResult};
use crate::store::Stored;
use crate::store::invitations::Invitation;

/// The secret of a link, and what is made of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    #[schema(value_type = String)]
    token: SecretString,
    /// 10 characters or more, at most 256 bytes.
    #[schema(value_type = String)]
    password: SecretString,
    /// Of somebody who is invited; their address without it.
    name: Option<String>,
}

/// Become a person of a tenant, or set a new password. It is no login.
#[instrument(name = "invitations.accept", skip_all)]
pub async fn accept(
    client: ClientAddress,
    trail: Trail,
    people: Data<People>,
    body: Checked<AcceptRequest>,
) -> ApiResult<Json<UserView>> {
    let AcceptRequest { token, password, name } = body.0;
    let name = name.map(|name| trimmed(&name).to_owned());
    let mut checks = Checks::default().new_password("password", &password);
    if let Some(name) = &name {
        checks = checks.name(name);
    }
    checks.finish().map_err(ApiError::invalid)?;
    let link = people.find_link(client.0, token.expose_secret()).await?;
    trail.acts(holder(&link));
    trail.begins().await?;
    let user = people.accept(link, Acceptance { name, password }).await?;
    trail.concerns(&user.id);
    Ok(Json(UserView::new(&user.id, &user.value)))
}

/// Whoever holds a link acts under its id.
fn holder(link: &Stored<Invitation>) -> Actor {
    Actor {
        tenant_id: link.value.tenant_id.clone(),
        id: link.id.clone(),
        email: Some(link.value.email.clone()),
        role: None,
    }
}
