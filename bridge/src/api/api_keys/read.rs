//! `GET /api/v1/api-keys/{key_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::ids::ApiKeyId;

use super::view::KeyView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageApiKeys;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// One of the tenant's keys, without its secret.
#[instrument(name = "api_keys.read", skip_all)]
pub async fn read(
    who: Allowed<ManageApiKeys>,
    key: InPath<ApiKeyId>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<KeyView>> {
    Ok(Json(KeyView::new(stores.api_keys(who.tenant()).get_key(&key.0).await?, clock.now())))
}
