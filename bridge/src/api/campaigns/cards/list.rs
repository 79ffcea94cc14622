//! `GET /api/v1/campaigns/cards`

use actix_web::web::{Data, Json};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::CampaignId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::AnswerCards;
use crate::edge::params::{InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::campaigns::CampaignState;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Campaigns whose contacts are counted at once.
const AT_ONCE: usize = 8;

/// Campaigns in which people let calls through.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardCampaignPage {
    /// Fewer than were asked for where others run too: go on while there is a `next_cursor`.
    pub items: Vec<CardCampaign>,
    pub next_cursor: Option<String>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardCampaign {
    pub id: String,
    pub name: String,
    /// Contacts whose time has come and whom nobody looks at, those among them who may not be called at this hour.
    pub due: u64,
}

/// The tenant's campaigns that run and have cards, newest first.
#[instrument(name = "campaigns.cards.list", skip_all)]
pub async fn list(
    who: Allowed<AnswerCards>,
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
    clock: Data<Clock>,
) -> ApiResult<Json<CardCampaignPage>> {
    let (limit, cursor) = query.0.page()?;
    let (tenant, now) = (who.tenant(), Stamp(clock.now()));
    let found = stores.campaigns(tenant).list_in_state(CampaignState::Running, limit, cursor).await?;
    let with_cards = found.items.into_iter().filter_map(|Stored { id, value, .. }| {
        let has_cards = value.settings.previews() && !value.draining;
        let id = id.parse::<CampaignId>().ok().filter(|_| has_cards)?;
        Some((id, value.name))
    });
    let contacts = &stores.contacts(tenant);
    let items = stream::iter(with_cards)
        .map(|(id, name)| async move {
            let due = contacts.count_due(&id, now).await?;
            Ok::<_, StoreError>(CardCampaign { id: id.to_string(), name, due })
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(Json(CardCampaignPage { items, next_cursor: found.next_cursor }))
}
