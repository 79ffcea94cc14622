//! `GET /api/v1/statements`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use super::StatementView;
use crate::api::reports::whole;
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
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<StatementPage>> {
    whole(who.reach())?;
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let statements = stores.statements(who.reach().tenant());
    let page = statements.list_statements(limit_of(query.0.limit)?, cursor).await?;
    let items = page.items.into_iter().map(|stored| stored.value.into()).collect();
    Ok(Json(StatementPage { items, next_cursor: page.next_cursor }))
}
