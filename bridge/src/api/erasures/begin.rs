//! `POST /api/v1/erasures`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{CustomizeResponder, Responder};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::ErasureView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ErasePeople;
use crate::custody::Custodian;
use crate::custody::erasure::Asked;
use crate::dialout::order;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};

/// Whom to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// Their telephone number, with `+` and country code.
    #[serde(default)]
    #[schema(required = true)]
    number: String,
    /// Take the number off the do-not-call list too; it stays there otherwise, so that nobody calls it again.
    #[serde(default)]
    remove_from_do_not_call: bool,
}

/// Delete every call of the tenant with this number at one of its ends.
#[instrument(name = "erasures.begin", skip_all)]
pub async fn begin(
    who: Allowed<ErasePeople>,
    custodian: Data<Custodian>,
    body: Checked<NewErasure>,
) -> ApiResult<CustomizeResponder<Json<ErasureView>>> {
    let body = body.0;
    let number = order::number("number", &body.number).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let (tenant, by) = (who.tenant().clone(), who.id().to_owned());
    let asked = Asked { tenant, by, number, unlist: body.remove_from_do_not_call };
    let begun = custodian.ask_erasure(asked).await?;
    Ok(Json(ErasureView::from(begun)).customize().with_status(StatusCode::ACCEPTED))
}
