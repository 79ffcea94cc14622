//! Numbers that carriers bring calls for, and the bots that answer them. A number is one bot's in the whole deployment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, CarrierId, DidId, TenantId};
use vox_shared::phone::Number;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, MAX_PAGE, Order, Query, Text, holds};
use super::stamp::Stamp;
use crate::campaign::health::Health;
use crate::field;

const BY_TIME: &str = "by_time";
const OF_CARRIER: &str = "of_carrier";
const BY_NUMBER: &str = "by_number";

const CREATED_AT: Field<Text> = field!(Did => created_at: Text);
const CARRIER_ID: Field<Text> = field!(Did => carrier_id: Text);
const COMPARABLE: Field<Text> = field!(Did => comparable: Text);

holds! { Text: CarrierId => |id| id.as_str().into(); Number => |number| number.as_str().into(); }

pub static DIDS: Collection = Collection {
    name: "dids",
    indexes: &[
        Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()]),
        Index::ordered(OF_CARRIER, &[TENANT.place(), CARRIER_ID.place(), CREATED_AT.place()]),
        Index::unique(BY_NUMBER, &[COMPARABLE.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// A number of a carrier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Did {
    pub tenant_id: TenantId,
    pub carrier_id: CarrierId,
    /// As it was given.
    pub number: Number,
    /// As numbers are compared; no two have the same.
    pub comparable: Number,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<BotId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A flow of an Exotel account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_url: Option<String>,
    /// When networks blocked calls of campaigns for it lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blamed_at: Vec<Stamp>,
    /// Campaigns do not show it until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<Stamp>,
    /// How its calls of campaigns are answered.
    #[serde(default, skip_serializing_if = "Health::is_unknown")]
    pub health: Health,
    pub created_at: Stamp,
}

impl OfTenant for Did {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The numbers of one tenant.
pub struct Dids(Scoped<Did>);

impl Dids {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &DIDS), tenant))
    }

    /// One of a carrier's; of another carrier it does not exist.
    pub async fn get_did(&self, carrier: &CarrierId, id: &DidId) -> Result<Stored<Did>, StoreError> {
        let found = self.0.get(id.as_str()).await?;
        if found.value.carrier_id == *carrier { Ok(found) } else { Err(StoreError::NotFound) }
    }

    /// Newest first.
    pub async fn list_dids(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Did>, StoreError> {
        self.0.list(self.0.query(BY_TIME).order(Order::Descending).limit(limit).after(after)).await
    }

    /// Of one carrier, newest first.
    pub async fn list_of(
        &self,
        carrier: &CarrierId,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Did>, StoreError> {
        let query = self.0.query(OF_CARRIER).equals(CARRIER_ID, carrier).order(Order::Descending);
        self.0.list(query.limit(limit).after(after)).await
    }

    /// All of one carrier.
    pub async fn list_all_of(&self, carrier: &CarrierId) -> Result<Vec<Stored<Did>>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.list_of(carrier, MAX_PAGE, after).await?;
            all.extend(page.items);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// The one that a carrier had first, if it has any.
    pub async fn find_first_of(&self, carrier: &CarrierId) -> Result<Option<Stored<Did>>, StoreError> {
        self.0.first(self.0.query(OF_CARRIER).equals(CARRIER_ID, carrier).order(Order::Ascending)).await
    }

    /// Whether a carrier has any.
    pub async fn has_numbers(&self, carrier: &CarrierId) -> Result<bool, StoreError> {
        Ok(!self.list_of(carrier, 1, None).await?.items.is_empty())
    }

    /// [`StoreError::Duplicate`] when the number is taken, by whomever.
    pub async fn insert_did(&self, id: &DidId, did: &Did) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), did).await
    }

    pub async fn replace_did(&self, did: Stored<Did>) -> Result<Stored<Did>, StoreError> {
        self.0.replace(did).await
    }

    /// Take a bot away from the numbers that are its; they stay the tenant's.
    pub async fn forget_bot(&self, bot: &BotId) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.list_dids(MAX_PAGE, after).await?;
            for mut did in page.items.into_iter().filter(|did| did.value.bot_id.as_ref() == Some(bot)) {
                did.value.bot_id = None;
                match self.replace_did(did).await {
                    // Somebody gave it to another bot, or took it away.
                    Ok(_) | Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error),
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    pub async fn delete_did(&self, did: &Stored<Did>) -> Result<(), StoreError> {
        self.0.delete(&did.id, did.version).await
    }
}

/// The numbers of all tenants, for look-ups behind the internal secret.
pub struct AllDids(Documents<Did>);

impl AllDids {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &DIDS))
    }

    pub async fn find_number(&self, number: &Number) -> Result<Option<Stored<Did>>, StoreError> {
        self.0.first(Query::by_index(&DIDS, BY_NUMBER).equals(COMPARABLE, number.comparable())).await
    }
}
