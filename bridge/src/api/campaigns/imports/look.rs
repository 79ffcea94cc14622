//! `POST /api/v1/campaigns/{campaign_id}/imports/preview`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::super::view::whole_tenant;
use super::query::FileQuery;
use super::view::ImportPreview;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::intake::Intake;
use crate::edge::body::Whole;
use crate::edge::params::{InPath, InQuery};
use crate::error::ApiResult;

/// So much of a file is taken, bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Look at the beginning of a file, and store nothing: send 1 MiB of it at most.
#[instrument(name = "campaigns.imports.preview", skip_all, fields(campaign.id = %id.0))]
pub async fn look(
    who: Allowed<EditCampaigns>,
    id: InPath<CampaignId>,
    query: InQuery<FileQuery>,
    intake: Data<Intake>,
    body: Whole<MAX_BYTES>,
) -> ApiResult<Json<ImportPreview>> {
    let campaign = intake.stores.campaigns(whole_tenant(&who)?).get_campaign(&id.0).await?;
    Ok(Json(intake.look(&campaign, &body.0, query.0.wish()?).await?.into()))
}
