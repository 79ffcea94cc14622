//! What vendors cost: integers only. The bridge charges a call by it, and a worker holds a running call to its budget by it.

use serde::{Deserialize, Serialize};

use crate::wire::result::Usage;

/// Most that one unit of one line costs, millionths of the currency: a million. Sums of hundreds of thousands of calls fit into 64
/// bits even then.
const MAX_COST: i128 = 1_000_000_000_000;
/// Parts of a second that are counted.
const MS: i64 = 1_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    Seconds,
    TokensIn,
    TokensOut,
    /// Where there is such a rate, cached tokens cost it instead of that of `tokens_in`.
    TokensCached,
    /// The same for tokens that the vendor wrote to its cache.
    TokensCacheWrite,
    Characters,
    Requests,
    /// One that a newer bridge knows: it costs nothing here.
    #[serde(other)]
    Unknown,
}

/// What one vendor of a call costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// `stt`, `llm` or `tts`.
    pub service: String,
    pub provider: String,
    /// As the bot names it, empty for the vendor's own choice.
    pub model: String,
    pub unit: Counted,
    /// Millionths of the currency for `per` units.
    pub money: i64,
    pub per: i64,
}

/// Rounded once, half up; `parts` of the quantity are one unit.
pub fn rounded(quantity: i64, (money, per): (i64, i64), parts: i64) -> i64 {
    let (quantity, money) = (i128::from(quantity.max(0)), i128::from(money.max(0)));
    let per = i128::from(per.max(1)) * i128::from(parts);
    let cost = (2 * quantity * money + per) / (2 * per);
    i64::try_from(cost.min(MAX_COST)).unwrap_or(i64::MAX)
}

/// What was used of one vendor costs so much, millionths of the currency. What has no rate costs nothing.
pub fn cost(rates: &[Rate], used: &Usage) -> u64 {
    let of = |rate: &&Rate| {
        (rate.service.as_str(), rate.provider.as_str(), rate.model.as_str())
            == (used.kind.as_str(), used.provider.as_str(), used.model.as_str())
    };
    let own: Vec<&Rate> = rates.iter().filter(of).collect();
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let priced_apart = |unit: Counted, tokens: u64| match own.iter().any(|rate| rate.unit == unit) {
        true => tokens,
        false => 0,
    };
    let cached = priced_apart(Counted::TokensCached, used.tokens_cached);
    let written = priced_apart(Counted::TokensCacheWrite, used.tokens_cache_write);
    let apart = cached.saturating_add(written).min(used.tokens_in);
    let costs = own.iter().map(|rate| {
        let (quantity, parts) = match rate.unit {
            Counted::Seconds => (milliseconds(used.seconds), MS),
            Counted::TokensIn => (count(used.tokens_in - apart), 1),
            Counted::TokensOut => (count(used.tokens_out), 1),
            Counted::TokensCached => (count(used.tokens_cached), 1),
            Counted::TokensCacheWrite => (count(used.tokens_cache_write), 1),
            Counted::Characters => (count(used.characters), 1),
            Counted::Requests => (count(used.requests), 1),
            Counted::Unknown => (0, 1),
        };
        rounded(quantity, (rate.money, rate.per), parts).unsigned_abs()
    });
    costs.sum()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a call has far fewer; what makes no sense is none or the most"
)]
fn milliseconds(seconds: f64) -> i64 {
    if seconds.is_finite() { (seconds * 1e3).round().max(0.0) as i64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(unit: Counted, money: i64, per: i64) -> Rate {
        Rate { service: "llm".into(), provider: "v".into(), model: "m".into(), unit, money, per }
    }

    #[test]
    fn what_was_used_costs_its_rates_and_cached_tokens_cost_once() {
        let used = Usage {
            provider: "v".into(),
            model: "m".into(),
            kind: "llm".into(),
            seconds: 90.5,
            tokens_in: 1_000,
            tokens_out: 10,
            tokens_cached: 400,
            ..Usage::default()
        };
        let (input, output) = (rate(Counted::TokensIn, 10, 1), rate(Counted::TokensOut, 100, 1));
        assert_eq!(cost(&[input.clone(), output.clone()], &used), 11_000);
        assert_eq!(cost(&[input.clone(), output, rate(Counted::TokensCached, 1, 1)], &used), 7_400);
        assert_eq!(cost(&[rate(Counted::Seconds, 600, 60)], &used), 905);
        let wrote = Usage { tokens_cache_write: 200, ..used.clone() };
        let written = rate(Counted::TokensCacheWrite, 20, 1);
        assert_eq!(cost(&[input.clone(), rate(Counted::TokensCached, 1, 1), written], &wrote), 8_400);
        assert_eq!(cost(std::slice::from_ref(&input), &wrote), 10_000);
        let other = Usage { model: "other".into(), ..used };
        assert_eq!(cost(&[input], &other), 0);
    }

    #[test]
    fn a_unit_of_a_newer_bridge_is_read_and_costs_nothing() {
        let text = r#"{"service":"llm","provider":"v","model":"m","unit":"smiles","money":5,"per":1}"#;
        let rate: Rate = serde_json::from_str(text).unwrap();
        assert_eq!(rate.unit, Counted::Unknown);
    }
}
