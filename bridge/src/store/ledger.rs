//! The ledger: what calls used and what it cost, entry by entry. Entries are only ever added; what turns out to be wrong is taken
//! back by a counter-entry. They come from the outboxes of calls, under ids that are fixed there, so each is here once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vox_shared::ids::{BotId, PriceId, SessionId, TenantId};

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{
    Collection, Cursor, Engine, Field, Index, Integer, Json, MAX_BATCH, Order, Place, Query, Text, holds,
};
use super::reach::Reach;
use super::stamp::Stamp;
use crate::billing::limits::Used;
use crate::field;

const BY_DAY: &str = "by_day";
const BY_BOT: &str = "by_bot";
const BY_CALL: &str = "by_call";
const BY_TIME: &str = "by_time";

const SESSION_ID: Field<Text> = field!(Entry => session_id: Text);
const RECORDED_AT: Field<Text> = field!(Entry => recorded_at: Text);
const DAY: Field<Text> = field!(Line => day: Text);
const BOT_ID: Field<Text> = field!(Line => bot_id: Text);
const VENDOR: Field<Text> = field!(Line => vendor: Text);

pub static LEDGER: Collection = Collection {
    name: "ledger",
    indexes: &[
        Index::ordered(BY_DAY, &[TENANT.place(), DAY.place()]),
        Index::ordered(BY_BOT, &[TENANT.place(), BOT_ID.place(), DAY.place()]),
        Index::ordered(BY_CALL, &[TENANT.place(), SESSION_ID.place()]),
        Index::ordered(BY_TIME, &[TENANT.place(), RECORDED_AT.place()]),
    ],
    fields: &[
        VENDOR.place(),
        Counter::Conversations.field().place(),
        Counter::CallMs.field().place(),
        Counter::VendorMs.field().place(),
        Counter::TokensIn.field().place(),
        Counter::TokensOut.field().place(),
        Counter::TokensCached.field().place(),
        Counter::Characters.field().place(),
        Counter::Money.field().place(),
        Counter::Unpriced.field().place(),
    ],
    steps: &[],
};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A call's config was handed out.
    Conversation,
    /// A call ended: its duration.
    Call,
    /// What a vendor was used for in a call.
    Vendor,
    /// What a model was used for when the call was over.
    Analysis,
}

/// What is counted. All of them can be negative, in counter-entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Amounts {
    pub conversations: i64,
    /// Milliseconds of calls.
    pub call_ms: i64,
    /// Milliseconds that a vendor billed.
    pub vendor_ms: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    /// Part of `tokens_in`.
    pub tokens_cached: i64,
    pub characters: i64,
    /// Millionths of the currency.
    pub money: i64,
    /// Vendors' lines for which there was no price: `money` lacks them.
    pub unpriced: i64,
}

holds! { Json: Amounts => |amounts| serde_json::to_value(amounts).unwrap_or(Value::Null); }

/// One of the amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counter {
    Conversations,
    CallMs,
    VendorMs,
    TokensIn,
    TokensOut,
    TokensCached,
    Characters,
    Money,
    Unpriced,
}

impl Counter {
    const ALL: [Self; 9] = [
        Self::Conversations,
        Self::CallMs,
        Self::VendorMs,
        Self::TokensIn,
        Self::TokensOut,
        Self::TokensCached,
        Self::Characters,
        Self::Money,
        Self::Unpriced,
    ];

    const fn field(self) -> Field<Integer> {
        match self {
            Self::Conversations => Field::new("amounts.conversations"),
            Self::CallMs => Field::new("amounts.call_ms"),
            Self::VendorMs => Field::new("amounts.vendor_ms"),
            Self::TokensIn => Field::new("amounts.tokens_in"),
            Self::TokensOut => Field::new("amounts.tokens_out"),
            Self::TokensCached => Field::new("amounts.tokens_cached"),
            Self::Characters => Field::new("amounts.characters"),
            Self::Money => Field::new("amounts.money"),
            Self::Unpriced => Field::new("amounts.unpriced"),
        }
    }

    fn of(self, amounts: &mut Amounts) -> &mut i64 {
        match self {
            Self::Conversations => &mut amounts.conversations,
            Self::CallMs => &mut amounts.call_ms,
            Self::VendorMs => &mut amounts.vendor_ms,
            Self::TokensIn => &mut amounts.tokens_in,
            Self::TokensOut => &mut amounts.tokens_out,
            Self::TokensCached => &mut amounts.tokens_cached,
            Self::Characters => &mut amounts.characters,
            Self::Money => &mut amounts.money,
            Self::Unpriced => &mut amounts.unpriced,
        }
    }
}

impl Amounts {
    /// What takes them back.
    pub fn negated(mut self) -> Self {
        for counter in Counter::ALL {
            let amount = counter.of(&mut self);
            *amount = amount.saturating_neg();
        }
        self
    }

    /// Both together. Sums that do not fit stay at the end of what does.
    pub fn plus(mut self, mut other: Self) -> Self {
        for counter in Counter::ALL {
            let amount = counter.of(&mut self);
            *amount = amount.saturating_add(*counter.of(&mut other));
        }
        self
    }

    /// So much of a plan.
    pub fn used(&self) -> Used {
        Used {
            conversations: self.conversations,
            call_ms: self.call_ms,
            tokens: self.tokens_in.saturating_add(self.tokens_out),
            characters: self.characters,
            money: self.money,
        }
    }
}

/// What is added to the ledger, as it stands in a call's outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub bot_id: BotId,
    /// The day in UTC on which the call began, `2026-11-20`.
    pub day: String,
    pub entry: EntryKind,
    /// Takes back an entry with the same amounts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counter: bool,
    /// `stt`, `llm` or `tts`; empty where there is no vendor.
    pub service: String,
    pub vendor: String,
    pub model: String,
    pub amounts: Amounts,
    /// What `money` was computed with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<PriceId>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub tenant_id: TenantId,
    pub session_id: SessionId,
    /// When the fact was stored.
    pub at: Stamp,
    /// When the entry came here.
    pub recorded_at: Stamp,
    #[serde(flatten)]
    pub line: Line,
}

impl OfTenant for Entry {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// By what sums are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    Day,
    Bot,
    /// Empty for what no vendor did.
    Vendor,
}

/// Days, as text: from the first on, below the second.
pub type Days<'a> = (&'a str, &'a str);

/// The sums of some entries, and how many these are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub amounts: Amounts,
    pub entries: i64,
}

/// Sums by what they are told apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(pub BTreeMap<String, Sum>);

impl Sums {
    pub fn total(&self) -> Amounts {
        self.0.values().fold(Amounts::default(), |total, sum| total.plus(sum.amounts))
    }

    /// Of how many entries they are.
    pub fn entries(&self) -> i64 {
        self.0.values().fold(0, |entries, sum| entries.saturating_add(sum.entries))
    }

    /// The amounts alone.
    pub fn amounts(self) -> BTreeMap<String, Amounts> {
        self.0.into_iter().map(|(key, sum)| (key, sum.amounts)).collect()
    }

    /// Add others, key by key.
    pub fn add(&mut self, others: Self) {
        for (key, other) in others.0 {
            let sum = self.0.entry(key).or_default();
            sum.amounts = sum.amounts.plus(other.amounts);
            sum.entries = sum.entries.saturating_add(other.entries);
        }
    }
}

/// The ledger of one tenant, or what of it belongs to some bots.
pub struct Ledger {
    of_tenant: Scoped<Entry>,
    engine: Arc<dyn Engine>,
    reach: Reach,
}

impl Ledger {
    pub(super) fn open(engine: Arc<dyn Engine>, reach: Reach) -> Self {
        let of_tenant = Scoped::new(Documents::new(engine.clone(), &LEDGER), reach.tenant().clone());
        Self { of_tenant, engine, reach }
    }

    /// The entries of a call, in no particular order.
    pub async fn list_of_call(
        &self,
        call: &SessionId,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Entry>, StoreError> {
        let query = self.of_tenant.query(BY_CALL).equals(SESSION_ID, call);
        self.of_tenant.list(query.limit(limit).after(after)).await
    }

    /// When the last entry came.
    pub async fn last_recorded(&self) -> Result<Option<Stamp>, StoreError> {
        let last = self.of_tenant.query(BY_TIME).order(Order::Descending);
        Ok(self.of_tenant.first(last).await?.map(|entry| entry.value.recorded_at))
    }

    /// The days of the entries that came at an instant or later.
    pub async fn days_since(&self, since: Stamp) -> Result<Vec<String>, StoreError> {
        self.days_of(self.of_tenant.query(BY_TIME).from(RECORDED_AT, since)).await
    }

    /// Those of some days that have entries.
    pub async fn days_within(&self, days: Days<'_>) -> Result<Vec<String>, StoreError> {
        self.days_of(within(self.of_tenant.query(BY_DAY), days)).await
    }

    /// The latest of some days that has entries.
    pub async fn last_day_within(&self, days: Days<'_>) -> Result<Option<String>, StoreError> {
        let latest = within(self.of_tenant.query(BY_DAY), days).order(Order::Descending);
        Ok(self.of_tenant.first(latest).await?.map(|entry| entry.value.line.day))
    }

    /// How many entries a day has, of all bots.
    pub async fn count_of_day(&self, day: &str) -> Result<u64, StoreError> {
        self.of_tenant.count(self.of_tenant.query(BY_DAY).equals(DAY, day)).await
    }

    async fn days_of(&self, query: Query) -> Result<Vec<String>, StoreError> {
        let groups = self.engine.sums(query, DAY.place(), Vec::new()).await?;
        Ok(groups.into_iter().filter_map(|group| Some(group.key.as_str()?.to_owned())).collect())
    }

    /// Sums over some days, in one pass over their entries (one for each bot of a limited reach).
    pub async fn sums(&self, days: Days<'_>, by: GroupBy) -> Result<Sums, StoreError> {
        let place = match by {
            GroupBy::Day => DAY.place(),
            GroupBy::Bot => BOT_ID.place(),
            GroupBy::Vendor => VENDOR.place(),
        };
        let mut sums = Sums::default();
        match self.reach.bots() {
            None => self.add_up(within(self.of_tenant.query(BY_DAY), days), place, &mut sums).await?,
            Some(bots) => {
                for bot in bots {
                    let query = self.of_tenant.query(BY_BOT).equals(BOT_ID, bot);
                    self.add_up(within(query, days), place, &mut sums).await?;
                }
            }
        }
        Ok(sums)
    }

    async fn add_up(&self, query: Query, by: Place, into: &mut Sums) -> Result<(), StoreError> {
        let fields = Counter::ALL.map(Counter::field).to_vec();
        for group in self.engine.sums(query, by, fields).await? {
            let Value::String(key) = group.key else { continue };
            let sum = into.0.entry(key).or_default();
            for (counter, added) in Counter::ALL.into_iter().zip(group.sums) {
                let amount = counter.of(&mut sum.amounts);
                *amount = amount.saturating_add(added);
            }
            sum.entries = sum.entries.saturating_add_unsigned(group.count);
        }
        Ok(())
    }
}

fn within(query: Query, (from, below): Days<'_>) -> Query {
    query.from(DAY, from).below(DAY, below)
}

/// Where the relay puts entries.
pub struct AllEntries(Documents<Entry>);

impl AllEntries {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &LEDGER))
    }

    /// Store what is not there yet.
    pub async fn insert_entries(&self, entries: Vec<(String, Entry)>) -> Result<(), StoreError> {
        let mut rest = entries;
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(MAX_BATCH));
            self.0.insert_many(rest).await?;
            rest = later;
        }
        Ok(())
    }
}
