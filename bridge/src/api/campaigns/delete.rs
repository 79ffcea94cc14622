//! `DELETE /api/v1/campaigns/{campaign_id}`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::whole_tenant;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::desk::CampaignDesk;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Delete an archived campaign with its contacts, attempts and imports; its calls stay.
#[instrument(name = "campaigns.delete", skip_all, fields(campaign.id = %id.0))]
pub async fn delete(
    who: Allowed<EditCampaigns>,
    trail: Trail,
    id: InPath<CampaignId>,
    desk: Data<CampaignDesk>,
) -> ApiResult<HttpResponse> {
    trail.concerns(id.0.as_str());
    desk.remove(whole_tenant(&who)?, &id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
