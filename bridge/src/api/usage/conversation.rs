//! `GET /v1/conversations/{session_id}/events`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::{InPath, InQuery, PageQuery};
use crate::error::ApiResult;
use crate::store::ledger::{Amounts, Entry, EntryKind, Line};
use crate::store::{Stored, Stores};

/// An entry of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerEntryView {
    pub id: String,
    pub entry: EntryKind,
    /// Takes back another entry of the same amounts.
    pub counter: bool,
    /// RFC 3339, UTC: when the fact was stored.
    pub at: String,
    /// The day that it belongs to.
    pub day: String,
    pub bot_id: String,
    /// `stt`, `llm`, `tts`, or empty.
    pub service: String,
    pub vendor: String,
    pub model: String,
    pub amounts: Amounts,
    /// Ids of the prices that `money` was computed with.
    pub prices: Vec<String>,
}

/// One page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerEntryPage {
    pub items: Vec<LedgerEntryView>,
    pub next_cursor: Option<String>,
}

/// The ledger of one call, in the order of the entries' ids.
#[instrument(name = "usage.conversation", skip_all, fields(call.id = %call.0))]
pub async fn conversation(
    who: Allowed<ReadUsage>,
    call: InPath<SessionId>,
    query: InQuery<PageQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<LedgerEntryPage>> {
    let (limit, cursor) = query.0.page()?;
    stores.calls(who.reach()).get_call(&call.0).await?;
    let listed = stores.ledger(who.reach()).list_of_call(&call.0, limit, cursor).await?;
    let items = listed.items.into_iter().map(LedgerEntryView::from).collect();
    Ok(Json(LedgerEntryPage { items, next_cursor: listed.next_cursor }))
}

impl From<Stored<Entry>> for LedgerEntryView {
    fn from(stored: Stored<Entry>) -> Self {
        let Line { bot_id, day, entry, counter, service, vendor, model, amounts, prices } = stored.value.line;
        Self {
            id: stored.id,
            entry,
            counter,
            at: stored.value.at.to_string(),
            day,
            bot_id: bot_id.to_string(),
            service,
            vendor,
            model,
            amounts,
            prices: prices.iter().map(ToString::to_string).collect(),
        }
    }
}
