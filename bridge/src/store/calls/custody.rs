//! What is known of a call beside what happened in it: by which numbers it is found, who may not delete it, its recording's link,
//! and what was deleted of it. A deleted call stays as a tombstone, in the same document: its id stays taken, so that
//! nothing that comes late brings it back, and what is still to be removed elsewhere is noted in the same write.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use vox_shared::ids::{SessionId, TenantId};

use super::tier::Kept;
use super::{
    AllCalls, BY_CALLED_KEY, BY_CALLER_KEY, BY_CLEAN, BY_DELETED, BY_RECORDING, CALLED_KEY, CALLER_KEY,
    CALLS, CLEAN_AT, CREATED_AT, Call, CallStatus, Calls, DEADLINE, DELETED_AT, OUTBOX, WITHOUT_RESULT,
};
use crate::search::keys::comparable;
use crate::store::documents::{Listed, StoreError, Stored, TENANT};
use crate::store::engine::{Cursor, Filter, Query, Update};
use crate::store::outbox::{Follows, Outbox};
use crate::store::{SWEPT, Stamp};

/// Where the number that was called may stand in a connected event, and in a result.
pub const CALLED: [&str; 6] = ["to_number", "toNumber", "calledNumber", "calledId", "did", "to"];
/// Where the caller's may stand beside `caller_id`.
const CALLER: [&str; 3] = ["from_number", "callerId", "from"];

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Custody {
    /// The caller's number in the form that compares; absent when it is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_key: Option<String>,
    /// The called one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Nothing else is left of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Stamp>,
    /// Under what a recording was stored that went, or is to, of a call that stays: its worker may still send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_recording: Option<String>,
    /// When what is to be removed elsewhere is looked at; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean_at: Option<Stamp>,
}

/// The link of a recording, once somebody made or revoked one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// The first that everybody gets is 0.
    pub number: u32,
    pub made_at: Stamp,
    #[serde(default)]
    pub revoked: bool,
}

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub since: Stamp,
    /// The user who said so.
    pub by: String,
}

impl Call {
    pub fn is_deleted(&self) -> bool {
        self.custody.as_ref().is_some_and(|custody| custody.deleted_at.is_some())
    }

    /// Whether a recording of this name is to be kept no more: its call was deleted, or the recording was taken out of it.
    pub fn has_given_up(&self, recording: &str) -> bool {
        let old = self.custody.as_ref().and_then(|custody| custody.old_recording.as_deref());
        self.is_deleted() || (old == Some(recording) && self.recording_key.as_deref() != old)
    }

    pub fn is_held(&self) -> bool {
        self.custody.as_ref().is_some_and(|custody| custody.hold.is_some())
    }

    pub fn custody_mut(&mut self) -> &mut Custody {
        self.custody.get_or_insert_default()
    }

    /// Note what it is found by. Every write of a whole call over one of that version does.
    pub(super) fn index(&mut self, version: u64) {
        self.mark_for_digest(version);
        self.come_back();
        let (caller, called) = keys_of(&self.caller_id, self.connected_event.as_ref(), self.result.as_ref());
        if self.custody.is_none() && caller.is_none() && called.is_none() {
            return;
        }
        let custody = self.custody_mut();
        (custody.caller_key, custody.called_key) = (caller, called);
    }

    /// Take everything out but what must stay: whose call it was, when, and what is still to go into the ledger. `recording_key`
    /// stays until the recording is gone.
    pub fn bury(&mut self, id: &str, now: Stamp) {
        if let Some(outbox) = &mut self.outbox {
            blank(outbox, id);
        }
        let old_recording = self.custody.as_mut().and_then(|custody| custody.old_recording.take());
        let recording_key = self.recording_key.take().or(old_recording);
        *self = Self {
            bot_version: self.bot_version,
            status: self.status,
            completed_at: self.completed_at,
            disconnected_by: self.disconnected_by,
            recording_key,
            outbox: self.outbox.take(),
            custody: Some(Custody { deleted_at: Some(now), clean_at: Some(now), ..Custody::default() }),
            kept: self.kept.take().map(Kept::buried),
            // A late delivery is still told that there is nothing to keep.
            claim_hash: self.claim_hash.take(),
            // Its campaign's attempt may be open still, and is told of it then.
            attempt_word: self.attempt_word.take().map(|word| Box::new(word.without_person())),
            ..Self::begun((&self.tenant_id, &self.bot_id), self.created_at)
        };
    }

    pub fn is_running(&self) -> bool {
        self.status == CallStatus::Started
    }
}

/// What an event of a deleted call still says.
pub fn blanked(id: &str) -> Map<String, Value> {
    json!({"call_id": id, "deleted": true}).as_object().cloned().unwrap_or_default()
}

fn blank(outbox: &mut Outbox, id: &str) {
    for entry in &mut outbox.entries {
        if let Follows::Event { data, .. } = &mut entry.what {
            *data = blanked(id);
        }
    }
    // Another mark: whoever read it before does not empty it.
    outbox.mark.push_str(".deleted");
}

/// The numbers of a call's two ends, as they compare.
pub(super) fn keys_of(
    caller_id: &str,
    event: Option<&Value>,
    result: Option<&Map<String, Value>>,
) -> (Option<String>, Option<String>) {
    let named = |names: &[&str]| {
        let in_event = event.and_then(Value::as_object);
        let places = [in_event, result];
        let mut texts = places.into_iter().flatten().flat_map(|map| names.iter().map(|name| map.get(*name)));
        texts.find_map(|value| comparable(value?.as_str()?))
    };
    (comparable(caller_id).or_else(|| named(&CALLER)), named(&CALLED))
}

/// Which end of a call a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Caller,
    Called,
}

impl Calls {
    /// Those with a recording that began before, the oldest first, without their results.
    pub async fn list_with_recording(
        &self,
        before: Stamp,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        let query = self.of_tenant.query(BY_RECORDING).below(CREATED_AT, before);
        let query = query.filter(Filter::absent(DELETED_AT)).filter(Filter::absent(DEADLINE));
        self.of_tenant.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }
}

impl AllCalls {
    /// Deleted or not, without its result.
    pub async fn find_top(&self, id: &SessionId) -> Result<Option<Stored<Call>>, StoreError> {
        self.0.first(Query::by_id(&CALLS, id.as_str()).omit(WITHOUT_RESULT)).await
    }

    /// Calls of a tenant with this number, as it compares, at one of their ends. Without their results.
    pub async fn list_with_number(
        &self,
        tenant: &TenantId,
        (end, key): (End, &str),
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<Call>, StoreError> {
        let (index, field) = match end {
            End::Caller => (BY_CALLER_KEY, CALLER_KEY),
            End::Called => (BY_CALLED_KEY, CALLED_KEY),
        };
        let query = Query::by_index(&CALLS, index).equals(TENANT, tenant).equals(field, key);
        self.0.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }

    /// Calls of which something is to be removed elsewhere by now, the longest waiting first.
    pub async fn list_to_clean(
        &self,
        now: Stamp,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        let query = Query::by_index(&CALLS, BY_CLEAN).below(CLEAN_AT, now.next());
        self.0.list(query.limit(limit).after(after).omit(WITHOUT_RESULT)).await
    }

    /// Say when what is to be removed of a call that stays is looked at again, whatever its tier; unless it was deleted since, or more is
    /// to be removed.
    pub async fn note_cleaned(
        &self,
        id: &SessionId,
        was: Stamp,
        again: Option<Stamp>,
    ) -> Result<(), StoreError> {
        let unchanged = Query::by_id(&CALLS, id.as_str()).filter(Filter::is(CLEAN_AT, was));
        let update = match again {
            Some(at) => Update::default().set(CLEAN_AT, at),
            None => Update::default().unset(CLEAN_AT),
        };
        self.0.update(unchanged.filter(Filter::absent(DELETED_AT)), update).await.map(drop)
    }

    /// A call with its result, deleted or not, to write it back.
    pub async fn replace_any(&self, mut call: Stored<Call>) -> Result<Stored<Call>, StoreError> {
        call.value.index(call.version);
        self.0.replace(call).await
    }

    /// Forget tombstones from before; answers how many, [`SWEPT`] at most.
    pub async fn sweep_deleted(&self, before: Stamp) -> Result<usize, StoreError> {
        let query = Query::by_index(&CALLS, BY_DELETED).below(DELETED_AT, before);
        let done = query.filter(Filter::absent(CLEAN_AT)).filter(Filter::absent(OUTBOX));
        self.0.delete_many(done.limit(SWEPT)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_found_however_the_number_is_written() {
        let event = json!({"to": "98765 43210", "callerId": "tel"});
        let result = json!({"from_number": "0091 91234 56789"});
        assert_eq!(
            keys_of("anonymous", Some(&event), result.as_object()),
            (Some("+919123456789".into()), Some("+919876543210".into()))
        );
        assert_eq!(keys_of("", None, None), (None, None));
    }
}
