//! `GET /api/v1/internal/bots`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::auth::internal::Tools;
use crate::error::ApiResult;
use crate::store::bots::Bot;
use crate::store::{Stored, Stores};

/// Most bots shown.
const MAX_BOTS: usize = 500;

/// A bot by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotName {
    pub id: String,
    pub name: String,
    pub tenant_id: String,
    pub enabled: bool,
}

/// Some bots of all tenants.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotNames {
    pub items: Vec<BotName>,
}

/// Bots of all tenants, oldest first.
#[instrument(name = "internal.bots", skip_all)]
pub async fn bots(_: Tools, stores: Data<Stores>) -> ApiResult<Json<BotNames>> {
    let listed = stores.all_bots().list_bots(MAX_BOTS).await?;
    let name = |bot: Stored<Bot>| BotName {
        id: bot.id,
        name: bot.value.settings.name,
        tenant_id: bot.value.tenant_id.to_string(),
        enabled: bot.value.settings.enabled,
    };
    Ok(Json(BotNames { items: listed.items.into_iter().map(name).collect() }))
}
