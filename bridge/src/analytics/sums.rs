//! Sums over calls in the words that people and programs read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Group, status_of};
use super::cell::{Part, Sum};
use super::histogram::Histogram;
use crate::store::calls::CallStatus;

/// Whether cost is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    Shown,
    Hidden,
}

/// What is counted of calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AnalyticsSums)]
pub struct Sums {
    pub calls: i64,
    pub duration_seconds: f64,
    /// Whole minutes, rounded down.
    pub minutes: i64,
    /// Calls by `status`.
    pub statuses: BTreeMap<String, i64>,
    /// Calls by `disconnected_by`.
    pub outcomes: BTreeMap<String, i64>,
    /// Calls by `disposition`, as far as it is known of them; 200 words, and all others under `other`.
    #[serde(default)]
    pub dispositions: BTreeMap<String, i64>,
    /// Completed calls that were handed to nobody.
    pub contained: i64,
    /// Their part of the completed calls; null without any.
    pub containment: Option<f64>,
    pub transferred: i64,
    /// Millionths of the currency; a vendor's group has what that service cost. Null for whoever may not see usage.
    pub money: Option<i64>,
    /// Vendors' lines for which there was no price: `money` lacks them.
    pub unpriced: i64,
    /// By part of the delay.
    pub latency: BTreeMap<String, Latency>,
}

/// How long something took, turn by turn. Percentiles are wrong by 4.5 % at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AnalyticsLatency)]
pub struct Latency {
    /// Null without samples.
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub samples: i64,
}

impl Sums {
    /// Of a group; with a service (`stt`, `llm`, `tts`) what that cost and took.
    pub fn of(group: &Group, service: &str, money: Money) -> Self {
        let mut statuses = BTreeMap::<String, i64>::new();
        for (outcome, calls) in &group.outcomes {
            if let Some(status) = status_of(outcome) {
                *statuses.entry(status.as_str().to_owned()).or_default() += calls;
            }
        }
        let completed = statuses.get(CallStatus::Completed.as_str()).copied().unwrap_or_default();
        let (contained, ms) = (group.sum(Sum::Contained), group.sum(Sum::Duration));
        let (of_service, parts) = match service {
            "stt" => (Sum::MoneyStt, &[("stt", Part::Stt)][..]),
            "llm" => (Sum::MoneyLlm, &[("llm", Part::Llm)][..]),
            "tts" => (Sum::MoneyTts, &[("tts", Part::Tts)][..]),
            _ => (Sum::Money, &ALL_PARTS[..]),
        };
        Self {
            calls: group.sum(Sum::Calls),
            duration_seconds: ms as f64 / 1e3,
            minutes: ms / 60_000,
            statuses,
            outcomes: group.outcomes.clone(),
            dispositions: group.dispositions.clone(),
            contained,
            containment: (completed > 0).then(|| contained as f64 / completed as f64),
            transferred: group.sum(Sum::Transferred),
            money: (money == Money::Shown).then(|| group.sum(of_service)),
            unpriced: group.sum(Sum::Unpriced),
            latency: parts
                .iter()
                .map(|(name, part)| ((*name).to_owned(), group.latency(*part).into()))
                .collect(),
        }
    }
}

const ALL_PARTS: [(&str, Part); 6] = [
    ("endpoint", Part::Endpoint),
    ("stt", Part::Stt),
    ("llm", Part::Llm),
    ("tts", Part::Tts),
    ("platform", Part::Platform),
    ("wire_to_ear", Part::WireToEar),
];

impl From<Histogram> for Latency {
    fn from(histogram: Histogram) -> Self {
        let at = |share| histogram.percentile(share).map(|ms| (ms * 10.0).round() / 10.0);
        Self { p50_ms: at(0.5), p95_ms: at(0.95), samples: histogram.samples() }
    }
}
