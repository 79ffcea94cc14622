//! What a vendor's use costs. Integers only: each unit of each line is rounded once, half up, to a millionth of the currency.

use std::collections::HashMap;

use vox_shared::catalogue::{LANGUAGE_MODELS, RECOGNISERS, VOICES, Vendor};
use vox_shared::ids::PriceId;
use vox_shared::price::{self, Counted, Rate};

use crate::runtime::memory::Memory;
use crate::store::prices::{Price, Unit};
use crate::store::{Stamp, StoreError, Stored};

/// Most that a price may be, millionths of the currency.
pub const MAX_PRICE: i64 = 1_000_000_000_000;
/// Most units that a price may be for.
pub const MAX_PER: i64 = 1_000_000_000;
/// In the catalogue, of what runs on the machine itself.
const FREE: &str = "none";

/// How much of each unit a line has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantities {
    pub ms: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub tokens_cached: i64,
    pub tokens_cache_write: i64,
    pub characters: i64,
    pub requests: i64,
}

/// What a line costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Millionths of the currency.
    pub money: i64,
    pub prices: Vec<PriceId>,
    /// Something of it has no price, and `money` lacks it.
    pub is_unpriced: bool,
}

/// The prices that count for one call.
#[derive(Debug, Default)]
pub struct PriceList(HashMap<(String, String, String, Unit), (PriceId, Price)>);

impl PriceList {
    /// The prices of these vendors at an instant.
    pub async fn read<'a>(
        memory: &Memory,
        vendors: impl Iterator<Item = &'a str>,
        at: Stamp,
    ) -> Result<Self, StoreError> {
        let mut found = Vec::new();
        for vendor in vendors {
            let known = memory.prices(vendor).await?;
            found.extend(known.iter().filter(|price| price.value.effective_from <= at).cloned());
        }
        Ok(Self::of(found))
    }

    /// Of several prices of the same thing the latest counts; of several from the same instant the one that was made last.
    pub fn of(prices: Vec<Stored<Price>>) -> Self {
        let mut list: HashMap<_, (PriceId, Price)> = HashMap::new();
        for Stored { id, value: price, .. } in prices {
            let Ok(id) = id.parse::<PriceId>() else { continue };
            let key = (price.service.clone(), price.vendor.clone(), price.model.clone(), price.unit);
            let age = |id: &PriceId, price: &Price| (price.effective_from, price.created_at, id.clone());
            match list.get(&key) {
                Some((known_id, known)) if age(known_id, known) >= age(&id, &price) => {}
                _ => drop(list.insert(key, (id, price))),
            }
        }
        Self(list)
    }

    fn find(&self, (service, vendor, model): (&str, &str, &str), unit: Unit) -> Option<&(PriceId, Price)> {
        let key = |model: &str| (service.to_owned(), vendor.to_owned(), model.to_owned(), unit);
        self.0.get(&key(model)).or_else(|| self.0.get(&key("")))
    }

    /// What one vendor of a call costs, for the worker that has the call.
    pub fn rates(&self, (service, vendor, model): (&str, &str, &str)) -> Vec<Rate> {
        let units = [
            (Unit::Seconds, Counted::Seconds),
            (Unit::TokensIn, Counted::TokensIn),
            (Unit::TokensOut, Counted::TokensOut),
            (Unit::TokensCached, Counted::TokensCached),
            (Unit::TokensCacheWrite, Counted::TokensCacheWrite),
            (Unit::Characters, Counted::Characters),
            (Unit::Requests, Counted::Requests),
        ];
        let rate = |(unit, counted)| {
            let (_, Price { money, per, .. }) = self.find((service, vendor, model), unit)?;
            let (service, provider, model) = (service.to_owned(), vendor.to_owned(), model.to_owned());
            Some(Rate { service, provider, model, unit: counted, money: *money, per: *per })
        };
        units.into_iter().filter_map(rate).collect()
    }

    /// The cost of one vendor's line, by service, vendor and model.
    pub fn cost(&self, of: (&str, &str, &str), quantities: &Quantities) -> Cost {
        let mut cost = Cost::default();
        let priced_apart = |unit: Unit, tokens: i64| self.find(of, unit).map_or(0, |_price| tokens.max(0));
        let cached = priced_apart(Unit::TokensCached, quantities.tokens_cached);
        let written = priced_apart(Unit::TokensCacheWrite, quantities.tokens_cache_write);
        let apart = cached.saturating_add(written).min(quantities.tokens_in.max(0));
        // A thousandth of a second is the unit of seconds.
        for (unit, quantity, parts) in [
            (Unit::Seconds, quantities.ms, 1_000),
            (Unit::TokensIn, quantities.tokens_in - apart, 1),
            (Unit::TokensOut, quantities.tokens_out, 1),
            (Unit::TokensCached, quantities.tokens_cached, 1),
            (Unit::TokensCacheWrite, quantities.tokens_cache_write, 1),
            (Unit::Characters, quantities.characters, 1),
            (Unit::Requests, quantities.requests, 1),
        ] {
            match self.find(of, unit) {
                Some((id, price)) => {
                    cost.money += rounded(quantity, price, parts);
                    cost.prices.push(id.clone());
                }
                None if quantity > 0 && is_essential(of.0, unit) => cost.is_unpriced = true,
                None => {}
            }
        }
        let by_request = self.find(of, Unit::Requests).is_some();
        cost.is_unpriced &= !by_request && !is_free(of.0, of.1);
        cost
    }
}

/// What a vendor of this service is paid for, unless it is paid by the request.
fn is_essential(service: &str, unit: Unit) -> bool {
    match service {
        "stt" => unit == Unit::Seconds,
        "llm" => matches!(unit, Unit::TokensIn | Unit::TokensOut),
        "tts" => unit == Unit::Characters,
        _ => true,
    }
}

/// It runs on the machine itself.
fn is_free(service: &str, vendor: &str) -> bool {
    let has = |vendors: &[&Vendor]| vendors.iter().any(|v| v.name == vendor && v.figures.price == Some(FREE));
    match service {
        "stt" => has(RECOGNISERS),
        "llm" => has(LANGUAGE_MODELS),
        "tts" => has(VOICES),
        _ => false,
    }
}

/// Half up; `parts` of the quantity are one unit.
fn rounded(quantity: i64, price: &Price, parts: i64) -> i64 {
    price::rounded(quantity, (price.money, price.per), parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(of: (&str, &str, &str), unit: Unit, (money, per): (i64, i64), from: &str) -> Stored<Price> {
        let (service, vendor, model) = (of.0.into(), of.1.into(), of.2.into());
        let (effective_from, created_at) = (Stamp(from.parse().unwrap()), Stamp(from.parse().unwrap()));
        let value = Price { service, vendor, model, unit, money, per, effective_from, created_at };
        Stored { id: format!("{vendor}-{unit:?}-{money}", vendor = of.1), version: 1, value }
    }

    const DAY: &str = "2026-11-01T00:00:00Z";

    #[test]
    fn a_cost_is_rounded_once_half_up() {
        let check = |quantity, money, per, expected| {
            let price = price(("llm", "v", ""), Unit::TokensIn, (money, per), DAY).value;
            assert_eq!(rounded(quantity, &price, 1), expected, "{quantity} x {money} / {per}");
        };
        check(0, 5, 2, 0);
        check(1, 1, 2, 1);
        check(1, 1, 3, 0);
        check(1, 2, 3, 1);
        check(3, 1, 2, 2);
        check(1_000_000, 150_000, 1_000_000, 150_000);
        check(333, 150_000, 1_000_000, 50);
        check(-7, 5, 1, 0);
        check(7, -5, 1, 0);
        check(i64::MAX, MAX_PRICE, 1, 1_000_000_000_000);
        check(i64::MAX, i64::MAX, 1, 1_000_000_000_000);
        check(1, 1, 0, 1);
    }

    #[test]
    fn a_models_own_price_goes_before_its_vendors_and_the_latest_counts() {
        let list = PriceList::of(vec![
            price(("stt", "ear", ""), Unit::Seconds, (600, 60), DAY),
            price(("stt", "ear", "big"), Unit::Seconds, (6_000, 60), DAY),
            price(("stt", "ear", "big"), Unit::Seconds, (9_000, 60), "2026-11-02T00:00:00Z"),
        ]);
        let ms = |ms| Quantities { ms, ..Quantities::default() };
        assert_eq!(list.cost(("stt", "ear", "small"), &ms(90_500)).money, 905);
        let big = list.cost(("stt", "ear", "big"), &ms(60_000));
        assert_eq!((big.money, big.is_unpriced, big.prices.len()), (9_000, false, 1));
    }

    #[test]
    fn what_has_no_price_is_told_and_cached_tokens_are_paid_once() {
        let used =
            Quantities { tokens_in: 1_000, tokens_out: 10, tokens_cached: 400, ..Quantities::default() };
        let input = price(("llm", "m", ""), Unit::TokensIn, (10, 1), DAY);
        let output = price(("llm", "m", ""), Unit::TokensOut, (100, 1), DAY);
        let cached = price(("llm", "m", ""), Unit::TokensCached, (1, 1), DAY);
        let cost = |prices| PriceList::of(prices).cost(("llm", "m", "x"), &used);
        assert!(cost(vec![]).is_unpriced && cost(vec![input.clone()]).is_unpriced);
        assert_eq!(cost(vec![input.clone(), output.clone()]).money, 10_000 + 1_000);
        assert_eq!(cost(vec![input.clone(), output, cached.clone()]).money, 6_000 + 1_000 + 400);
        let written = price(("llm", "m", ""), Unit::TokensCacheWrite, (20, 1), DAY);
        let wrote = Quantities { tokens_out: 0, tokens_cache_write: 200, ..used };
        let cost_of = |prices| PriceList::of(prices).cost(("llm", "m", "x"), &wrote).money;
        assert_eq!(cost_of(vec![input.clone(), cached, written]), 4_000 + 400 + 4_000);
        assert_eq!(cost_of(vec![input]), 10_000, "what has no price of its own costs that of input");
        let request = price(("llm", "m", ""), Unit::Requests, (5, 1), DAY);
        assert!(!cost(vec![request]).is_unpriced, "paid by the request");
        assert!(
            !PriceList::default()
                .cost(("tts", "flite", ""), &Quantities { characters: 9, ..used })
                .is_unpriced
        );
    }
}
