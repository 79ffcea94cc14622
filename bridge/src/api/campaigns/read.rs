//! `GET /api/v1/campaigns/{campaign_id}`

use actix_web::Responder;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::{CampaignView, Tagged, whole_tenant};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;
use crate::store::contacts::ContactStatus;

/// A campaign, with its contacts counted by status.
#[instrument(name = "campaigns.read", skip_all, fields(campaign.id = %id.0))]
pub async fn read(
    who: Allowed<ReadCampaigns>,
    id: InPath<CampaignId>,
    stores: Data<Stores>,
) -> ApiResult<Tagged> {
    let tenant = whole_tenant(&who)?;
    let campaign = stores.campaigns(tenant).get_campaign(&id.0).await?;
    let tag = format!("\"{}\"", campaign.version);
    let mut view = CampaignView::from(campaign);
    let mut counts = std::collections::BTreeMap::new();
    for status in ContactStatus::ALL {
        let count = stores.contacts(tenant).count_in(&id.0, status).await?;
        counts.insert(status.as_str().to_owned(), count);
    }
    view.contacts = Some(counts);
    Ok(Json(view).customize().with_status(StatusCode::OK).insert_header((header::ETAG, tag)))
}
