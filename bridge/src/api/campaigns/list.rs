//! `GET /api/v1/campaigns`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::{CampaignPage, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::edge::params::{InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::campaigns::CampaignState;
use crate::store::{Cursor, StoreError, Stores};

/// Which campaigns.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Those in this state only.
    #[param(inline)]
    state: Option<CampaignState>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Campaigns, newest first.
#[instrument(name = "campaigns.list", skip_all)]
pub async fn list(
    who: Allowed<ReadCampaigns>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<CampaignPage>> {
    let campaigns = stores.campaigns(whole_tenant(&who)?);
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let limit = limit_of(query.0.limit)?;
    let found = match query.0.state {
        None => campaigns.list_campaigns(limit, cursor).await?,
        Some(state) => campaigns.list_in_state(state, limit, cursor).await?,
    };
    Ok(Json(found.into()))
}
