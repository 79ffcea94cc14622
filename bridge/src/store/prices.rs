//! What vendors cost, and since when. Prices are never changed: a new one takes an older one's place from its day on, so that
//! what an entry of the ledger was computed with can be looked up for ever.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::PriceId;

use super::documents::{Documents, Listed, StoreError};
use super::engine::{Collection, Cursor, Engine, Field, Index, MAX_PAGE, Order, Query, Text};
use super::stamp::Stamp;
use crate::field;

const BY_VENDOR: &str = "by_vendor";
const OF_ALL: &str = "of_all";

const VENDOR: Field<Text> = field!(Price => vendor: Text);
const EFFECTIVE_FROM: Field<Text> = field!(Price => effective_from: Text);

pub static PRICES: Collection = Collection {
    name: "prices",
    indexes: &[
        Index::ordered(BY_VENDOR, &[VENDOR.place(), EFFECTIVE_FROM.place()]),
        Index::ordered(OF_ALL, &[EFFECTIVE_FROM.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// What a vendor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A price for a minute is one for 60 of them.
    Seconds,
    TokensIn,
    TokensOut,
    /// Where there is such a price, cached tokens cost it instead of that of `tokens_in`.
    TokensCached,
    /// The same for tokens that the vendor wrote to its cache.
    TokensCacheWrite,
    Characters,
    Requests,
}

/// A price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// `stt`, `llm` or `tts`.
    pub service: String,
    pub vendor: String,
    /// Empty: for models that have no price of their own.
    pub model: String,
    pub unit: Unit,
    /// Millionths of the currency for `per` units.
    pub money: i64,
    pub per: i64,
    /// Calls that began at this instant or later.
    pub effective_from: Stamp,
    pub created_at: Stamp,
}

/// The prices of the deployment.
pub struct Prices(Documents<Price>);

impl Prices {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &PRICES))
    }

    pub async fn insert_price(&self, id: &PriceId, price: &Price) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), price).await
    }

    /// Of all vendors or of one, newest first by the day from which they count.
    pub async fn list_prices(
        &self,
        vendor: Option<&str>,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Price>, StoreError> {
        let query = match vendor {
            Some(vendor) => Query::by_index(&PRICES, BY_VENDOR).equals(VENDOR, vendor),
            None => Query::by_index(&PRICES, OF_ALL).from(EFFECTIVE_FROM, ""),
        };
        self.0.list(query.order(Order::Descending).limit(limit).after(after)).await
    }

    /// All of a vendor's prices that counted at an instant or before, newest first: the one that counts may be the oldest. As many as
    /// were ever added, for nothing takes one out; a page of them costs one look.
    pub async fn list_known_at(&self, vendor: &str, at: Stamp) -> Result<Listed<Price>, StoreError> {
        let query = Query::by_index(&PRICES, BY_VENDOR).equals(VENDOR, vendor);
        let query = query.below(EFFECTIVE_FROM, at.next()).order(Order::Descending).limit(MAX_PAGE);
        let mut all = self.0.list(query.clone()).await?;
        while let Some(cursor) = all.next_cursor.take() {
            let page = self.0.list(query.clone().after(Some(Cursor::parse(&cursor)?))).await?;
            all.items.extend(page.items);
            all.next_cursor = page.next_cursor;
        }
        Ok(all)
    }
}
