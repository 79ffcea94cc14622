//! `DELETE /api/v1/users/{user_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::UserId;

use crate::auth::allowed::Allowed;
use crate::auth::people::People;
use crate::auth::permission::DeleteUsers;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Delete a person of the tenant, and end their sessions. The last super_admin stays.
#[instrument(name = "users.delete", skip_all)]
pub async fn delete(
    who: Allowed<DeleteUsers>,
    user: InPath<UserId>,
    people: Data<People>,
) -> ApiResult<HttpResponse> {
    people.remove(who.tenant(), &user.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
