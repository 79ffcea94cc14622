//! `POST /api/v1/api-keys/{key_id}/rotate`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::ids::ApiKeyId;

use super::view::IssuedKey;
use crate::auth::allowed::Allowed;
use crate::auth::keys::ApiKeys;
use crate::auth::permission::ManageApiKeys;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Give a live key a new secret; the old one opens nothing from then on.
#[instrument(name = "api_keys.rotate", skip_all)]
pub async fn rotate(
    who: Allowed<ManageApiKeys>,
    key: InPath<ApiKeyId>,
    keys: Data<ApiKeys>,
    clock: Data<Clock>,
) -> ApiResult<Json<IssuedKey>> {
    Ok(Json(IssuedKey::new(keys.rotate(who.tenant(), &key.0).await?, clock.now())))
}
