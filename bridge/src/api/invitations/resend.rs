//! `POST /api/v1/invitations/{invitation_id}/resend`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::InvitationId;

use super::view::MadeInvitation;
use crate::auth::allowed::Allowed;
use crate::auth::invitations::Maker;
use crate::auth::people::People;
use crate::auth::permission::InviteUsers;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Another link for an invitation; the one before is good for nothing from then on.
#[instrument(name = "invitations.resend", skip_all)]
pub async fn resend(
    who: Allowed<InviteUsers>,
    invitation: InPath<InvitationId>,
    people: Data<People>,
) -> ApiResult<Json<MadeInvitation>> {
    let id = who.user_id();
    let by = Maker { id: &id, user: who.user(), tenant: who.tenant() };
    let made = people.invite_again(by, &invitation.0).await?;
    Ok(Json(MadeInvitation::new(made, people.clock.now())))
}
