//! `POST /api/v1/campaigns/{campaign_id}/imports`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Payload};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::super::super::recordings::upload::bridged;
use super::super::view::whole_tenant;
use super::query::FileQuery;
use super::view::ImportView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::intake::Intake;
use crate::edge::params::{InPath, InQuery};
use crate::error::ApiResult;
use crate::jobs::runner::Runner;

/// Take a file of contacts: comma-separated or the like, in UTF-8, UTF-16 or Windows-1252, 50 MiB and 500,000 rows at most. The answer
/// does not wait for its rows: the import's `state` and `counts` say how it goes. The same file again changes nothing.
#[instrument(name = "campaigns.imports.upload", skip_all, fields(campaign.id = %id.0))]
pub async fn upload(
    (who, trail): (Allowed<EditCampaigns>, Trail),
    id: InPath<CampaignId>,
    query: InQuery<FileQuery>,
    (intake, runner): (Data<Intake>, Data<Runner>),
    body: Payload,
) -> ApiResult<(Json<ImportView>, StatusCode)> {
    let tenant = whole_tenant(&who)?;
    trail.concerns(id.0.as_str());
    let campaign = intake.stores.campaigns(tenant).get_campaign(&id.0).await?;
    let wish = query.0.wish()?;
    let (content, pump) = bridged(body);
    let mut accepting = Box::pin(intake.accept((&campaign, who.id()), content, wish));
    // Whoever keeps it decides: when it is refused, the rest of the body is nobody's any more.
    let import = tokio::select! {
        import = &mut accepting => import,
        () = pump => accepting.await,
    }?;
    runner.ring();
    Ok((Json(import.into()), StatusCode::ACCEPTED))
}
