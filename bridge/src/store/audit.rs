//! The audit log of a tenant: what people did, one entry after the other, each with the hash of the one before. Entries are only
//! ever added: nothing here changes or deletes one. The id is made of tenant and number, so of two bridges that add at the same
//! moment one gets the number.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::ids::TenantId;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, Integer, Order, Query, Text, holds};
use super::stamp::Stamp;
use crate::auth::role::Role;
use crate::canonical;
use crate::field;

const BY_SEQ: &str = "by_seq";
const BY_TIME: &str = "by_time";
const BY_ACTOR: &str = "by_actor";
const BY_OBJECT: &str = "by_object";
const BY_BEGIN: &str = "by_begin";

const SEQ: Field<Integer> = field!(Entry => seq: Integer);
const AT: Field<Text> = field!(Entry => at: Text);
const KIND: Field<Text> = field!(Entry => kind: Text);
const ACTOR_ID: Field<Text> = field!(Entry => actor_id: Text);
const OBJECT: Field<Text> = field!(Entry => object: Text);
const BEGIN: Field<Integer> = field!(Entry => begin: Integer);
const METHOD: Field<Text> = field!(Entry => method: Text);
const ROUTE: Field<Text> = field!(Entry => route: Text);

/// What the hash of the first entry builds on.
const NOTHING_BEFORE: &str = "";
/// Says what is hashed, and how.
const FORM: &str = "vox audit entry, form 1";

/// A step would change what was hashed: this collection never gets one. A new field is optional and left out where it is absent.
pub static AUDIT: Collection = Collection {
    name: "audit",
    indexes: &[
        Index::ordered(BY_SEQ, &[TENANT.place(), SEQ.place()]),
        Index::ordered(BY_TIME, &[TENANT.place(), AT.place()]),
        Index::ordered(BY_ACTOR, &[TENANT.place(), ACTOR_ID.place(), SEQ.place()]),
        Index::sparse_by(BY_OBJECT, &[TENANT.place(), OBJECT.place(), SEQ.place()], OBJECT.place()),
        // Ends only.
        Index::sparse(BY_BEGIN, &[TENANT.place(), BEGIN.place()]),
    ],
    fields: &[KIND.place(), METHOD.place(), ROUTE.place()],
    steps: &[],
};

/// What an entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody is about to do something. Stored before it is done.
    Begin,
    /// How it went.
    End,
    /// Somebody did not get in.
    Refused,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::End => "end",
            Self::Refused => "refused",
        }
    }
}

holds! { Text: Kind => |kind| kind.as_str().into(); }

/// An entry. Never a body, a query or a header of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub tenant_id: TenantId,
    /// 1, 2, 3, … without gaps.
    pub seq: i64,
    pub at: Stamp,
    pub kind: Kind,
    pub actor_id: String,
    /// Absent of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_email: Option<String>,
    /// At that moment; absent of a key, and where only the session is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_role: Option<Role>,
    /// Of what somebody of another tenant did here: the tenant that they belong to, which has an entry of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_tenant: Option<TenantId>,
    /// Of what somebody did in another tenant: which, and it has an entry of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_tenant: Option<TenantId>,
    /// The address that the request came from.
    pub client: String,
    pub method: String,
    /// The route's template.
    pub route: String,
    /// What stood in the template's places.
    pub parameters: BTreeMap<String, String>,
    pub request_id: String,
    /// What was made, changed or asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Of an end: the number of its begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<i64>,
    /// What was answered; absent where nobody was there any more to be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of a refusal or a failure, a word of the documented list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Of a refused login: which one it is of its account within the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    pub prev_hash: String,
    /// SHA-256 over all of the above, hex.
    pub hash: String,
}

impl OfTenant for Entry {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

impl Entry {
    /// What the bridge itself did: `(who, what)`. It gets its place and time when it is added.
    pub fn of_bridge(tenant_id: TenantId, kind: Kind, (actor, what): (&str, &str)) -> Self {
        Self {
            tenant_id,
            seq: 0,
            at: Stamp(jiff::Timestamp::UNIX_EPOCH),
            kind,
            actor_id: actor.to_owned(),
            actor_email: None,
            actor_role: None,
            actor_tenant: None,
            in_tenant: None,
            client: String::new(),
            method: "JOB".to_owned(),
            route: what.to_owned(),
            parameters: BTreeMap::new(),
            request_id: String::new(),
            object: None,
            begin: None,
            status: None,
            code: None,
            count: None,
            prev_hash: String::new(),
            hash: String::new(),
        }
    }

    /// The entry at its place in the chain.
    pub fn linked(mut self, after: &Link) -> Self {
        self.seq = after.seq + 1;
        self.prev_hash = after.hash().to_owned();
        self.hash = self.digest();
        self
    }

    /// The hash that its content makes.
    pub fn digest(&self) -> String {
        canonical::digest(FORM, self)
    }

    /// What the next one follows.
    pub fn link(&self) -> Link {
        Link { tenant_id: self.tenant_id.clone(), seq: self.seq, hash: self.hash.clone().into() }
    }

    /// Under what it is stored. In the order of these ids the entries of a tenant stand together and in their order.
    pub fn id(&self) -> String {
        format!("{}/{:019}", self.tenant_id, self.seq)
    }
}

/// So much of an entry as the next one needs. It is read from an entry that makes no sense too: damage keeps nobody from
/// adding, and stays where it is to be found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    tenant_id: TenantId,
    pub seq: i64,
    #[serde(default)]
    hash: Value,
}

impl OfTenant for Link {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

impl Link {
    /// Where a tenant's chain begins.
    pub fn start(tenant: TenantId) -> Self {
        Self { tenant_id: tenant, seq: 0, hash: NOTHING_BEFORE.into() }
    }

    /// Of an entry of another chain.
    pub(super) fn of(tenant_id: TenantId, seq: i64, hash: &str) -> Self {
        Self { tenant_id, seq, hash: hash.into() }
    }

    pub fn hash(&self) -> &str {
        self.hash.as_str().unwrap_or(NOTHING_BEFORE)
    }
}

/// What a list of entries is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    pub actor: Option<String>,
    pub object: Option<String>,
    pub kind: Option<Kind>,
    pub method: Option<String>,
    pub route: Option<String>,
    pub from: Option<Stamp>,
    /// Exclusive.
    pub to: Option<Stamp>,
}

/// The entries of one tenant.
pub struct Entries {
    all: Scoped<Entry>,
    links: Scoped<Link>,
}

impl Entries {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        let links = Scoped::new(Documents::new(engine.clone(), &AUDIT), tenant.clone());
        Self { all: Scoped::new(Documents::new(engine, &AUDIT), tenant), links }
    }

    /// [`StoreError::Duplicate`] when somebody else's entry has the number.
    pub async fn insert_entry(&self, entry: &Entry) -> Result<(), StoreError> {
        self.all.insert(&entry.id(), entry).await
    }

    /// The last link of the chain, or where it begins.
    pub async fn head(&self) -> Result<Link, StoreError> {
        let last = self.links.query(BY_SEQ).order(Order::Descending);
        let found = self.links.first(last).await?;
        Ok(found.map_or_else(|| Link::start(self.all.tenant.clone()), |stored| stored.value))
    }

    /// The link of that number.
    pub async fn find_link(&self, seq: i64) -> Result<Option<Link>, StoreError> {
        let found = self.links.first(self.links.query(BY_SEQ).equals(SEQ, seq)).await?;
        Ok(found.map(|stored| stored.value))
    }

    /// In their order, from this number on.
    pub async fn list_from(&self, seq: i64, after: Option<Cursor>) -> Result<Listed<Entry>, StoreError> {
        self.all.list(self.all.query(BY_SEQ).from(SEQ, seq).after(after)).await
    }

    /// Newest first.
    pub async fn list_entries(
        &self,
        filter: &EntryFilter,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Entry>, StoreError> {
        let query = narrowed(self.all.query(filter.index()), filter);
        self.all.list(query.order(Order::Descending).limit(limit).after(after)).await
    }

    /// The number of the end of what began with this entry.
    pub async fn find_end(&self, begin: i64) -> Result<Option<i64>, StoreError> {
        let found = self.links.first(self.links.query(BY_BEGIN).equals(BEGIN, begin)).await?;
        Ok(found.map(|stored| stored.value.seq))
    }
}

impl EntryFilter {
    /// The index that narrows the most. The rest is checked on each entry it yields.
    fn index(&self) -> &'static str {
        if self.object.is_some() {
            BY_OBJECT
        } else if self.actor.is_some() {
            BY_ACTOR
        } else if self.from.is_some() || self.to.is_some() {
            BY_TIME
        } else {
            BY_SEQ
        }
    }
}

fn narrowed(mut query: Query, filter: &EntryFilter) -> Query {
    let index = filter.index();
    if let Some(object) = &filter.object {
        query = query.equals(OBJECT, object);
    }
    if let Some(actor) = &filter.actor {
        query = match index == BY_ACTOR {
            true => query.equals(ACTOR_ID, actor),
            false => query.filter(Filter::is(ACTOR_ID, actor)),
        };
    }
    for (field, value) in [(METHOD, &filter.method), (ROUTE, &filter.route)] {
        if let Some(value) = value {
            query = query.filter(Filter::is(field, value));
        }
    }
    if let Some(kind) = filter.kind {
        query = query.filter(Filter::is(KIND, kind));
    }
    within(query, index == BY_TIME, filter)
}

fn within(mut query: Query, is_indexed: bool, filter: &EntryFilter) -> Query {
    if let Some(from) = filter.from {
        query = if is_indexed { query.from(AT, from) } else { query.filter(Filter::at_least(AT, from)) };
    }
    if let Some(to) = filter.to {
        query = if is_indexed { query.below(AT, to) } else { query.filter(Filter::below(AT, to)) };
    }
    query
}

/// The entries of all tenants, for whoever checks the whole store.
pub struct AllEntries(Documents<Entry>);

/// A document of the collection under its id, whether or not it makes sense.
pub type Found = (String, Result<Stored<Entry>, StoreError>);

impl AllEntries {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &AUDIT))
    }

    /// In the order of their ids, after this one, up to a page.
    pub async fn list_by_id(&self, after: Option<String>) -> Result<Vec<Found>, StoreError> {
        self.0.list_by_id(after).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_served_by_its_index() {
        let check = |filter: EntryFilter, index: &str, filters: usize| {
            let query = narrowed(Query::by_index(&AUDIT, filter.index()).equals(TENANT, "t"), &filter);
            assert_eq!((filter.index(), query.filters.len()), (index, filters), "{filter:?}");
        };
        let (actor, object) = (Some("usr_1".to_owned()), Some("bot_1".to_owned()));
        let from = Some(Stamp("2026-01-01T00:00:00Z".parse().unwrap()));
        check(EntryFilter::default(), BY_SEQ, 0);
        check(EntryFilter { kind: Some(Kind::Refused), ..EntryFilter::default() }, BY_SEQ, 1);
        check(EntryFilter { from, to: from, ..EntryFilter::default() }, BY_TIME, 0);
        check(EntryFilter { actor: actor.clone(), from, ..EntryFilter::default() }, BY_ACTOR, 1);
        check(EntryFilter { actor, object, from, to: from, ..EntryFilter::default() }, BY_OBJECT, 3);
    }
}
