//! `GET /api/v1/statements`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::StatementView;
use crate::api::reports::whole;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::{InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::Stores;

/// One page of statements.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementPage {
    pub items: Vec<StatementView>,
    pub next_cursor: Option<String>,
}

/// The tenant's statements, the latest months first, and of each the last revision first.
#[instrument(name = "statements.list", skip_all)]
pub async fn list(
    who: Allowed<ReadUsage>,
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<StatementPage>> {
    whole(who.reach())?;
    let (limit, after) = query.0.page()?;
    let statements = stores.statements(who.reach().tenant());
    let page = statements.list_statements(limit, after).await?;
    let items = page.items.into_iter().map(|stored| stored.value.into()).collect();
    Ok(Json(StatementPage { items, next_cursor: page.next_cursor }))
}
