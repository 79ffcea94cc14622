//! What a call that has ended adds to the sums.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::wire::result::{DisconnectedBy, TurnLatency, Usage};

use super::cell::{self, Cell, Key, Part, Sum};
use crate::store::Stamp;
use crate::store::calls::{Call, CallStatus, Charges};
use crate::store::engine::{Json, holds};

/// Longest call that is believed, milliseconds: a day.
const MAX_MS: f64 = 86_400_000.0;

/// See the module. It names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When the hour began in which the call did, by the clocks of the tenant's time zone.
    pub hour: Stamp,
    /// The day, the same: `2026-11-20`.
    pub day: String,
    /// Key and cell; see `analytics/cell.rs`.
    pub cell: String,
}

holds! { Json: Fact => |fact| serde_json::to_value(fact).unwrap_or(Value::Null); }

impl Fact {
    /// `None` for a call that has not ended.
    pub fn of(call: &Call, zone: &TimeZone) -> Option<Self> {
        let end = call.disconnected_by?;
        let none = Map::new();
        let result = call.result.as_ref().unwrap_or(&none);
        let [stt, llm, tts] = vendors(result);
        let key = Key {
            bot: call.bot_id.to_string(),
            campaign: call.campaign_id.clone().unwrap_or_default(),
            direction: call.direction.clone().unwrap_or_default(),
            outcome: end.as_str().to_owned(),
            stt,
            llm,
            tts,
            disposition: call.verdict.as_ref().map(|verdict| verdict.disposition.clone()).unwrap_or_default(),
        };
        let mut cell = Cell::default();
        count(&mut cell, call, (end, part(result, "was_transferred")));
        charge(&mut cell, call.charges.as_ref());
        time(&mut cell, &part::<Vec<TurnLatency>>(result, "latency_samples"));
        Some(Self {
            hour: Stamp(hour_of(call.created_at.0, zone)),
            day: zone.to_datetime(call.created_at.0).date().to_string(),
            cell: cell::encode(&key, &cell),
        })
    }
}

/// The begin of the hour by the clocks of a zone.
pub fn hour_of(at: Timestamp, zone: &TimeZone) -> Timestamp {
    let offset = i64::from(zone.to_offset(at).seconds());
    let into = (at.as_second() + offset).rem_euclid(3_600);
    Timestamp::from_second(at.as_second() - into).unwrap_or(Timestamp::MIN)
}

/// What the result says there; nothing when it makes no sense.
pub fn part<T: DeserializeOwned + Default>(of: &Map<String, Value>, name: &str) -> T {
    of.get(name).and_then(|value| T::deserialize(value).ok()).unwrap_or_default()
}

/// The vendors that count for a call, of recogniser, model and voice; empty where there was none.
pub fn vendors(result: &Map<String, Value>) -> [String; 3] {
    let used: Vec<Usage> = part(result, "usage_metrics");
    ["stt", "llm", "tts"].map(|kind| main_vendor(&used, kind))
}

/// The vendor of a service that did the most of it.
fn main_vendor(used: &[Usage], kind: &str) -> String {
    let weight = |usage: &Usage| match kind {
        "stt" => (usage.seconds * 1e3) as u64,
        "llm" => usage.tokens_in.saturating_add(usage.tokens_out),
        _ => usage.characters,
    };
    let of_kind = used.iter().filter(|usage| usage.kind == kind);
    let most = of_kind.max_by_key(|usage| (weight(usage), usage.requests));
    most.map(|usage| usage.provider.clone()).unwrap_or_default()
}

fn count(cell: &mut Cell, call: &Call, (end, was_transferred): (DisconnectedBy, bool)) {
    let transferred = was_transferred || end == DisconnectedBy::TransferToAgent;
    let contained = CallStatus::of(end) == CallStatus::Completed && !transferred;
    cell.set(Sum::Calls, 1);
    cell.set(Sum::Duration, milliseconds(call.duration_seconds));
    cell.set(Sum::Contained, i64::from(contained));
    cell.set(Sum::Transferred, i64::from(transferred));
}

#[expect(clippy::cast_possible_truncation, reason = "it is between 0 and a day")]
fn milliseconds(seconds: Option<f64>) -> i64 {
    let ms = seconds.unwrap_or_default() * 1e3;
    if ms.is_nan() { 0 } else { ms.round().clamp(0.0, MAX_MS) as i64 }
}

fn charge(cell: &mut Cell, charges: Option<&Charges>) {
    for line in charges.into_iter().flat_map(|charges| &charges.lines) {
        let of_service = match line.service.as_str() {
            "stt" => Some(Sum::MoneyStt),
            "llm" => Some(Sum::MoneyLlm),
            "tts" => Some(Sum::MoneyTts),
            _ => None,
        };
        for sum in [Some(Sum::Money), of_service].into_iter().flatten() {
            cell.set(sum, cell.sum(sum).saturating_add(line.amounts.money));
        }
        cell.set(Sum::Unpriced, cell.sum(Sum::Unpriced).saturating_add(line.amounts.unpriced));
    }
}

fn time(cell: &mut Cell, turns: &[TurnLatency]) {
    for turn in turns {
        for (part, ms) in [
            (Part::Endpoint, turn.endpoint_ms),
            (Part::Stt, turn.stt_ms),
            (Part::Llm, turn.llm_ms),
            (Part::Tts, turn.tts_ms),
            (Part::Platform, turn.platform_ms),
            (Part::WireToEar, turn.total_ms),
        ] {
            cell.latency_mut(part).record(ms);
        }
    }
}

/// So long is every hour of the sums.
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_by_the_clocks_of_the_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (zone, began, hour) in [
            ("UTC", "2026-11-20T10:59:59Z", "2026-11-20T10:00:00Z"),
            ("Asia/Kolkata", "2026-11-20T10:29:59Z", "2026-11-20T09:30:00Z"),
            ("Asia/Kolkata", "2026-11-20T10:30:00Z", "2026-11-20T10:30:00Z"),
            ("Asia/Kathmandu", "2026-11-20T10:20:00Z", "2026-11-20T10:15:00Z"),
            ("UTC", "1969-12-31T23:59:59Z", "1969-12-31T23:00:00Z"),
        ] {
            assert_eq!(hour_of(at(began), &TimeZone::get(zone).unwrap()), at(hour), "{zone} {began}");
        }
    }

    #[test]
    fn durations_that_make_no_sense_are_none_or_a_day() {
        let found = [None, Some(f64::NAN), Some(-3.0), Some(1.2345), Some(f64::INFINITY)].map(milliseconds);
        assert_eq!(found, [0, 0, 0, 1_235, 86_400_000]);
    }

    #[test]
    fn the_vendor_that_did_the_most_counts() {
        let usage = |provider: &str, kind: &str, tokens_in| Usage {
            provider: provider.into(),
            kind: kind.into(),
            tokens_in,
            ..Usage::default()
        };
        let used = [usage("a", "llm", 10), usage("b", "llm", 90), usage("c", "tts", 900)];
        assert_eq!(main_vendor(&used, "llm"), "b");
        assert_eq!(main_vendor(&used, "stt"), "");
    }
}
