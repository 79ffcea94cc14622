//! `GET /api/v1/prices`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::PricePage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadPrices;
use crate::edge::params::{InQuery, limit_of};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::{Cursor, StoreError, Stores};

/// Longest name of a vendor, bytes.
const MAX_VENDOR: usize = 64;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only this vendor's.
    vendor: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// All prices, past and future ones too, the latest `effective_from` first.
#[instrument(name = "prices.list", skip_all)]
pub async fn list(
    _: Allowed<ReadPrices>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<PricePage>> {
    let ListQuery { vendor, limit, cursor } = query.0;
    if vendor.as_ref().is_some_and(|vendor| !(1..=MAX_VENDOR).contains(&vendor.len())) {
        let message = format!("must be 1 to {MAX_VENDOR} bytes");
        return Err(ApiError::invalid(vec![FieldError::new("vendor", message)]));
    }
    let cursor = cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    Ok(Json(stores.prices().list_prices(vendor.as_deref(), limit_of(limit)?, cursor).await?.into()))
}
