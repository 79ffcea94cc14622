//! `GET /api/v1/campaigns/{campaign_id}/attempts`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::super::view::whole_tenant;
use super::view::AttemptPage;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::edge::params::{InPath, InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::Stores;

/// The attempts of a campaign, newest first.
#[instrument(name = "campaigns.attempts.list", skip_all, fields(campaign.id = %id.0))]
pub async fn list(
    who: Allowed<ReadCampaigns>,
    id: InPath<CampaignId>,
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<AttemptPage>> {
    let tenant = whole_tenant(&who)?;
    stores.campaigns(tenant).get_campaign(&id.0).await?;
    let (limit, cursor) = query.0.page()?;
    Ok(Json(stores.attempts(tenant).list_attempts(&id.0, limit, cursor).await?.into()))
}
