//! `GET /api/v1/tenants`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::TenantPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ManageTenants;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::tenants::TenantStatus;
use crate::store::{Cursor, StoreError, Stores};

/// Which, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    status: Option<TenantStatus>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The deployment's tenants, newest first, the deleted ones too.
#[instrument(name = "tenants.list", skip_all)]
pub async fn list(
    _: Allowed<ManageTenants>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<TenantPage>> {
    let ListQuery { status, limit, cursor } = query.0;
    let cursor = cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let listed = stores.tenants().list_tenants(status, limit_of(limit)?, cursor).await?;
    let items = listed.items.into_iter().map(Into::into).collect();
    Ok(Json(TenantPage { items, next_cursor: listed.next_cursor }))
}
