//! `GET /api/v1/sip/lookup`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::phone::Number;

use crate::auth::internal::Internal;
use crate::edge::params::{InQuery, number};
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// Which number was called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LookupQuery {
    /// A '+' is written as `%2B`; a bare one is understood.
    number: String,
}

/// Who answers it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookupView {
    pub bot_id: String,
    pub carrier_id: String,
    pub did_id: String,
}

/// The bot that answers a number.
#[instrument(name = "sip.lookup", skip_all)]
pub async fn lookup(
    _: Internal,
    query: InQuery<LookupQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<LookupView>> {
    let nobody = || ApiError::not_found("number that a bot answers");
    let number: Number = number(query.0.number).parse().map_err(|_| nobody())?;
    let did = stores.all_dids().find_number(&number).await?.ok_or_else(nobody)?;
    let bot_id = did.value.bot_id.ok_or_else(nobody)?.to_string();
    Ok(Json(LookupView { bot_id, carrier_id: did.value.carrier_id.to_string(), did_id: did.id }))
}
