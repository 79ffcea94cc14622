//! What is searched and counted of the calls that have ended: a small document for each, made from the call after it was stored
//! (`jobs/digests.rs`) and made anew when it changes. It says nothing that the call does not, and can be made again at any time.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use vox_shared::ids::{BotId, SessionId, TenantId};

use super::SWEPT;
use super::documents::{Documents, Listed, OfTenant, StoreError, Stored, TENANT};
use super::engine::{
    Amendment, Collection, Cursor, Engine, Field, Filter, Index, Integer, Json, MAX_BATCH, Order, Query,
    Text, Update, Word, holds,
};
use super::reach::Reach;
use super::rollups::Item;
use super::stamp::Stamp;
use crate::analytics::fact::Fact;
use crate::field;
use crate::search::keys::Key;

const BY_WORDS: &str = "by_words";
const BY_TENANT: &str = "by_tenant";
const BY_DUE: &str = "by_due";
const BY_GONE: &str = "by_gone";

const BOT_ID: Field<Text> = field!(CallDigest => bot_id: Text);
const PLACE: Field<Integer> = field!(CallDigest => place: Integer);
const WORDS: Field<Json> = field!(CallDigest => words: Json);
const CALL_VERSION: Field<Integer> = field!(CallDigest => call_version: Integer);
const FACT: Field<Json> = field!(CallDigest => fact: Json);
const DUE: Field<Text> = field!(CallDigest => due: Text);
const GONE_AT: Field<Text> = field!(CallDigest => gone_at: Text);
const COUNTED: Field<Json> = field!(CallDigest => counted: Json);
const COUNTED_IN: Field<Integer> = field!(CallDigest => counted_in: Integer);

/// Bits of a place below its microseconds.
const TIE_BITS: u32 = 11;
/// The last microsecond that a place can say: in the year 2112.
const MAX_MICROS: i64 = (1 << (63 - TIE_BITS)) - 1;
/// Places of an hour.
const PLACES_OF_AN_HOUR: i64 = 3_600_000_000 << TIE_BITS;
/// So far back each look of a search goes; the last one to its end.
const WINDOWS_HOURS: [Option<i64>; 7] = [Some(1), Some(4), Some(16), Some(64), Some(512), Some(4_096), None];
/// Places that are tried for calls of the same microsecond.
const MAX_TIES: i64 = 64;

pub static CALL_DIGESTS: Collection = Collection {
    name: "call_digests",
    indexes: &[
        Index::words(BY_WORDS, &[TENANT.place(), PLACE.place()], WORDS),
        // For the removal of a tenant: an index over words has only those with words.
        Index::ordered(BY_TENANT, &[TENANT.place(), PLACE.place()]),
        // Those that are to be counted.
        Index::sparse(BY_DUE, &[DUE.place()]),
        // Those of deleted calls.
        Index::sparse(BY_GONE, &[GONE_AT.place()]),
    ],
    fields: &[BOT_ID.place(), CALL_VERSION.place(), FACT.place(), COUNTED.place(), COUNTED_IN.place()],
    steps: &[],
};

/// Whatever a call is found by; empty once it was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words(pub Vec<String>);

holds! { Json: Words => |words| words.0.as_slice().into(); }

/// A digest as it is stored; its id is the call's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallDigest {
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    /// Where the call stands among all calls: later ones have greater places.
    pub place: i64,
    /// The version of the call that this was made of.
    pub call_version: i64,
    #[serde(default)]
    pub words: Words,
    /// What is to be counted of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<Fact>,
    /// Since when it is to be counted; absent when all of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Stamp>,
    /// What was counted of it, and in which batch; 0 is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Fact>,
    #[serde(default)]
    pub counted_in: i64,
    /// When its call was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Stamp>,
}

impl OfTenant for CallDigest {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The first place of calls that began then.
fn first_place(at: Timestamp) -> i64 {
    at.as_microsecond().clamp(0, MAX_MICROS) << TIE_BITS
}

/// Where a call wants to stand: by the time at which it began, and those of the same microsecond by their ids' hash.
pub fn place_of(id: &str, began: Stamp) -> i64 {
    let hash = Sha256::digest(id.as_bytes());
    let tie = i64::from(u16::from_be_bytes([hash[0], hash[1]])) & ((1 << TIE_BITS) - 1);
    first_place(began.0) | tie
}

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Sought {
    /// All of them; those that few calls have come first.
    pub words: Vec<Word>,
    pub now: Stamp,
    pub from: Option<Stamp>,
    /// Exclusive.
    pub to: Option<Stamp>,
}

/// The digests of the calls within a tenant's or a key's reach.
pub struct Digests {
    all: Documents<CallDigest>,
    reach: Reach,
}

impl Digests {
    pub(super) fn open(engine: Arc<dyn Engine>, reach: Reach) -> Self {
        Self { all: Documents::new(engine, &CALL_DIGESTS), reach }
    }

    /// Calls that have what is sought, newest first. The words of the answer are left out.
    pub async fn search(
        &self,
        sought: &Sought,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<CallDigest>, StoreError> {
        let Some(bots) = self.reach.bots() else {
            return self.page(sought, None, (limit, after)).await;
        };
        let mut pages = Vec::new();
        for bot in bots {
            pages.push(self.page(sought, Some(bot), (limit, after.clone())).await?);
        }
        Ok(merge(pages, limit))
    }

    /// Newest times first, each four times as long as all before it: an engine that sorts what it finds is never asked to sort much
    /// more than a page, and a rare word costs a few more questions.
    async fn page(
        &self,
        sought: &Sought,
        bot: Option<&BotId>,
        (limit, after): (usize, Option<Cursor>),
    ) -> Result<Listed<CallDigest>, StoreError> {
        let bottom = sought.from.map_or(0, |from| first_place(from.0));
        let top = sought.to.map(|to| first_place(to.0));
        let reached = after.as_ref().and_then(|cursor| cursor.reached(BY_WORDS)).or(top);
        let newest = reached.unwrap_or_else(|| first_place(sought.now.0));
        let (mut found, mut upper) = (Listed { items: Vec::new(), next_cursor: None }, top);
        for hours in WINDOWS_HOURS {
            let lower =
                hours.map_or(bottom, |hours| newest.saturating_sub(hours * PLACES_OF_AN_HOUR)).max(bottom);
            let query = self.query(sought, bot).from(PLACE, lower);
            let query = upper.into_iter().fold(query, |query, upper| query.below(PLACE, upper));
            let left = limit - found.items.len();
            let mut page = self.all.list(query.limit(left).after(after.clone())).await?;
            found.items.append(&mut page.items);
            if page.next_cursor.is_some() {
                found.next_cursor = page.next_cursor;
                break;
            }
            if lower == bottom {
                break;
            }
            if found.items.len() == limit {
                let last = found.items.last();
                found.next_cursor =
                    last.map(|last| Cursor::of_place(BY_WORDS, last.value.place, last.id.clone()).encode());
                break;
            }
            upper = Some(lower);
        }
        Ok(found)
    }

    fn query(&self, sought: &Sought, bot: Option<&BotId>) -> Query {
        let of_bot = bot.map(|bot| Word::Whole(Key::Bot(bot.as_str()).word()));
        let words = sought.words.iter().cloned().chain(of_bot);
        let all = Query::by_words(&CALL_DIGESTS, BY_WORDS, (TENANT, self.reach.tenant()));
        words.fold(all, Query::word).order(Order::Descending).omit(&[WORDS])
    }
}

fn due(now: Stamp) -> Query {
    Query::by_index(&CALL_DIGESTS, BY_DUE).below(DUE, now.next()).omit(&[WORDS])
}

/// One page out of those of several bots.
fn merge(pages: Vec<Listed<CallDigest>>, limit: usize) -> Listed<CallDigest> {
    let is_all = pages.iter().all(|page| page.next_cursor.is_none());
    // What is older than the end of a page that goes on waits for the next one.
    let open = pages.iter().filter(|page| page.next_cursor.is_some());
    let end = open.filter_map(|page| Some(page.items.last()?.value.place)).max();
    let mut items: Vec<_> = pages.into_iter().flat_map(|page| page.items).collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.value.place));
    items.retain(|item| end.is_none_or(|end| item.value.place >= end));
    let is_cut = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| is_cut || !is_all);
    let next_cursor = last.map(|last| Cursor::of_place(BY_WORDS, last.value.place, last.id.clone()).encode());
    Listed { items, next_cursor }
}

/// The digests of all tenants, for those who make and count them.
pub struct AllDigests(Documents<CallDigest>);

impl AllDigests {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CALL_DIGESTS))
    }

    pub async fn find_digest(&self, id: &SessionId) -> Result<Option<Stored<CallDigest>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Keep digests, unless those that are there were made of later versions of their calls.
    pub async fn keep(&self, digests: Vec<(String, CallDigest)>) -> Result<(), StoreError> {
        for batch in digests.chunks(MAX_BATCH) {
            for refused in self.0.insert_many(batch.to_vec()).await? {
                let (id, digest) = &batch[refused];
                self.keep_one(id, digest.clone()).await?;
            }
        }
        Ok(())
    }

    async fn keep_one(&self, id: &str, mut digest: CallDigest) -> Result<(), StoreError> {
        for _ in 0..MAX_TIES {
            let update = Update::default()
                .set(WORDS, &digest.words)
                .set(CALL_VERSION, digest.call_version)
                .set(FACT, &digest.fact)
                .set(DUE, digest.due);
            let older = Filter::below(CALL_VERSION, digest.call_version);
            if self.0.update(Query::by_id(&CALL_DIGESTS, id).filter(older), update).await?.is_some()
                || self.0.find(id).await?.is_some()
            {
                return Ok(());
            }
            // Another call has its place.
            digest.place = if digest.place == i64::MAX { 0 } else { digest.place + 1 };
            match self.0.insert(id, &digest).await {
                Err(StoreError::Duplicate) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    /// Forget what a deleted call was found by. Its digest, which says no more than how it ended, stays until it is counted, and so
    /// long that nobody still makes one of the call as it was.
    pub async fn bury(&self, id: &str, gone: CallDigest) -> Result<(), StoreError> {
        let update = Update::default()
            .set(WORDS, Words::default())
            .set(CALL_VERSION, gone.call_version)
            .set(GONE_AT, gone.gone_at);
        let not_later = Filter::below(CALL_VERSION, gone.call_version.saturating_add(1));
        let own = Query::by_id(&CALL_DIGESTS, id).filter(not_later);
        if self.0.update(own, update).await?.is_some() {
            return Ok(());
        }
        self.keep_one(id, gone).await
    }

    /// Those that are to be counted, the longest waiting first.
    pub async fn list_due(&self, now: Stamp, limit: usize) -> Result<Vec<Stored<CallDigest>>, StoreError> {
        Ok(self.0.list(due(now).limit(limit)).await?.items)
    }

    /// A page of them.
    pub async fn list_due_page(
        &self,
        now: Stamp,
        after: Option<Cursor>,
    ) -> Result<Listed<CallDigest>, StoreError> {
        self.0.list(due(now).after(after)).await
    }

    /// Have one that is to be counted wait.
    pub async fn postpone(&self, id: &str, until: Stamp) -> Result<(), StoreError> {
        let due = Query::by_id(&CALL_DIGESTS, id).filter(Filter::at_least(DUE, ""));
        self.0.update(due, Update::default().set(DUE, until)).await.map(drop)
    }

    /// Note that these facts were counted in this batch, unless later ones were.
    pub async fn mark_counted(&self, items: &[Item], batch: i64) -> Result<(), StoreError> {
        let counted = |item: &Item| Update::default().set(COUNTED, &item.new).set(COUNTED_IN, batch);
        let earlier =
            |item: &Item, update| Amendment::of(&item.call, update).when(Filter::below(COUNTED_IN, batch));
        let unchanged = |item: &Item| {
            earlier(item, counted(item).unset(DUE)).when(Filter::is(CALL_VERSION, item.call_version))
        };
        if self.0.update_many(items.iter().map(unchanged).collect()).await? < items.len() {
            // Those that were made anew meanwhile are to be counted again. The others are of this batch by now.
            let changed = |item: &Item| earlier(item, counted(item));
            self.0.update_many(items.iter().map(changed).collect()).await?;
        }
        Ok(())
    }

    /// Forget those of calls that were deleted before; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        let gone = Query::by_index(&CALL_DIGESTS, BY_GONE).below(GONE_AT, before);
        self.0.delete_many(gone.filter(Filter::absent(DUE)).limit(SWEPT)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_and_within_64_bits() {
        let at = |text: &str| Stamp(text.parse().unwrap());
        let place = |text| place_of("call_1", at(text));
        let places = [
            "1960-01-01T00:00:00Z",
            "2026-11-20T10:00:00Z",
            "2026-11-20T10:00:00.000001Z",
            "9999-01-01T00:00:00Z",
        ]
        .map(place);
        assert!(places.is_sorted() && places[0] >= 0, "{places:?}");
        assert!(first_place(at("2026-11-20T10:00:00Z").0) <= places[1]);
        assert!(first_place(at("2026-11-20T10:00:00.000001Z").0) > places[1]);
    }
}
