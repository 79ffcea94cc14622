//! Attempts to reach contacts, with all that is known of each. An attempt has one result, whoever tells it first; what it occupies (locks,
//! permits, a room) is free when its dialler says so, or when somebody recovered it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::ids::{
    AttemptId, BotId, CampaignId, CarrierId, ContactId, ReservationId, SessionId, TenantId,
};
use vox_shared::wire::dialler::attempt::{Carrier, Ending, Stage};

use super::SWEPT;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{
    Collection, Cursor, Engine, Field, Filter, Index, Integer, MAX_PAGE, Order, Query, Text, Update, holds,
};
use super::stamp::Stamp;
use crate::campaign::outcome::{AttemptResult, SetUp, Tally, Word, set_up};
use crate::field;

const BY_TIME: &str = "by_time";
const BY_TALLY: &str = "by_tally";
const BY_SET_UP: &str = "by_set_up";
const BY_NUMBER: &str = "by_number";
const OF_ALL_BY_TIME: &str = "of_all_by_time";
const BY_OPEN: &str = "by_open";
const BY_WAITING: &str = "by_waiting";
const BY_UNPROVED: &str = "by_unproved";

const CAMPAIGN_ID: Field<Text> = field!(Attempt => campaign_id: Text);
const CLAIMED_AT: Field<Text> = field!(Attempt => claimed_at: Text);
const TALLY: Field<Text> = field!(Attempt => tally: Text);
const SET_UP: Field<Text> = field!(Attempt => set_up: Text);
const NUMBER: Field<Text> = field!(Attempt => number: Text);
const OPEN_SINCE: Field<Text> = field!(Attempt => open_since: Text);
const WAITS_UNTIL: Field<Text> = field!(Attempt => waits_until: Text);
const UNPROVED_SINCE: Field<Text> = field!(Attempt => unproved_since: Text);
const STAGE: Field<Text> = field!(Attempt => stage: Text);
const EPOCH: Field<Integer> = field!(Attempt => epoch: Integer);
const DIAL_AT: Field<Text> = field!(Attempt => dial_at: Text);
const ANSWERED_AT: Field<Text> = field!(Attempt => answered_at: Text);

pub static ATTEMPTS: Collection = Collection {
    name: "attempts",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), CAMPAIGN_ID.place(), CLAIMED_AT.place()]),
        Index::ordered(BY_NUMBER, &[TENANT.place(), NUMBER.place(), CLAIMED_AT.place()]),
        Index::ordered(OF_ALL_BY_TIME, &[CLAIMED_AT.place()]),
        // Those with a result.
        Index::sparse_by(
            BY_TALLY,
            &[TENANT.place(), CAMPAIGN_ID.place(), TALLY.place(), CLAIMED_AT.place()],
            TALLY.place(),
        ),
        // Those whose result says how their campaign is set up: not the many that were never dialled.
        Index::sparse_by(
            BY_SET_UP,
            &[TENANT.place(), CAMPAIGN_ID.place(), SET_UP.place(), CLAIMED_AT.place()],
            SET_UP.place(),
        ),
        // Those that still occupy something.
        Index::sparse(BY_OPEN, &[OPEN_SINCE.place()]),
        // Those that were answered and whose worker did not tell yet how it went, or of whose result what follows is not written.
        Index::sparse(BY_WAITING, &[WAITS_UNTIL.place()]),
        // Those of which something is not in the chain of proofs yet.
        Index::sparse(BY_UNPROVED, &[UNPROVED_SINCE.place()]),
    ],
    fields: &[STAGE.place(), EPOCH.place(), DIAL_AT.place(), ANSWERED_AT.place()],
    steps: &[set_up::told],
};

holds! { Text:
    Stage => |stage| stage.as_str().into();
    Tally => |tally| tally.as_str().into();
    SetUp => |set_up| set_up.as_str().into();
}

/// The number that is shown, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// E.164.
    pub number: String,
    pub carrier_id: CarrierId,
    /// LiveKit's outbound trunk.
    pub trunk: String,
}

/// What the dialler told of the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub ending: Ending,
    pub carrier: Carrier,
    pub ring_ms: u64,
    pub ended_at: Stamp,
}

/// An attempt; the id is the contact's, a dot, and the number of the try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub tenant_id: TenantId,
    pub campaign_id: CampaignId,
    pub contact_id: ContactId,
    pub partition: u32,
    pub att: u32,
    /// Of the campaign.
    pub run: u32,
    /// Of whoever makes it now.
    pub epoch: u32,
    pub stage: Stage,
    /// The dialler's name.
    pub worker: String,
    /// E.164.
    pub number: String,
    pub caller: Caller,
    pub bot_id: BotId,
    pub session_id: SessionId,
    pub reservation_id: ReservationId,
    pub claimed_at: Stamp,
    /// A claim that is not committed until then is void.
    pub claim_ends_at: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Absent when nothing is occupied any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_since: Option<Stamp>,
    /// Until then the worker's word is waited for; with a result, what follows it is still to be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<Stamp>,
    /// Something of it is to be written into the tenant's chain of proofs; of one that was dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproved_since: Option<Stamp>,
    /// What the dialler told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What the worker told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
    /// The one result; never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AttemptResult>,
    /// Whether it counts against the caps; present with the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
    /// What the result says of how the campaign is set up; absent where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_up: Option<SetUp>,
    /// Why nothing was dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted: Option<String>,
    /// By which rules it was allowed: their versions, the local times, the consent.
    pub proof: Value,
}

impl OfTenant for Attempt {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The attempts of one tenant.
pub struct Attempts(Scoped<Attempt>);

impl Attempts {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &ATTEMPTS), tenant))
    }

    /// [`StoreError::Duplicate`] when there is one of that id.
    pub async fn insert_attempt(&self, id: &AttemptId, attempt: &Attempt) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), attempt).await
    }

    pub async fn find_attempt(&self, id: &AttemptId) -> Result<Option<Stored<Attempt>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Write back what was read; [`StoreError::Conflict`] if it was changed since.
    pub async fn replace_attempt(&self, attempt: Stored<Attempt>) -> Result<Stored<Attempt>, StoreError> {
        self.0.replace(attempt).await
    }

    /// Delete it, if nobody changed it since it was read.
    pub async fn delete_attempt(&self, attempt: &Stored<Attempt>) -> Result<(), StoreError> {
        self.0.delete(&attempt.id, attempt.version).await
    }

    /// It is being dialled from now on, if it is claimed under this epoch; `false` when it is not.
    pub async fn mark_dialing(&self, id: &AttemptId, epoch: u32, now: Stamp) -> Result<bool, StoreError> {
        let filters = vec![Filter::is(STAGE, Stage::Claimed), Filter::is(EPOCH, epoch)];
        let update = Update::default().set(STAGE, Stage::Dialing).set(DIAL_AT, now);
        Ok(self.0.update(id.as_str(), filters, update).await?.is_some())
    }

    /// It was answered, if it is being dialled under this epoch; `false` when it is not.
    pub async fn mark_live(&self, id: &AttemptId, epoch: u32, at: Stamp) -> Result<bool, StoreError> {
        let filters = vec![Filter::is(STAGE, Stage::Dialing), Filter::is(EPOCH, epoch)];
        let update = Update::default().set(STAGE, Stage::Live).set(ANSWERED_AT, at);
        Ok(self.0.update(id.as_str(), filters, update).await?.is_some())
    }

    /// Remove some of a campaign's; answers how many: fewer than [`SWEPT`] means that none is left.
    pub async fn remove_some(&self, campaign: &CampaignId) -> Result<usize, StoreError> {
        self.0.delete_many(self.0.query(BY_TIME).equals(CAMPAIGN_ID, campaign).limit(SWEPT)).await
    }

    /// Of a campaign, newest first.
    pub async fn list_attempts(
        &self,
        campaign: &CampaignId,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Attempt>, StoreError> {
        let query = self.0.query(BY_TIME).equals(CAMPAIGN_ID, campaign).order(Order::Descending);
        self.0.list(query.limit(limit).after(after)).await
    }

    /// How many of a campaign's attempts that were claimed since then came out so.
    pub async fn count_tally(
        &self,
        campaign: &CampaignId,
        tally: Tally,
        since: Stamp,
    ) -> Result<u64, StoreError> {
        let query = self.0.query(BY_TALLY).equals(CAMPAIGN_ID, campaign).equals(TALLY, tally);
        self.0.count(query.from(CLAIMED_AT, since)).await
    }

    /// How many of a campaign's that were claimed since then say this of it; `most` at most, and no more are read.
    pub async fn count_set_up(
        &self,
        campaign: &CampaignId,
        (set_up, since): (SetUp, Stamp),
        most: usize,
    ) -> Result<usize, StoreError> {
        let query = self.0.query(BY_SET_UP).equals(CAMPAIGN_ID, campaign).equals(SET_UP, set_up);
        Ok(self.0.list(query.from(CLAIMED_AT, since).limit(most)).await?.items.len())
    }

    /// The newest of a campaign's that came out so.
    pub async fn newest_of_tally(
        &self,
        campaign: &CampaignId,
        tally: Tally,
        limit: usize,
    ) -> Result<Vec<Stored<Attempt>>, StoreError> {
        let query = self.0.query(BY_TALLY).equals(CAMPAIGN_ID, campaign).equals(TALLY, tally);
        Ok(self.0.list(query.order(Order::Descending).limit(limit)).await?.items)
    }

    /// To a number, newest first.
    pub async fn list_to(
        &self,
        number: &str,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Attempt>, StoreError> {
        let query = self.0.query(BY_NUMBER).equals(NUMBER, number).order(Order::Descending);
        self.0.list(query.limit(limit).after(after)).await
    }
}

/// The attempts of all tenants, for diallers and for the upkeep.
pub struct AllAttempts(Documents<Attempt>);

impl AllAttempts {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &ATTEMPTS))
    }

    pub async fn find_attempt(&self, id: &AttemptId) -> Result<Option<Stored<Attempt>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Those that occupy something, oldest first.
    pub async fn list_open(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Attempt>, StoreError> {
        let query = Query::by_index(&ATTEMPTS, BY_OPEN).from(OPEN_SINCE, "");
        self.0.list(query.limit(limit).after(after)).await
    }

    /// Whether an attempt of a campaign occupies anything, or its result, or what follows it, is still to come. Those of all campaigns are
    /// looked at: as many as calls run, and ended in the last minutes.
    pub async fn is_under_way(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        let open = Query::by_index(&ATTEMPTS, BY_OPEN).from(OPEN_SINCE, "");
        let waiting = Query::by_index(&ATTEMPTS, BY_WAITING).from(WAITS_UNTIL, "");
        for which in [open, waiting] {
            let mut after = None;
            loop {
                let page = self.0.list(which.clone().limit(MAX_PAGE).after(after)).await?;
                if page.items.iter().any(|attempt| attempt.value.campaign_id == *campaign) {
                    return Ok(true);
                }
                after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(false)
    }

    /// Those whose worker is waited for until some time before this one.
    pub async fn list_unheard(
        &self,
        before: Stamp,
        limit: usize,
    ) -> Result<Vec<Stored<Attempt>>, StoreError> {
        let query = Query::by_index(&ATTEMPTS, BY_WAITING).below(WAITS_UNTIL, before);
        Ok(self.0.list(query.limit(limit)).await?.items)
    }

    /// Those of which something is to be written into a chain of proofs, the ones that were claimed first before the others.
    pub async fn list_unproved(&self, limit: usize) -> Result<Vec<Stored<Attempt>>, StoreError> {
        let query = Query::by_index(&ATTEMPTS, BY_UNPROVED).from(UNPROVED_SINCE, "");
        Ok(self.0.list(query.limit(limit)).await?.items)
    }

    /// Those that were claimed since then, oldest first.
    pub async fn list_since(
        &self,
        since: Stamp,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Attempt>, StoreError> {
        let query = Query::by_index(&ATTEMPTS, OF_ALL_BY_TIME).from(CLAIMED_AT, since);
        self.0.list(query.limit(limit).after(after)).await
    }
}
