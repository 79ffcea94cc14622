//! `POST /api/v1/campaigns/{campaign_id}/cards/{contact_id}/accept`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::{CampaignId, ContactId};

use super::view::AcceptedCard;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::AnswerCards;
use crate::campaign::calls::CallDesk;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Let the call of one's card through: the contact is dialled now, once.
#[instrument(name = "campaigns.cards.accept", skip_all, fields(campaign.id = %ids.0.0))]
pub async fn accept(
    who: Allowed<AnswerCards>,
    trail: Trail,
    ids: InPath<(CampaignId, ContactId)>,
    desk: Data<CallDesk>,
) -> ApiResult<Json<AcceptedCard>> {
    let (campaign, contact) = &ids.0;
    trail.concerns(campaign.as_str());
    let accepted = Box::pin(desk.accept_card((who.tenant(), campaign), (contact, who.id()))).await?;
    Ok(Json(accepted.into()))
}
