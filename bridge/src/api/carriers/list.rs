//! `GET /api/v1/carriers`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::CarrierPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCarriers;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::{Cursor, StoreError, Stores};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 by default.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl ListQuery {
    /// The limit and the place.
    pub fn page(&self) -> ApiResult<(usize, Option<Cursor>)> {
        let cursor = self.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
        Ok((limit_of(self.limit)?, cursor))
    }
}

/// The tenant's carriers, newest first.
#[instrument(name = "carriers.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCarriers>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<CarrierPage>> {
    let (limit, after) = query.0.page()?;
    Ok(Json(stores.carriers(who.tenant()).list_carriers(limit, after).await?.into()))
}
