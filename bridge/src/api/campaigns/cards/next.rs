//! `POST /api/v1/campaigns/{campaign_id}/cards/next`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::NextCard;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::AnswerCards;
use crate::campaign::calls::CallDesk;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// The card that one has already, or else the next one of the campaign. It is nobody else's until its time is over.
#[instrument(name = "campaigns.cards.next", skip_all, fields(campaign.id = %id.0))]
pub async fn next(
    who: Allowed<AnswerCards>,
    trail: Trail,
    id: InPath<CampaignId>,
    desk: Data<CallDesk>,
) -> ApiResult<Json<NextCard>> {
    trail.concerns(id.0.as_str());
    let next = Box::pin(desk.next_card((who.tenant(), &id.0), who.id())).await?;
    Ok(Json(next.into()))
}
