//! Calls: a skeleton from the moment the config was fetched, the worker's result when it ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, SessionId, TenantId, WorkerId};
use vox_shared::wire::result::DisconnectedBy;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored};
use super::engine::{Collection, Cursor, Engine, Filter, Index, Order, Query};
use super::stamp::Stamp;

const BY_TIME: &str = "by_time";
const BY_BOT: &str = "by_bot";
const BY_STATUS: &str = "by_status";
const BY_END: &str = "by_end";
const BY_CALLER: &str = "by_caller";
const BY_RECORDING_TOKEN: &str = "by_recording_token";
const OF_ALL: &str = "of_all";

/// The heavy part, left out of lists.
const WITHOUT_RESULT: &[&str] = &["result", "connected_event"];

pub static CALLS: Collection = Collection {
    name: "calls",
    indexes: &[
        Index::ordered(BY_TIME, &["tenant_id", "created_at"]),
        Index::ordered(BY_BOT, &["tenant_id", "bot_id", "created_at"]),
        Index::ordered(BY_STATUS, &["tenant_id", "status", "created_at"]),
        // Calls that have not ended are not in it.
        Index::sparse_by(BY_END, &["tenant_id", "disconnected_by", "created_at"], "disconnected_by"),
        Index::ordered(BY_CALLER, &["tenant_id", "caller_id", "created_at"]),
        Index::unique(BY_RECORDING_TOKEN, &["recording_token_hash"]),
        Index::ordered(OF_ALL, &["created_at"]),
    ],
};

/// Where a call stands, derived from `disconnected_by` once it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Config fetched, no result yet.
    Started,
    Completed,
    NoAnswer,
    Failed,
}

impl CallStatus {
    /// The status that an ending means.
    pub fn of(end: DisconnectedBy) -> Self {
        use DisconnectedBy::*;
        match end {
            Bot | Customer | Voicemail | Timeout | TransferToAgent => Self::Completed,
            Rnr | NoAnswer | Busy | Rejected | OutsideHours => Self::NoAnswer,
            Error | WorkerLost => Self::Failed,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Completed => "completed",
            Self::NoAnswer => "no_answer",
            Self::Failed => "failed",
        }
    }
}

/// A call as it is stored. What lists and filters need stands at the top; the result is kept whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    pub status: CallStatus,
    pub created_at: Stamp,
    /// What core proposed, where a campaign chose another id: tells a call that asks again from a second call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_session_id: Option<SessionId>,
    /// Empty when the caller is not known; every call is in the caller index.
    pub caller_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_event: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnected_by: Option<DisconnectedBy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_key: Option<String>,
    /// SHA-256 of the token that opens the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_token_hash: Option<String>,
    /// What the worker delivered, without nulls and without the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Map<String, Value>>,
}

impl OfTenant for Call {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// What a list of calls is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    pub bot: Option<BotId>,
    pub status: Option<CallStatus>,
    pub disconnected_by: Option<DisconnectedBy>,
    pub direction: Option<String>,
    pub caller: Option<String>,
    pub from: Option<Stamp>,
    /// Exclusive.
    pub to: Option<Stamp>,
}

/// The calls of one tenant.
pub struct Calls(Scoped<Call>);

impl Calls {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CALLS), tenant))
    }

    pub async fn get_call(&self, id: &SessionId) -> Result<Stored<Call>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// [`StoreError::Duplicate`] when there is a call of that id, in any tenant.
    pub async fn insert_call(&self, id: &SessionId, call: &Call) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), call).await
    }

    /// Write back a call that was read here.
    pub async fn replace_call(&self, call: Stored<Call>) -> Result<Stored<Call>, StoreError> {
        self.0.replace(call).await
    }

    /// Newest first, without their results.
    pub async fn list_calls(
        &self,
        filter: &CallFilter,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        let query = narrowed(self.0.query(filter.index()), filter);
        self.0.list(query.order(Order::Descending).limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }
}

impl CallFilter {
    /// The index that narrows the most. The rest is checked on each call it yields.
    fn index(&self) -> &'static str {
        if self.caller.is_some() {
            BY_CALLER
        } else if self.bot.is_some() {
            BY_BOT
        } else if self.disconnected_by.is_some() {
            BY_END
        } else if self.status.is_some() {
            BY_STATUS
        } else {
            BY_TIME
        }
    }
}

fn narrowed(mut query: Query, filter: &CallFilter) -> Query {
    let index = filter.index();
    let exact = [
        (BY_CALLER, "caller_id", filter.caller.clone()),
        (BY_BOT, "bot_id", filter.bot.as_ref().map(ToString::to_string)),
        (BY_STATUS, "status", filter.status.map(|s| s.as_str().to_owned())),
        (BY_END, "disconnected_by", filter.disconnected_by.map(|d| d.as_str().to_owned())),
        ("", "direction", filter.direction.clone()),
    ];
    for (own_index, field, value) in exact {
        let Some(value) = value else { continue };
        query = match own_index == index {
            true => query.equals(field, value),
            false => query.filter(Filter::Is(field, value.into())),
        };
    }
    if let Some(from) = filter.from {
        query = query.from(from);
    }
    if let Some(to) = filter.to {
        query = query.below(to);
    }
    query
}

/// Look-ups across tenants: by session id behind the internal secret, and by a recording's token.
pub struct AllCalls(Documents<Call>);

impl AllCalls {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CALLS))
    }

    pub async fn find_call(&self, id: &SessionId) -> Result<Option<Stored<Call>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// By the SHA-256 of the token.
    pub async fn find_by_recording_token(&self, hash: &str) -> Result<Option<Stored<Call>>, StoreError> {
        self.0.first(Query::by_index(&CALLS, BY_RECORDING_TOKEN).equals("recording_token_hash", hash)).await
    }

    /// Newest first, without their results.
    pub async fn list_calls(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Call>, StoreError> {
        let query = Query::by_index(&CALLS, OF_ALL).from("").order(Order::Descending);
        self.0.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_but_the_direction_has_an_index_of_its_own() {
        let check = |filter: CallFilter, index: &str, filters: usize| {
            let query = narrowed(Query::by_index(&CALLS, filter.index()).equals("tenant_id", "t"), &filter);
            assert_eq!((filter.index(), query.filters.len()), (index, filters), "{filter:?}");
        };
        check(CallFilter::default(), BY_TIME, 0);
        check(CallFilter { caller: Some("+49".into()), ..CallFilter::default() }, BY_CALLER, 0);
        check(CallFilter { bot: Some("faq".parse().unwrap()), ..CallFilter::default() }, BY_BOT, 0);
        check(CallFilter { status: Some(CallStatus::Failed), ..CallFilter::default() }, BY_STATUS, 0);
        let end = Some(DisconnectedBy::Rnr);
        check(CallFilter { disconnected_by: end, ..CallFilter::default() }, BY_END, 0);
        let status = Some(CallStatus::NoAnswer);
        check(CallFilter { disconnected_by: end, status, ..CallFilter::default() }, BY_END, 1);
    }
}
