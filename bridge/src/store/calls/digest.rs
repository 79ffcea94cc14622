//! Calls of which what is searched and counted is to be made anew. Every write of a whole call that has ended says so in the same write,
//! so that nothing that changes can be missed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    AllCalls, BY_DIGEST, CALLS, Call, Calls, DIGEST, DIGEST_MARK, DIGEST_SINCE, OUTBOX, OUTBOX_MARK,
    WITHOUT_RESULT,
};
use crate::store::engine::{Amendment, Filter, Json, Query, Update, holds};
use crate::store::{Cursor, Listed, Stamp, StoreError, Stored};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestDue {
    /// Earlier ones come first.
    pub since: Stamp,
    /// Another one means that the call was changed since it was read.
    pub mark: i64,
}

holds! { Json: DigestDue => |due| serde_json::to_value(due).unwrap_or(Value::Null); }

/// What a call of an earlier version gets, beside its other fields: it comes after all those that end now.
pub(super) fn due_last() -> Map<String, Value> {
    let due = DigestDue { since: Stamp(Timestamp::MAX), mark: 0 };
    match serde_json::to_value(due) {
        Ok(Value::Object(due)) => due,
        _ => Map::new(),
    }
}

/// Calls without a digest.
#[derive(Clone, Copy, Debug)]
pub enum Undigested {
    /// Those that ended before.
    Before(Stamp),
    /// Those from an earlier version, which come after all others.
    Old,
}

/// Take the mark away, if it is still this one.
fn digested(id: &str, mark: i64, update: Update) -> Amendment {
    Amendment::of(id, update.unset(DIGEST)).when(Filter::is(DIGEST_MARK, mark))
}

impl Call {
    /// A deleted call has its digest buried by whoever cleans up after it.
    pub(super) fn mark_for_digest(&mut self, version: u64) {
        self.digest = match self.completed_at {
            Some(since) if !self.is_deleted() => {
                Some(DigestDue { since, mark: i64::try_from(version).unwrap_or(i64::MAX).saturating_add(1) })
            }
            _ => None,
        };
    }
}

impl Calls {
    /// A call as lists show it, without its result.
    pub async fn find_listed(&self, id: &str) -> Result<Option<Stored<Call>>, StoreError> {
        let call = self.of_tenant.first(Query::by_id(&CALLS, id).omit(WITHOUT_RESULT)).await?;
        Ok(call.filter(|call| self.within(&call.value).is_ok() && !call.value.is_deleted()))
    }
}

impl AllCalls {
    /// Calls of which a digest is to be made, the longest waiting first, without their results.
    pub async fn list_to_digest(&self, limit: usize) -> Result<Vec<Stored<Call>>, StoreError> {
        self.sound(Query::by_index(&CALLS, BY_DIGEST).from(DIGEST_SINCE, ""), limit).await
    }

    /// Calls of a search, without their results: those of the first page that has any. Damaged ones stand where they are until somebody
    /// mends them, and hide no others however many they are.
    async fn sound(&self, query: Query, limit: usize) -> Result<Vec<Stored<Call>>, StoreError> {
        let (query, mut after) = (query.limit(limit).omit(WITHOUT_RESULT), None);
        loop {
            let page = self.0.list(query.clone().after(after)).await?;
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if !page.items.is_empty() || after.is_none() {
                return Ok(page.items);
            }
        }
    }

    /// A page of the calls that have no digest yet, without their results and without those that make no sense: these wait for nobody,
    /// whoever makes digests does not see them either.
    pub async fn list_undigested(
        &self,
        which: Undigested,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        let all = Query::by_index(&CALLS, BY_DIGEST);
        let query = match which {
            Undigested::Before(end) => all.from(DIGEST_SINCE, "").below(DIGEST_SINCE, end),
            Undigested::Old => all.from(DIGEST_SINCE, Stamp(Timestamp::MAX)),
        };
        self.0.list(query.after(after).omit(WITHOUT_RESULT)).await
    }

    /// The digests of calls, given with their marks, are made, where the calls are still as they were read.
    pub async fn mark_digested(&self, made: &[(String, i64)]) -> Result<(), StoreError> {
        let mark = |(id, mark): &(String, i64)| digested(id, *mark, Update::default());
        self.0.update_many(made.iter().map(mark).collect()).await.map(drop)
    }

    /// All that was to be done for calls is done, where they are still as they are here: what followed was moved, and their digests are
    /// made. One that was changed in one of the two keeps that.
    pub async fn settle(&self, calls: &[Stored<Call>]) -> Result<(), StoreError> {
        let (mut both, mut one_by_one) = (Vec::new(), Vec::new());
        for call in calls {
            let outbox = call.value.outbox.as_ref().map(|outbox| {
                let cleared = Update::default().unset(OUTBOX);
                Amendment::of(&call.id, cleared).when(Filter::is(OUTBOX_MARK, &outbox.mark))
            });
            let due = call.value.digest.as_ref().map(|due| due.mark);
            match (outbox, due) {
                (Some(outbox), Some(mark)) => {
                    let cleared = outbox.filters.iter().cloned();
                    let done = digested(&call.id, mark, Update::default().unset(OUTBOX));
                    both.push(cleared.fold(done, Amendment::when));
                    one_by_one.extend([outbox, digested(&call.id, mark, Update::default())]);
                }
                (outbox, due) => {
                    both.extend(outbox);
                    both.extend(due.map(|mark| digested(&call.id, mark, Update::default())));
                }
            }
        }
        let asked = both.len();
        if self.0.update_many(both).await? < asked {
            self.0.update_many(one_by_one).await?;
        }
        Ok(())
    }
}
