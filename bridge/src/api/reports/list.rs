//! `GET /api/v1/reports`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use super::{ReportView, whole};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::{Cursor, StoreError, Stores};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page of reports.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportPage {
    pub items: Vec<ReportView>,
    pub next_cursor: Option<String>,
}

/// The tenant's reports, the latest days first.
#[instrument(name = "reports.list", skip_all)]
pub async fn list(
    who: Allowed<ReadUsage>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<ReportPage>> {
    whole(who.reach())?;
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let page = stores.reports(who.reach().tenant()).list_reports(limit_of(query.0.limit)?, cursor).await?;
    let items = page.items.into_iter().map(ReportView::from).collect();
    Ok(Json(ReportPage { items, next_cursor: page.next_cursor }))
}
