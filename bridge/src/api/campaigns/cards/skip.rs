//! `POST /api/v1/campaigns/{campaign_id}/cards/{contact_id}/skip`

use actix_web::web::{Data, Json};
use tracing::instrument;
use vox_shared::ids::{CampaignId, ContactId};

use super::view::SkippedCard;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::AnswerCards;
use crate::campaign::calls::CallDesk;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Put one's card behind the others; skipped too often, the contact waits for a person.
#[instrument(name = "campaigns.cards.skip", skip_all, fields(campaign.id = %ids.0.0))]
pub async fn skip(
    who: Allowed<AnswerCards>,
    trail: Trail,
    ids: InPath<(CampaignId, ContactId)>,
    desk: Data<CallDesk>,
) -> ApiResult<Json<SkippedCard>> {
    let (campaign, contact) = &ids.0;
    trail.concerns(campaign.as_str());
    let skipped = Box::pin(desk.skip_card((who.tenant(), campaign), (contact, who.id()))).await?;
    Ok(Json(skipped.into()))
}
