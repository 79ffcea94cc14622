//! `GET /api/v1/bots/{bot_id}/config-requests`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::BotId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::runtime::config::Configs;
use crate::runtime::request_log::KEPT;
use crate::store::Stores;
use crate::store::config_requests::{KEPT_REQUESTS, Request};

/// A worker's request for the bot's config.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigRequestView {
    /// RFC 3339, UTC.
    pub at: String,
    /// What was answered: 200, or why not.
    pub status: u16,
    /// `ok`, or the code of the refusal.
    pub outcome: String,
    /// The refusal in words; null when there was none.
    pub reason: Option<String>,
    /// `ws`, `exotel` or `talk`, as the worker said.
    pub transport: Option<String>,
    pub worker_id: Option<String>,
    /// Of the call; a call that was refused is in no list.
    pub session_id: Option<String>,
    pub took_ms: u32,
}

/// The last requests for a bot's config.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigRequestList {
    /// Newest first.
    pub items: Vec<ConfigRequestView>,
    /// Most that are kept of a bot.
    pub kept: usize,
    /// So many requests, for all bots, this bridge could not write down since its start: the list may lack some of them.
    pub lost_by_this_bridge: u64,
}

/// The last requests for a bot's config and what became of them, for a week. They are written within about a second, and may be
/// incomplete.
#[instrument(name = "bots.config_requests", skip_all, fields(bot.id = %bot.0))]
pub async fn list(
    who: Allowed<ReadBots>,
    bot: InPath<BotId>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    configs: Data<Configs>,
) -> ApiResult<Json<ConfigRequestList>> {
    let known = stores.bots(who.reach()).get_with_deleted(&bot.0).await?;
    let requests = stores.config_requests(&known.value.tenant_id).list(&bot.0).await?;
    let fresh = |request: &Request| clock.now().duration_since(request.at.0) < KEPT;
    Ok(Json(ConfigRequestList {
        items: requests.into_iter().filter(fresh).rev().map(ConfigRequestView::from).collect(),
        kept: KEPT_REQUESTS,
        lost_by_this_bridge: configs.log.lost(),
    }))
}

impl From<Request> for ConfigRequestView {
    fn from(request: Request) -> Self {
        Self {
            at: request.at.to_string(),
            status: request.status,
            outcome: request.outcome,
            reason: request.reason,
            transport: request.transport,
            worker_id: request.worker_id.map(|id| id.to_string()),
            session_id: request.session_id.map(|id| id.to_string()),
            took_ms: request.took_ms,
        }
    }
}
