//! `GET /api/v1/calls/{session_id}/pushes`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::ids::SessionId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCalls;
use crate::edge::params::{InPath, InQuery, limit_of};
use crate::error::ApiResult;
use crate::store::crm::Push;
use crate::store::deliveries::Attempt;
use crate::store::{Cursor, StoreError, Stored, Stores};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page of pushes.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushPage {
    pub items: Vec<PushView>,
    pub next_cursor: Option<String>,
}

/// The result of a call on its way to the bot's CRM.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushView {
    /// Of its job too, and what is sent as `idempotency-key`.
    pub id: String,
    pub bot_id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// The CRM took it.
    pub taken: bool,
    /// The latest 20, the oldest first.
    pub attempts: Vec<Attempt>,
}

impl From<Stored<Push>> for PushView {
    fn from(stored: Stored<Push>) -> Self {
        let push = stored.value;
        Self {
            id: stored.id,
            bot_id: push.bot_id.to_string(),
            created_at: push.created_at.to_string(),
            taken: push.taken,
            attempts: push.attempts,
        }
    }
}

/// What was pushed of a call, newest first. One that was never tried is not among them yet; its job is.
#[instrument(name = "calls.pushes", skip_all, fields(call.id = %call.0))]
pub async fn pushes(
    who: Allowed<ReadCalls>,
    call: InPath<SessionId>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<PushPage>> {
    stores.calls(who.reach()).get_call(&call.0).await?;
    let cursor = query.0.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let pushes = stores.pushes(who.reach().tenant());
    let page = pushes.list_pushes(&call.0, limit_of(query.0.limit)?, cursor).await?;
    let items = page.items.into_iter().map(PushView::from).collect();
    Ok(Json(PushPage { items, next_cursor: page.next_cursor }))
}
