//! `POST /api/v1/users/{user_id}/password-reset`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::UserId;

use crate::api::invitations::view::MadeInvitation;
use crate::auth::allowed::Allowed;
use crate::auth::invitations::Maker;
use crate::auth::people::People;
use crate::auth::permission::EditUsers;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// A link with which a person of a lower rank sets a new password. The answer is the only one that shows its secret.
#[instrument(name = "users.reset_password", skip_all)]
pub async fn reset_password(
    who: Allowed<EditUsers>,
    user: InPath<UserId>,
    people: Data<People>,
) -> ApiResult<(Json<MadeInvitation>, StatusCode)> {
    let whom = people.stores.users(who.tenant()).get_user(&user.0).await?;
    let id = who.user_id();
    let made = people.make_reset(Maker { id: &id, user: who.user(), tenant: who.tenant() }, whom).await?;
    Ok((Json(MadeInvitation::new(made, people.clock.now())), StatusCode::CREATED))
}
