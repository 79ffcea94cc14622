//! How prices are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::prices::{Price, Unit};
use crate::store::{Listed, Stored};

/// A price.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceView {
    pub id: String,
    /// `stt`, `llm` or `tts`.
    pub service: String,
    pub vendor: String,
    /// Empty: for models that have no price of their own.
    pub model: String,
    pub unit: Unit,
    /// Millionths of the currency for `per` units.
    pub money: i64,
    pub per: i64,
    /// RFC 3339, UTC.
    pub effective_from: String,
    pub created_at: String,
}

/// One page of prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricePage {
    pub items: Vec<PriceView>,
    pub next_cursor: Option<String>,
}

impl PriceView {
    pub fn of(id: String, price: Price) -> Self {
        let Price { service, vendor, model, unit, money, per, .. } = price;
        let (effective_from, created_at) = (price.effective_from.to_string(), price.created_at.to_string());
        Self { id, service, vendor, model, unit, money, per, effective_from, created_at }
    }
}

impl From<Listed<Price>> for PricePage {
    fn from(listed: Listed<Price>) -> Self {
        let view = |Stored { id, value, .. }| PriceView::of(id, value);
        Self { items: listed.items.into_iter().map(view).collect(), next_cursor: listed.next_cursor }
    }
}
