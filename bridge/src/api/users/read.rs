//! `GET /api/v1/users/{user_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::UserId;

use crate::api::auth::view::UserView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsers;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One person of the tenant.
#[instrument(name = "users.read", skip_all)]
pub async fn read(
    who: Allowed<ReadUsers>,
    user: InPath<UserId>,
    stores: Data<Stores>,
) -> ApiResult<Json<UserView>> {
    let user = stores.users(who.tenant()).get_user(&user.0).await?;
    Ok(Json(UserView::new(&user.id, &user.value)))
}
