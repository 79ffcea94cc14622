//! Calls of all tenants, for what belongs to the deployment: workers' results, what follows from them, links to recordings.

use std::sync::Arc;

use vox_shared::ids::SessionId;

use super::{
    BY_DEADLINE, BY_OUTBOX, BY_RECORDING_TOKEN, CALLS, CREATED_AT, CRM, Call, CallStatus, DEADLINE,
    DELETED_AT, OF_ALL, OUTBOX, OUTBOX_MARK, OUTBOX_SINCE, OfCrm, RECORDING_TOKEN_HASH, STATUS,
    WITHOUT_RESULT,
};
use crate::store::documents::{Documents, Listed, StoreError, Stored, Waiting};
use crate::store::engine::{Amendment, Cursor, Engine, Filter, Order, Query, Update};
use crate::store::stamp::Stamp;

/// Look-ups across tenants: by session id behind the internal secret, and by a recording's token.
pub struct AllCalls(pub(super) Documents<Call>);

impl AllCalls {
    pub(in crate::store) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CALLS))
    }

    pub async fn find_call(&self, id: &SessionId) -> Result<Option<Stored<Call>>, StoreError> {
        Ok(self.find_with_deleted(id).await?.filter(|call| !call.value.is_deleted()))
    }

    /// What is left of a deleted call too, for what comes late.
    pub async fn find_with_deleted(&self, id: &SessionId) -> Result<Option<Stored<Call>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// By the SHA-256 of the token, without its result.
    pub async fn find_by_recording_token(&self, hash: &str) -> Result<Option<Stored<Call>>, StoreError> {
        let query = Query::by_index(&CALLS, BY_RECORDING_TOKEN).equals(RECORDING_TOKEN_HASH, hash);
        self.0.first(query.omit(WITHOUT_RESULT)).await
    }

    /// Calls that should have had a result by now, the longest overdue first.
    pub async fn list_overdue(
        &self,
        now: Stamp,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        let query = Query::by_index(&CALLS, BY_DEADLINE).below(DEADLINE, now);
        self.0.list(query.limit(limit).after(after)).await
    }

    /// Calls from which something is to follow, the longest waiting first, without their results.
    pub async fn list_with_outbox(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        let query = Query::by_index(&CALLS, BY_OUTBOX).from(OUTBOX_SINCE, "");
        self.0.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }

    /// How many calls have something that is still to follow, and since when the oldest waits.
    pub async fn waiting_outboxes(&self) -> Result<Waiting, StoreError> {
        let search = || Query::by_index(&CALLS, BY_OUTBOX).from(OUTBOX_SINCE, "").omit(WITHOUT_RESULT);
        self.0.waiting(search, |call| call.outbox.as_ref().map(|outbox| outbox.since)).await
    }

    /// Keep with a running call what its bot's CRM said.
    pub async fn set_crm(&self, id: &SessionId, crm: &OfCrm) -> Result<(), StoreError> {
        let running = Query::by_id(&CALLS, id.as_str()).filter(Filter::is(STATUS, CallStatus::Started));
        self.0.update(running, Update::default().set(CRM, crm)).await.map(drop)
    }

    /// A running call counts as lost without a result only then.
    pub async fn put_off(&self, id: &SessionId, deadline: Stamp) -> Result<(), StoreError> {
        let running = Query::by_id(&CALLS, id.as_str()).filter(Filter::is(STATUS, CallStatus::Started));
        self.0.update(running, Update::default().set(DEADLINE, deadline)).await.map(drop)
    }

    /// Empty the outboxes of calls, given with their marks, where they are still as they were read.
    pub async fn clear_outboxes(&self, read: &[(String, String)]) -> Result<(), StoreError> {
        let clear = |(id, mark): &(String, String)| {
            Amendment::of(id, Update::default().unset(OUTBOX)).when(Filter::is(OUTBOX_MARK, mark))
        };
        self.0.update_many(read.iter().map(clear).collect()).await.map(drop)
    }

    /// Newest first, without their results.
    pub async fn list_calls(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Call>, StoreError> {
        let query = Query::by_index(&CALLS, OF_ALL).from(CREATED_AT, "").order(Order::Descending);
        let query = query.filter(Filter::absent(DELETED_AT));
        self.0.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }
}
