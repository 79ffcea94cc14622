//! Keys that open the API to programs. A key is found by the hash of its secret; the secret itself is nowhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use vox_shared::ids::{ApiKeyId, BotId, TenantId, UserId};

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, Integer, Order, Query, Text, Update};
use super::stamp::Stamp;
use crate::auth::scope::Scope;
use crate::field;

const BY_CREATED: &str = "by_created";
const BY_SECRET: &str = "by_secret";
const BY_PLACE: &str = "by_place";
const IN_PLACES: &str = "in_places";

const CREATED_AT: Field<Text> = field!(Key => created_at: Text);
const SECRET_HASH: Field<Text> = field!(Key => secret_hash: Text);
const PREFIX: Field<Text> = field!(Key => prefix: Text);
const PLACE: Field<Integer> = field!(Key => place: Integer);
const REVOKED_AT: Field<Text> = field!(Key => revoked_at: Text);
const LAST_USED_AT: Field<Text> = field!(Key => last_used_at: Text);

pub static API_KEYS: Collection = Collection {
    name: "api_keys",
    indexes: &[
        Index::ordered(BY_CREATED, &[TENANT.place(), CREATED_AT.place()]),
        Index::unique(BY_SECRET, &[SECRET_HASH.place()]),
        // Keys that hold no place are in neither.
        Index::unique(BY_PLACE, &[TENANT.place(), PLACE.place()]),
        Index::sparse(IN_PLACES, &[TENANT.place(), CREATED_AT.place(), PLACE.place()]),
    ],
    fields: &[PREFIX.place(), REVOKED_AT.place(), LAST_USED_AT.place()],
    steps: &[],
};

/// A key as it is stored; what it opens never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    pub tenant_id: TenantId,
    pub name: String,
    /// The first characters of the secret, to recognise it by.
    pub prefix: String,
    /// SHA-256 of the whole secret, hex.
    pub secret_hash: String,
    pub scopes: BTreeSet<Scope>,
    /// The bots that it is limited to; absent when it opens all of the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bots: Option<Vec<BotId>>,
    pub created_at: Stamp,
    pub created_by: UserId,
    /// What is no time is over since 1970: a key whose end cannot be read opens nothing.
    #[serde(default, deserialize_with = "end", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Stamp>,
    /// Behind by up to a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Stamp>,
    /// Which of the tenant's numbered places for live keys it holds. No two keys hold the same, so that two requests at once
    /// cannot make one too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u32>,
}

fn end<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Stamp>, D::Error> {
    let stored = Option::<Value>::deserialize(from)?;
    Ok(stored.map(|stored| serde_json::from_value(stored).unwrap_or(Stamp(Timestamp::UNIX_EPOCH))))
}

impl Key {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Stamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

impl OfTenant for Key {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The keys of one tenant.
pub struct Keys(Scoped<Key>);

impl Keys {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &API_KEYS), tenant))
    }

    pub async fn get_key(&self, id: &ApiKeyId) -> Result<Stored<Key>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// Newest first, the revoked and expired ones too.
    pub async fn list_keys(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Key>, StoreError> {
        self.0.list(self.0.query(BY_CREATED).order(Order::Descending).limit(limit).after(after)).await
    }

    /// Those that hold a place: the live ones, and expired ones whose place nobody needed yet.
    pub async fn list_in_places(&self) -> Result<Vec<Stored<Key>>, StoreError> {
        Ok(self.0.list(self.0.query(IN_PLACES)).await?.items)
    }

    /// [`StoreError::Duplicate`] when another key holds the same place.
    pub async fn insert_key(&self, id: &ApiKeyId, key: &Key) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), key).await
    }

    /// Take the place of an expired key away.
    pub async fn vacate(&self, id: &str) -> Result<(), StoreError> {
        self.0.update(id, Vec::new(), Update::default().unset(PLACE)).await.map(drop)
    }

    /// Give a key another secret, unless it is revoked: `None`.
    pub async fn replace_secret(
        &self,
        id: &ApiKeyId,
        (prefix, hash): (&str, &str),
    ) -> Result<Option<Stored<Key>>, StoreError> {
        let update = Update::default().set(PREFIX, prefix).set(SECRET_HASH, hash);
        self.0.update(id.as_str(), vec![Filter::absent(REVOKED_AT)], update).await
    }

    /// Revoke a key. One that is revoked already stays revoked since then.
    pub async fn revoke(&self, id: &ApiKeyId, now: Stamp) -> Result<(), StoreError> {
        let update = Update::default().set(REVOKED_AT, now).unset(PLACE);
        match self.0.update(id.as_str(), vec![Filter::absent(REVOKED_AT)], update).await? {
            Some(_) => Ok(()),
            None => self.get_key(id).await.map(drop),
        }
    }
}

/// Look-ups across tenants, by the secret.
pub struct AllKeys(Documents<Key>);

impl AllKeys {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &API_KEYS))
    }

    /// By the SHA-256 of the secret.
    pub async fn find_by_secret(&self, hash: &str) -> Result<Option<Stored<Key>>, StoreError> {
        self.0.first(Query::by_index(&API_KEYS, BY_SECRET).equals(SECRET_HASH, hash)).await
    }

    /// Note that a key was used. Of requests that noted the same use before only one writes.
    pub async fn mark_used(&self, key: &Stored<Key>, now: Stamp) -> Result<(), StoreError> {
        let unchanged = match key.value.last_used_at {
            Some(before) => Filter::is(LAST_USED_AT, before),
            None => Filter::absent(LAST_USED_AT),
        };
        let query = Query::by_id(&API_KEYS, key.id.as_str()).filter(unchanged);
        self.0.update(query, Update::default().set(LAST_USED_AT, now)).await.map(drop)
    }
}
