//! `POST /api/v1/settings/keys/rotation`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{CustomizeResponder, Responder};
use tracing::instrument;
use vox_shared::clock::Clock;

use super::view::RotationView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageSettings;
use crate::error::ApiResult;
use crate::store::StoreError;
use crate::vault::Vault;

/// Begin a rotation of all data keys of the deployment. While one runs it is answered, and no other begins.
#[instrument(name = "settings.rotate", skip_all)]
pub async fn rotate(
    _: Allowed<ManageSettings>,
    vault: Data<Vault>,
    clock: Data<Clock>,
) -> ApiResult<CustomizeResponder<Json<RotationView>>> {
    let begun = vault.begin_rotation(clock.now()).await.map_err(StoreError::from)?;
    Ok(Json(RotationView::from(begun)).customize().with_status(StatusCode::ACCEPTED))
}
