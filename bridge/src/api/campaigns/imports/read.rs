//! `GET /api/v1/campaigns/{campaign_id}/imports/{import_id}`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::{CampaignId, ImportId};

use super::super::view::whole_tenant;
use super::view::ImportView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::Stores;

/// How an import goes.
#[instrument(name = "campaigns.imports.read", skip_all, fields(campaign.id = %ids.0.0))]
pub async fn read(
    who: Allowed<ReadCampaigns>,
    ids: InPath<(CampaignId, ImportId)>,
    stores: Data<Stores>,
) -> ApiResult<Json<ImportView>> {
    let imports = stores.campaign_imports(whole_tenant(&who)?);
    Ok(Json(imports.get_import(&ids.0.0, &ids.0.1).await?.into()))
}
