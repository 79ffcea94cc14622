//! The versions of bots that a newer one has superseded; the present one is the bot itself. A version is kept before it is
//! superseded, so a number that was published is never without its settings, and one that was not is never here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::bots::{Bot, Release};
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Index, Integer, Json, Order, Query, Text};
use super::reach::Reach;
use crate::field;

const BY_NUMBER: &str = "by_number";

const BOT_ID: Field<Text> = field!(Version => bot_id: Text);
const NUMBER: Field<Integer> = Field::new("release.number");
const SETTINGS: Field<Json> = Field::new("settings");

pub static BOT_VERSIONS: Collection = Collection {
    name: "bot_versions",
    indexes: &[Index::ordered(BY_NUMBER, &[TENANT.place(), BOT_ID.place(), NUMBER.place()])],
    fields: &[SETTINGS.place()],
    steps: &[],
};

/// A version as it is stored. Nothing ever changes one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    pub release: Release,
    /// Left out of lists.
    #[serde(default)]
    pub settings: BotSettings,
}

impl Version {
    /// What is published of a bot now.
    pub fn published(id: &BotId, bot: &Bot) -> Self {
        let mut release = bot.release.clone();
        release.published_at = release.published_at.or(Some(bot.created_at));
        Self { tenant_id: bot.tenant_id.clone(), bot_id: id.clone(), release, settings: bot.settings.clone() }
    }
}

impl OfTenant for Version {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The superseded versions within a reach.
pub struct Versions {
    of_tenant: Scoped<Version>,
    reach: Reach,
}

impl Versions {
    pub(super) fn open(engine: Arc<dyn Engine>, reach: Reach) -> Self {
        let of_tenant = Scoped::new(Documents::new(engine, &BOT_VERSIONS), reach.tenant().clone());
        Self { of_tenant, reach }
    }

    /// Keep a version that is about to be superseded. Whoever loses that race has kept the same.
    pub async fn keep(&self, version: &Version) -> Result<(), StoreError> {
        self.within(&version.bot_id)?;
        match self.of_tenant.insert(&place(&version.bot_id, version.release.number), version).await {
            Err(StoreError::Duplicate) => Ok(()),
            other => other,
        }
    }

    pub async fn get_version(&self, bot: &BotId, number: u32) -> Result<Version, StoreError> {
        self.within(bot)?;
        Ok(self.of_tenant.get(&place(bot, number)).await?.value)
    }

    /// Those below a number, newest first, without their settings.
    pub async fn list_below(
        &self,
        bot: &BotId,
        number: u32,
        limit: usize,
    ) -> Result<Vec<Stored<Version>>, StoreError> {
        self.within(bot)?;
        let query = self.of_tenant.query(BY_NUMBER).equals(BOT_ID, bot).below(NUMBER, i64::from(number));
        let query = query.order(Order::Descending).limit(limit).omit(&[SETTINGS]);
        let Listed { items, .. } = self.of_tenant.list(query).await?;
        Ok(items)
    }

    fn within(&self, bot: &BotId) -> Result<(), StoreError> {
        if self.reach.includes(bot.as_str()) { Ok(()) } else { Err(StoreError::NotFound) }
    }
}

/// The versions of all tenants, for whoever removes a bot.
pub struct AllVersions(Documents<Version>);

impl AllVersions {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &BOT_VERSIONS))
    }

    /// Remove versions of a bot, as many as `limit`; fewer means that none is left.
    pub async fn remove(&self, tenant: &TenantId, bot: &str, limit: usize) -> Result<usize, StoreError> {
        let query = Query::by_index(&BOT_VERSIONS, BY_NUMBER).equals(TENANT, tenant).equals(BOT_ID, bot);
        self.0.delete_many(query.limit(limit)).await
    }
}

fn place(bot: &BotId, number: u32) -> String {
    format!("{bot}.{number}")
}
