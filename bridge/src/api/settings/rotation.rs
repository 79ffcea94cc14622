//! `GET /api/v1/settings/keys/rotation`

use actix_web::web::{Data, Json};
use tracing::instrument;

use super::view::RotationView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::error::{ApiError, ApiResult};
use crate::store::StoreError;
use crate::vault::Vault;

/// How far the last rotation of keys is.
#[instrument(name = "settings.rotation", skip_all)]
pub async fn rotation(_: Allowed<ManageSettings>, vault: Data<Vault>) -> ApiResult<Json<RotationView>> {
    let last = vault.last_rotation().await.map_err(StoreError::from)?;
    Ok(Json(last.ok_or_else(|| ApiError::not_found("rotation: none was begun yet"))?.into()))
}
