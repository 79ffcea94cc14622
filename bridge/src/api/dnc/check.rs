//! `GET /api/v1/dnc/check`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadDoNotCall;
use crate::dialout::order;
use crate::edge::params::{InQuery, number};
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// Which number.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CheckQuery {
    /// A '+' is written as `%2B`; a bare one is understood.
    number: String,
}

/// Whether it may be called, as far as the list says.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// As it would be dialled.
    pub number: String,
    pub listed: bool,
    pub reason: Option<String>,
}

/// Look a number up.
#[instrument(name = "dnc.check", skip_all)]
pub async fn check(
    who: Allowed<ReadDoNotCall>,
    query: InQuery<CheckQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<CheckView>> {
    let number = order::number("number", &number(query.0.number));
    let number = number.map_err(|fault| ApiError::invalid(vec![fault]))?;
    let found = stores.do_not_call(who.reach().tenant()).find_number(&number).await?;
    let (listed, reason) = (found.is_some(), found.and_then(|stored| stored.value.reason));
    Ok(Json(CheckView { number: number.to_string(), listed, reason }))
}
