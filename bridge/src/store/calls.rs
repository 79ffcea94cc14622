//! Calls: a skeleton from the moment the config was fetched, the worker's result when it ended.

mod all;
pub mod analysis;
pub mod custody;
pub mod digest;
mod filter;
pub mod names;
mod old;
mod status;
pub mod tier;
pub mod visit;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, SessionId, TenantId, WorkerId};
use vox_shared::model::bot::Redaction;
use vox_shared::wire::result::DisconnectedBy;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, Integer, Json, Order, Text, holds};
use super::ledger::Line;
use super::merged::Paging;
use super::outbox::Outbox;
use super::reach::Reach;
use super::stamp::Stamp;
use crate::billing::spending::SetAside;
use crate::campaign::outcome::Word;
use crate::field;
use crate::verdict::disposition::Verdict;
pub use all::AllCalls;
use analysis::{Analysis, Summary, SummaryAsked};
use custody::Custody;
use digest::DigestDue;
pub use filter::CallFilter;
use filter::narrowed;
use names::Names;
pub use status::CallStatus;
use tier::{Kept, Packed};
use visit::Visit;

const BY_TIME: &str = "by_time";
const BY_BOT: &str = "by_bot";
const BY_STATUS: &str = "by_status";
const BY_END: &str = "by_end";
const BY_CALLER: &str = "by_caller";
const BY_RECORDING_TOKEN: &str = "by_recording_token";
const OF_ALL: &str = "of_all";
const BY_DEADLINE: &str = "by_deadline";
const BY_OUTBOX: &str = "by_outbox";
const BY_CALLER_KEY: &str = "by_caller_key";
const BY_CALLED_KEY: &str = "by_called_key";
const BY_CLEAN: &str = "by_clean";
const BY_DELETED: &str = "by_deleted";
const BY_EXTERNAL: &str = "by_external";
const BY_DIGEST: &str = "by_digest";
const BY_DISPOSITION: &str = "by_disposition";
const BY_RECORDING: &str = "by_recording";
const BY_TIER: &str = "by_tier";

const CREATED_AT: Field<Text> = field!(Call => created_at: Text);
const BOT_ID: Field<Text> = field!(Call => bot_id: Text);
const STATUS: Field<Text> = field!(Call => status: Text);
const DISCONNECTED_BY: Field<Text> = field!(Call => disconnected_by: Text);
const CALLER_ID: Field<Text> = field!(Call => caller_id: Text);
const DIRECTION: Field<Text> = field!(Call => direction: Text);
const DISPOSITION: Field<Text> = field!(Call => verdict / Verdict => disposition: Text);
const ANALYSIS: Field<Json> = field!(Call => analysis: Json);
const SUMMARY: Field<Json> = field!(Call => summary: Json);
const RECORDING_TOKEN_HASH: Field<Text> = field!(Call => recording_token_hash: Text);
const RECORDING_KEY: Field<Text> = field!(Call => recording_key: Text);
const DEADLINE: Field<Text> = field!(Call => deadline: Text);
const OUTBOX: Field<Json> = field!(Call => outbox: Json);
const OUTBOX_MARK: Field<Text> = field!(Call => outbox / Outbox => mark: Text);
const OUTBOX_SINCE: Field<Text> = field!(Call => outbox / Outbox => since: Text);
const CRM: Field<Json> = field!(Call => crm: Json);
const RESULT: Field<Json> = field!(Call => result: Json);
const CONNECTED_EVENT: Field<Json> = field!(Call => connected_event: Json);
const CALLER_KEY: Field<Text> = field!(Call => custody / Custody => caller_key: Text);
const CALLED_KEY: Field<Text> = field!(Call => custody / Custody => called_key: Text);
const CLEAN_AT: Field<Text> = field!(Call => custody / Custody => clean_at: Text);
const EXTERNAL_ID: Field<Text> = field!(Call => names / Names => external_call_id: Text);
const DELETED_AT: Field<Text> = field!(Call => custody / Custody => deleted_at: Text);
const VISIT: Field<Json> = field!(Call => visit: Json);
const DIGEST: Field<Json> = field!(Call => digest: Json);
const DIGEST_SINCE: Field<Text> = field!(Call => digest / DigestDue => since: Text);
const TIER: Field<Text> = field!(Call => kept / Kept => tier: Text);
const PACKED: Field<Json> = field!(Call => packed: Json);
const DIGEST_MARK: Field<Integer> = field!(Call => digest / DigestDue => mark: Integer);

/// Pages of deleted calls that a list passes over.
const MAX_EMPTY_PAGES: usize = 10;

/// The heavy part, left out of lists.
pub const WITHOUT_RESULT: &[Field<Json>] = &[RESULT, CONNECTED_EVENT, CRM, ANALYSIS, SUMMARY, PACKED];

pub static CALLS: Collection = Collection {
    name: "calls",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()]),
        Index::ordered(BY_BOT, &[TENANT.place(), BOT_ID.place(), CREATED_AT.place()]),
        Index::ordered(BY_STATUS, &[TENANT.place(), STATUS.place(), CREATED_AT.place()]),
        // Calls that have not ended are not in it.
        Index::sparse_by(
            BY_END,
            &[TENANT.place(), DISCONNECTED_BY.place(), CREATED_AT.place()],
            DISCONNECTED_BY.place(),
        ),
        Index::ordered(BY_CALLER, &[TENANT.place(), CALLER_ID.place(), CREATED_AT.place()]),
        Index::unique(BY_RECORDING_TOKEN, &[RECORDING_TOKEN_HASH.place()]),
        Index::ordered(OF_ALL, &[CREATED_AT.place()]),
        // Calls that have ended are not in it.
        Index::sparse(BY_DEADLINE, &[DEADLINE.place()]),
        // Calls from which nothing is to follow any more are not in it.
        Index::sparse(BY_OUTBOX, &[OUTBOX_SINCE.place()]),
        // By the number's comparable form, whichever way it was written.
        Index::sparse(BY_CALLER_KEY, &[TENANT.place(), CALLER_KEY.place()]),
        Index::sparse(BY_CALLED_KEY, &[TENANT.place(), CALLED_KEY.place()]),
        // Calls of which something is still to be removed elsewhere.
        Index::sparse(BY_CLEAN, &[CLEAN_AT.place()]),
        // What is left of deleted calls.
        Index::sparse(BY_DELETED, &[DELETED_AT.place()]),
        // By the carrier's own id.
        Index::sparse_by(
            BY_EXTERNAL,
            &[TENANT.place(), EXTERNAL_ID.place(), CREATED_AT.place()],
            EXTERNAL_ID.place(),
        ),
        // Calls of which a digest is to be made.
        Index::sparse(BY_DIGEST, &[DIGEST_SINCE.place()]),
        // Calls that have not ended, and those from before there were verdicts, are not in it.
        Index::sparse_by(
            BY_DISPOSITION,
            &[TENANT.place(), DISPOSITION.place(), CREATED_AT.place()],
            DISPOSITION.place(),
        ),
        // Calls with a recording.
        Index::sparse_by(
            BY_RECORDING,
            &[TENANT.place(), CREATED_AT.place(), RECORDING_KEY.place()],
            RECORDING_KEY.place(),
        ),
        // Calls that have cooled, and those that came back.
        Index::sparse_by(BY_TIER, &[TENANT.place(), TIER.place(), CREATED_AT.place()], TIER.place()),
    ],
    fields: &[
        VISIT.place(),
        DIRECTION.place(),
        OUTBOX_MARK.place(),
        OUTBOX.place(),
        CRM.place(),
        DIGEST.place(),
        DIGEST_MARK.place(),
    ],
    steps: &[old::with_own_endings, old::in_custody, old::to_be_digested],
};

holds! { Text: DisconnectedBy => |end| end.as_str().into(); }

/// A call as it is stored. What lists and filters need stands at the top; the result is kept whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    /// The version that its config was made of; absent in calls without one, and in those from before there were versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_version: Option<u32>,
    pub status: CallStatus,
    pub created_at: Stamp,
    /// When a call without a result counts as lost; absent once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Stamp>,
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
    /// What came of it by rule, once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What models were asked about it, and what they answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// What it was about, once somebody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// How often that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_asked: Option<SummaryAsked>,
    /// What it was charged for, once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charges: Option<Charges>,
    /// What of its days' budgets is counted for it; absent when no day had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<SetAside>,
    /// What the bot's CRM said when it began, and what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<OfCrm>,
    /// What is to follow from what stands above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<Outbox>,
    /// How it is found by a number, who may not delete it, and what was deleted of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody: Option<Custody>,
    /// What the carrier and the line call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Names>,
    /// The campaign that it belongs to, as the dialler called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
    /// What its worker said of the campaign's attempt that it is, once it ended: whoever ends the attempt reads it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_word: Option<Box<Word>>,
    /// The page that it began on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
    /// What is searched and counted of it is to be made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestDue>,
    /// What its bot hides, when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// Where its heavy part is, once it has cooled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// The heavy part of a warm call. Whoever reads the whole call gets it opened, in its own fields (`crate::shelf`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<Packed>,
    /// SHA-256 of the claim with which its config was asked for: who has no token of the call must know the claim. Absent in calls
    /// of workers from before there were claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_hash: Option<String>,
}

impl Call {
    /// One that runs, of which nothing else is known.
    pub fn begun((tenant_id, bot_id): (&TenantId, &BotId), at: Stamp) -> Self {
        Self {
            tenant_id: tenant_id.clone(),
            bot_id: bot_id.clone(),
            bot_version: None,
            status: CallStatus::Started,
            created_at: at,
            deadline: None,
            proposed_session_id: None,
            caller_id: String::new(),
            stream_id: None,
            direction: None,
            transport: None,
            connected_event: None,
            completed_at: None,
            disconnected_by: None,
            duration_seconds: None,
            worker_id: None,
            recording_key: None,
            recording_token_hash: None,
            result: None,
            verdict: None,
            analysis: None,
            summary: None,
            summary_asked: None,
            charges: None,
            budget: None,
            crm: None,
            outbox: None,
            custody: None,
            names: None,
            campaign_id: None,
            attempt_word: None,
            visit: None,
            digest: None,
            redaction: None,
            kept: None,
            packed: None,
            claim_hash: None,
        }
    }
}

/// A call and its bot's CRM.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OfCrm {
    /// Its result is not pushed.
    pub skip_push: bool,
    /// `crm.*`.
    pub fields: Map<String, Value>,
}

holds! { Json: OfCrm => |crm| serde_json::to_value(crm).unwrap_or(Value::Null); }

/// The lines of the ledger that stand for a call's terminal record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charges {
    /// The first terminal record is 1; one that takes its place is 2.
    pub record: u32,
    pub lines: Vec<Line>,
}

impl OfTenant for Call {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The calls of one tenant, or those of its bots that are within reach: the others do not exist here.
pub struct Calls {
    of_tenant: Scoped<Call>,
    reach: Reach,
}

impl Calls {
    pub(super) fn open(engine: Arc<dyn Engine>, reach: Reach) -> Self {
        let of_tenant = Scoped::new(Documents::new(engine, &CALLS), reach.tenant().clone());
        Self { of_tenant, reach }
    }

    pub async fn get_call(&self, id: &SessionId) -> Result<Stored<Call>, StoreError> {
        let call = self.of_tenant.get(id.as_str()).await?;
        self.within(&call.value)?;
        if call.value.is_deleted() { Err(StoreError::NotFound) } else { Ok(call) }
    }

    /// Answers it as it is stored. [`StoreError::Duplicate`] when there is a call of that id, in any tenant.
    pub async fn insert_call(&self, id: &SessionId, mut call: Call) -> Result<Stored<Call>, StoreError> {
        self.within(&call)?;
        call.index(0);
        self.of_tenant.insert(id.as_str(), &call).await?;
        Ok(Stored { id: id.to_string(), version: 1, value: call })
    }

    /// How many run now. Of a limited reach those that began within the last two hours: no call is longer.
    pub async fn count_running(&self, now: Stamp) -> Result<u64, StoreError> {
        let Some(bots) = self.reach.bots() else {
            let running = self.of_tenant.query(BY_STATUS).equals(STATUS, CallStatus::Started);
            return self.of_tenant.count(running).await;
        };
        let (mut running, since) = (0, now + jiff::SignedDuration::from_hours(-2));
        for bot in bots {
            let of_bot = self.of_tenant.query(BY_BOT).equals(BOT_ID, bot).from(CREATED_AT, since);
            running += self.of_tenant.count(of_bot.filter(Filter::is(STATUS, CallStatus::Started))).await?;
        }
        Ok(running)
    }

    /// Write back a call that was read here.
    pub async fn replace_call(&self, mut call: Stored<Call>) -> Result<Stored<Call>, StoreError> {
        self.within(&call.value)?;
        call.value.index(call.version);
        self.of_tenant.replace(call).await
    }

    /// Newest first, without their results.
    pub async fn list_calls(
        &self,
        filter: &CallFilter,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Call>, StoreError> {
        if filter.external.is_some() {
            let mut found = self.list_by(BY_EXTERNAL, filter, (limit, after)).await?;
            found.items.retain(|call| self.within(&call.value).is_ok());
            return Ok(found);
        }
        if let Some(bots) = self.reach.bots() {
            return self.list_some(bots, filter, (limit, after)).await;
        }
        self.list_by(filter.index(), filter, (limit, after)).await
    }

    /// The lists of a few bots, put together: a search over all of the tenant's calls for those of a small bot might read
    /// a million.
    async fn list_some(
        &self,
        bots: &[BotId],
        filter: &CallFilter,
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<Call>, StoreError> {
        let mut lists = Vec::new();
        for bot in bots.iter().filter(|bot| filter.bot.as_ref().is_none_or(|wanted| wanted == *bot)) {
            let filter = CallFilter { bot: Some(bot.clone()), ..filter.clone() };
            lists.push(self.list_by(BY_BOT, &filter, (limit, after.clone())).await?);
        }
        Paging { index: BY_BOT, limit, made_at: |call: &Call| call.created_at }.merge(lists)
    }

    async fn list_by(
        &self,
        index: &'static str,
        filter: &CallFilter,
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<Call>, StoreError> {
        let query = narrowed(self.of_tenant.query(index), filter, index).order(Order::Descending);
        let query = query.limit(limit).omit(WITHOUT_RESULT);
        let mut found = self.of_tenant.list(query.clone().after(after)).await?;
        // Here and not in the search, which would look at documents beside its index for every list. What is left of deleted calls is
        // little, but where all old ones were deleted an empty page would follow another.
        for _ in 0..MAX_EMPTY_PAGES {
            found.items.retain(|call| !call.value.is_deleted());
            match &found.next_cursor {
                Some(next) if found.items.is_empty() => {
                    found = self.of_tenant.list(query.clone().after(Some(Cursor::parse(next)?))).await?;
                }
                _ => break,
            }
        }
        found.items.retain(|call| !call.value.is_deleted());
        Ok(found)
    }

    fn within(&self, call: &Call) -> Result<(), StoreError> {
        if self.reach.includes(call.bot_id.as_str()) { Ok(()) } else { Err(StoreError::NotFound) }
    }
}
