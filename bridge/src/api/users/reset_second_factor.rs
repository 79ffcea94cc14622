//! `DELETE /api/v1/users/{user_id}/second-factor`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::UserId;

use crate::auth::allowed::Allowed;
use crate::auth::people::People;
use crate::auth::permission::ResetSecondFactors;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Take the second factor of somebody else away who has lost it. Their sessions end.
#[instrument(name = "users.reset_second_factor", skip_all)]
pub async fn reset_second_factor(
    who: Allowed<ResetSecondFactors>,
    user: InPath<UserId>,
    people: Data<People>,
) -> ApiResult<HttpResponse> {
    people.reset_second_factor(who.user(), who.tenant(), &user.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
