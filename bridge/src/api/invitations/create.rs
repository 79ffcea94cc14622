//! `POST /api/v1/invitations`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::trimmed;

use super::view::MadeInvitation;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::invitations::Maker;
use crate::auth::people::People;
use crate::auth::permission::InviteUsers;
use crate::auth::role::Role;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};

/// Who is to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    email: String,
    /// Up to your own.
    role: Role,
}

/// Invite somebody into the tenant that one acts in. The answer is the only one that shows the link's secret.
#[instrument(name = "invitations.create", skip_all)]
pub async fn create(
    who: Allowed<InviteUsers>,
    trail: Trail,
    people: Data<People>,
    body: Checked<NewInvitation>,
) -> ApiResult<(Json<MadeInvitation>, StatusCode)> {
    let NewInvitation { email, role } = body.0;
    let email = trimmed(&email).to_owned();
    Checks::default().email(&email).finish().map_err(ApiError::invalid)?;
    let id = who.user_id();
    let made = people.invite(Maker { id: &id, user: who.user(), tenant: who.tenant() }, email, role).await?;
    trail.concerns(&made.invitation.id);
    Ok((Json(MadeInvitation::new(made, people.clock.now())), StatusCode::CREATED))
}
