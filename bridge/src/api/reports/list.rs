//! `GET /api/v1/reports`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::{ReportView, whole};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::{InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::Stores;

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
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<ReportPage>> {
    whole(who.reach())?;
    let (limit, after) = query.0.page()?;
    let page = stores.reports(who.reach().tenant()).list_reports(limit, after).await?;
    let items = page.items.into_iter().map(ReportView::from).collect();
    Ok(Json(ReportPage { items, next_cursor: page.next_cursor }))
}
