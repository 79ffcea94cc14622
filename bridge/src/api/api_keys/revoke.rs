//! `DELETE /api/v1/api-keys/{key_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::ApiKeyId;

use crate::auth::allowed::Allowed;
use crate::auth::keys::ApiKeys;
use crate::auth::permission::ManageApiKeys;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Revoke a key for good. Its record stays.
#[instrument(name = "api_keys.revoke", skip_all)]
pub async fn revoke(
    who: Allowed<ManageApiKeys>,
    key: InPath<ApiKeyId>,
    keys: Data<ApiKeys>,
) -> ApiResult<HttpResponse> {
    keys.revoke(who.tenant(), &key.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
