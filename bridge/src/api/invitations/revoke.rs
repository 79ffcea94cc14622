//! `DELETE /api/v1/invitations/{invitation_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::InvitationId;

use crate::auth::allowed::Allowed;
use crate::auth::invitations::Maker;
use crate::auth::people::People;
use crate::auth::permission::InviteUsers;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Take an invitation, or a link to set a password, back.
#[instrument(name = "invitations.revoke", skip_all)]
pub async fn revoke(
    who: Allowed<InviteUsers>,
    invitation: InPath<InvitationId>,
    people: Data<People>,
) -> ApiResult<HttpResponse> {
    let id = who.user_id();
    let by = Maker { id: &id, user: who.user(), tenant: who.tenant() };
    people.revoke_invitation(by, &invitation.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
