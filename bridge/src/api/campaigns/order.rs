//! `POST /api/v1/campaigns/{campaign_id}/start`, and the other orders

use actix_web::http::StatusCode;
use actix_web::web::Data;
use tracing::instrument;
use vox_shared::ids::CampaignId;

use super::view::{Tagged, tagged, whole_tenant};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCampaigns;
use crate::campaign::desk::CampaignDesk;
use crate::campaign::orders::Order;
use crate::edge::params::InPath;
use crate::error::ApiResult;

macro_rules! orders {
    ($($(#[$doc:meta])* $name:ident => $order:ident;)*) => {$(
        $(#[$doc])*
        #[instrument(name = "campaigns.order", skip_all, fields(campaign.id = %id.0))]
        pub async fn $name(
            who: Allowed<EditCampaigns>,
            trail: Trail,
            id: InPath<CampaignId>,
            desk: Data<CampaignDesk>,
        ) -> ApiResult<Tagged> {
            carry_out((who, trail), id.0, &desk, Order::$order).await
        }
    )*};
}

orders! {
    /// Begin to call.
    start => Start;
    /// Begin no more calls until it is resumed.
    pause => Pause;
    resume => Resume;
    /// End it.
    stop => Stop;
    /// Begin no more calls, and complete when the last one has ended.
    drain => Drain;
    /// Call those again who were not reached.
    restart => Restart;
    /// Keep it to be read.
    archive => Archive;
}

async fn carry_out(
    (who, trail): (Allowed<EditCampaigns>, Trail),
    id: CampaignId,
    desk: &CampaignDesk,
    order: Order,
) -> ApiResult<Tagged> {
    trail.concerns(id.as_str());
    let campaign = Box::pin(desk.order(whole_tenant(&who)?, &id, order)).await?;
    Ok(tagged(campaign, StatusCode::OK))
}
