//! Bots of a tenant. The example to follow for a store: a plain struct over one collection, opened for a tenant, its
//! indexes declared beside the queries that need them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Order, Query, Text};
use super::merged::Paging;
use super::reach::Reach;
use super::stamp::Stamp;
use crate::field;

const BY_CREATED: &str = "by_created";
const BY_CREATION_KEY: &str = "by_creation_key";
const OF_ALL: &str = "of_all";

const CREATED_AT: Field<Text> = field!(Bot => created_at: Text);
const CREATION_KEY: Field<Text> = field!(Bot => creation / Creation => key: Text);

pub static BOTS: Collection = Collection {
    name: "bots",
    indexes: &[
        Index::ordered(BY_CREATED, &[TENANT.place(), CREATED_AT.place()]),
        Index::unique(BY_CREATION_KEY, &[TENANT.place(), CREATION_KEY.place()]),
        Index::ordered(OF_ALL, &[CREATED_AT.place()]),
    ],
    fields: &[],
    steps: &[sealed],
};

/// From the second schema on secrets are sealed (`crate::vault`), which whatever writes the document does.
fn sealed(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

/// A bot as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bot {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    pub settings: BotSettings,
    /// Set when it was made with an `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<Creation>,
}

/// The request that made a document; a repeat of it finds the document instead of making another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    /// Hash of user and key.
    pub key: String,
    /// Hash of the request's body.
    pub request: String,
}

impl OfTenant for Bot {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The bots of one tenant, or those of them that are within reach: the others do not exist here.
pub struct Bots {
    of_tenant: Scoped<Bot>,
    reach: Reach,
}

impl Bots {
    pub(super) fn open(engine: Arc<dyn Engine>, reach: Reach) -> Self {
        let of_tenant = Scoped::new(Documents::new(engine, &BOTS), reach.tenant().clone());
        Self { of_tenant, reach }
    }

    pub async fn get_bot(&self, id: &BotId) -> Result<Stored<Bot>, StoreError> {
        self.within(id.as_str())?;
        self.of_tenant.get(id.as_str()).await
    }

    /// Newest first.
    pub async fn list_bots(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Bot>, StoreError> {
        if let Some(bots) = self.reach.bots() {
            return self.list_some(bots, limit, after).await;
        }
        let query = self.of_tenant.query(BY_CREATED).order(Order::Descending);
        self.of_tenant.list(query.limit(limit).after(after)).await
    }

    /// A key names a few bots at most, so they are read one by one.
    async fn list_some(
        &self,
        bots: &[BotId],
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Bot>, StoreError> {
        let mut items = Vec::new();
        for id in bots {
            items.extend(self.of_tenant.find(id.as_str()).await?);
        }
        let paging = Paging { index: BY_CREATED, limit, made_at: |bot: &Bot| bot.created_at };
        paging.rest_of(&mut items, after.as_ref())?;
        paging.merge(vec![Listed { items, next_cursor: None }])
    }

    /// [`StoreError::Duplicate`] when the id or the creation key is taken.
    pub async fn insert_bot(&self, id: &BotId, bot: &Bot) -> Result<(), StoreError> {
        self.within(id.as_str())?;
        self.of_tenant.insert(id.as_str(), bot).await
    }

    /// Insert a few at once; answers the ids that are taken.
    pub async fn insert_bots(&self, bots: Vec<(BotId, Bot)>) -> Result<Vec<String>, StoreError> {
        bots.iter().try_for_each(|(id, _)| self.within(id.as_str()))?;
        self.of_tenant.insert_many(bots.into_iter().map(|(id, bot)| (id.to_string(), bot)).collect()).await
    }

    /// The bot that an earlier request with this key made.
    pub async fn find_by_creation_key(&self, key: &str) -> Result<Option<Stored<Bot>>, StoreError> {
        let found =
            self.of_tenant.first(self.of_tenant.query(BY_CREATION_KEY).equals(CREATION_KEY, key)).await?;
        Ok(found.filter(|bot| self.reach.includes(&bot.id)))
    }

    /// Write back a bot that was read here.
    pub async fn replace_bot(&self, bot: Stored<Bot>) -> Result<Stored<Bot>, StoreError> {
        self.within(&bot.id)?;
        self.of_tenant.replace(bot).await
    }

    pub async fn delete_bot(&self, id: &BotId, version: u64) -> Result<(), StoreError> {
        self.within(id.as_str())?;
        self.of_tenant.delete(id.as_str(), version).await
    }

    fn within(&self, id: &str) -> Result<(), StoreError> {
        if self.reach.includes(id) { Ok(()) } else { Err(StoreError::NotFound) }
    }
}

/// Look-ups across tenants, for routes behind the internal secret.
pub struct AllBots(Documents<Bot>);

impl AllBots {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &BOTS))
    }

    pub async fn find_bot(&self, id: &BotId) -> Result<Option<Stored<Bot>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Oldest first.
    pub async fn list_bots(&self, limit: usize) -> Result<Listed<Bot>, StoreError> {
        self.0.list(Query::by_index(&BOTS, OF_ALL).from(CREATED_AT, "").limit(limit)).await
    }
}
