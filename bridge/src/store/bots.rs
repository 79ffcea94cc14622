//! Bots of a tenant. The example to follow for a store: a plain struct over one collection, opened for a tenant, its
//! indexes declared beside the queries that need them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, MAX_PAGE, Order, Query, Text};
use super::merged::Paging;
use super::reach::Reach;
use super::stamp::Stamp;
use crate::field;

/// Bots that are named to somebody who must change them first.
const MAX_NAMED: usize = 5;

const BY_CREATED: &str = "by_created";
const BY_CREATION_KEY: &str = "by_creation_key";
const BY_DELETION: &str = "by_deletion";
const DELETIONS_OF_ALL: &str = "deletions_of_all";
const OF_ALL: &str = "of_all";

const CREATED_AT: Field<Text> = field!(Bot => created_at: Text);
const CREATION_KEY: Field<Text> = field!(Bot => creation / Creation => key: Text);
const DELETED_AT: Field<Text> = field!(Bot => deleted_at: Text);

pub static BOTS: Collection = Collection {
    name: "bots",
    indexes: &[
        Index::ordered(BY_CREATED, &[TENANT.place(), CREATED_AT.place()]),
        Index::unique(BY_CREATION_KEY, &[TENANT.place(), CREATION_KEY.place()]),
        Index::ordered(OF_ALL, &[CREATED_AT.place()]),
        // Bots that are not deleted are in neither.
        Index::sparse(BY_DELETION, &[TENANT.place(), DELETED_AT.place()]),
        Index::sparse(DELETIONS_OF_ALL, &[DELETED_AT.place()]),
    ],
    fields: &[],
    steps: &[sealed],
};

/// From the second schema on secrets are sealed (`crate::vault`), which whatever writes the document does.
fn sealed(_: &mut Map<String, Value>) -> Result<(), String> {
    Ok(())
}

/// A bot as it is stored, its draft with it: what is published together is one document. The versions before the present
/// one are in `bot_versions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bot {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    /// What calls run with. Whoever changes it gives `release` the next number.
    pub settings: BotSettings,
    #[serde(default)]
    pub release: Release,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// Public; whoever shows a widget has it in the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widget_key: Option<String>,
    /// Deleted bots can be restored until they are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Stamp>,
    /// It is being removed, its versions first, and cannot be restored any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_going: bool,
    /// Set when it was made with an `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<Creation>,
}

impl Bot {
    /// A bot in its first version.
    pub fn new(tenant_id: TenantId, settings: BotSettings, now: Stamp) -> Self {
        Self {
            tenant_id,
            created_at: now,
            updated_at: now,
            settings,
            release: Release::default(),
            draft: None,
            widget_key: None,
            deleted_at: None,
            is_going: false,
            creation: None,
        }
    }
}

/// Which version the published settings are. Bots from before there were versions are in their first, of nobody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Release {
    /// 1 for the first, without gaps.
    pub number: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Stamp>,
    /// The id of the person or the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Default for Release {
    fn default() -> Self {
        Self { number: 1, published_at: None, author: None, note: String::new() }
    }
}

/// Settings that no call runs with yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    pub settings: BotSettings,
    /// The version that was published when it was begun.
    pub based_on: u32,
    pub updated_at: Stamp,
    /// The id of the person or the key that changed it last.
    pub author: String,
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

    /// A deleted bot does not exist here.
    pub async fn get_bot(&self, id: &BotId) -> Result<Stored<Bot>, StoreError> {
        let bot = self.get_with_deleted(id).await?;
        if bot.value.deleted_at.is_none() { Ok(bot) } else { Err(StoreError::NotFound) }
    }

    /// A bot, deleted or not.
    pub async fn get_with_deleted(&self, id: &BotId) -> Result<Stored<Bot>, StoreError> {
        self.within(id.as_str())?;
        self.of_tenant.get(id.as_str()).await
    }

    /// Newest first. A page ends where it gets heavy: a bot and its draft may have a megabyte each.
    pub async fn list_bots(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Bot>, StoreError> {
        let made_at = |bot: &Bot| bot.created_at;
        if let Some(bots) = self.reach.bots() {
            let paging = Paging { index: BY_CREATED, limit, made_at };
            return self.list_some(bots, paging, after, |bot| bot.deleted_at.is_none()).await;
        }
        let query = self.of_tenant.query(BY_CREATED).filter(Filter::absent(DELETED_AT));
        self.of_tenant.list(query.order(Order::Descending).limit(limit).after(after).weighed()).await
    }

    /// Some of those whose settings are so, published or in a draft: the newest, [`MAX_NAMED`] at most.
    pub async fn some_with(&self, is_so: impl Fn(&BotSettings) -> bool) -> Result<Vec<String>, StoreError> {
        let (mut named, mut after) = (Vec::new(), None);
        loop {
            let page = self.list_bots(MAX_PAGE, after).await?;
            let found = page.items.into_iter().filter(|bot| {
                is_so(&bot.value.settings)
                    || bot.value.draft.as_ref().is_some_and(|draft| is_so(&draft.settings))
            });
            named.extend(found.map(|bot| bot.id));
            named.truncate(MAX_NAMED);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() || named.len() == MAX_NAMED {
                return Ok(named);
            }
        }
    }

    /// Those that can be restored, the last deleted first.
    pub async fn list_deleted(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Bot>, StoreError> {
        let made_at = |bot: &Bot| bot.deleted_at.unwrap_or(bot.created_at);
        if let Some(bots) = self.reach.bots() {
            let paging = Paging { index: BY_DELETION, limit, made_at };
            return self.list_some(bots, paging, after, |bot| bot.deleted_at.is_some()).await;
        }
        let query = self.of_tenant.query(BY_DELETION).order(Order::Descending);
        self.of_tenant.list(query.limit(limit).after(after).weighed()).await
    }

    /// A key names a few bots at most, so they are read one by one.
    async fn list_some(
        &self,
        bots: &[BotId],
        paging: Paging<Bot>,
        after: Option<Cursor>,
        wanted: fn(&Bot) -> bool,
    ) -> Result<Listed<Bot>, StoreError> {
        let mut items = Vec::new();
        for id in bots {
            items.extend(self.of_tenant.find(id.as_str()).await?.filter(|bot| wanted(&bot.value)));
        }
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
        Box::pin(self.of_tenant.replace(bot)).await
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

    /// A deleted bot does not exist here.
    pub async fn find_bot(&self, id: &BotId) -> Result<Option<Stored<Bot>>, StoreError> {
        Ok(self.find_with_deleted(id).await?.filter(|bot| bot.value.deleted_at.is_none()))
    }

    /// A bot, deleted or not: a call that ran when its bot was deleted still brings its result.
    pub async fn find_with_deleted(&self, id: &BotId) -> Result<Option<Stored<Bot>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Oldest first.
    pub async fn list_bots(&self, limit: usize) -> Result<Listed<Bot>, StoreError> {
        let query = Query::by_index(&BOTS, OF_ALL).from(CREATED_AT, "").filter(Filter::absent(DELETED_AT));
        self.0.list(query.limit(limit).weighed()).await
    }

    /// Those that were deleted before an instant, the first deleted first.
    pub async fn list_deleted_before(
        &self,
        at: Stamp,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Bot>, StoreError> {
        let query = Query::by_index(&BOTS, DELETIONS_OF_ALL).below(DELETED_AT, at);
        self.0.list(query.limit(limit).after(after).weighed()).await
    }

    /// Write back a bot that is on its way out.
    pub async fn replace_bot(&self, bot: Stored<Bot>) -> Result<Stored<Bot>, StoreError> {
        self.0.replace(bot).await
    }

    /// For good.
    pub async fn remove_bot(&self, bot: &Stored<Bot>) -> Result<(), StoreError> {
        self.0.delete(&bot.id, bot.version).await
    }
}
