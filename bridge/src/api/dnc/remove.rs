//! `DELETE /api/v1/dnc/{phone}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::phone::Number;

use crate::auth::allowed::Allowed;
use crate::auth::permission::EditDoNotCall;
use crate::edge::params::{InPath, number};
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// Take a number off the list.
#[instrument(name = "dnc.remove", skip_all)]
pub async fn remove(
    who: Allowed<EditDoNotCall>,
    written: InPath<String>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    let number: Number = number(written.0).parse().map_err(|_| ApiError::not_found("number on the list"))?;
    stores.do_not_call(who.reach().tenant()).remove(&number).await?;
    Ok(HttpResponse::NoContent().finish())
}
