//! What the metrics tell of calls that have their record: how they ended, how long callers waited, and what they cost. Models and
//! voices are words of bots and the rest comes from workers, so there are only so many labels.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vox_shared::ids::TenantId;
use vox_shared::labels::Words;
use vox_shared::wire::answers::{Answer, Service};
use vox_shared::wire::result::CallResult;

use crate::store::calls::CallStatus;
use crate::store::ledger::{EntryKind, Line};

/// Tenants that are labels.
const TENANTS: usize = 1_000;
/// Vendors that are.
const PROVIDERS: usize = 64;
/// Models, and voices, that are.
const NAMES: usize = 256;
/// Upper bounds of delays, seconds. Wire to ear 0.8 s is good, 2 s is an alert.
const DELAYS: [f64; 12] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
/// Upper bounds of the lengths of calls, seconds.
const LENGTHS: [f64; 9] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
/// Amounts of the ledger in one unit of money.
const MICRO_UNITS: f64 = 1e6;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    tenant: String,
    direction: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lasted {
    tenant: String,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Whose {
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Vendor {
    tenant: String,
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    tenant: String,
    provider: String,
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Voice {
    tenant: String,
    provider: String,
    voice: String,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The calls' part of the metrics.
pub struct Calls {
    ended: Family<Ended, Counter>,
    active: Family<Whose, Gauge>,
    length: Histograms<Lasted>,
    wire_to_ear: Histograms<Whose>,
    stt: Histograms<Vendor>,
    llm: Histograms<Model>,
    tts: Histograms<Voice>,
    cost: Family<Vendor, Counter<f64, AtomicU64>>,
    tenants: Option<Words>,
    providers: Words,
    models: Words,
    voices: Words,
}

fn delays() -> Histogram {
    Histogram::new(DELAYS)
}

fn lengths() -> Histogram {
    Histogram::new(LENGTHS)
}

impl Calls {
    /// `show_tenants`: whether calls are labelled with their tenant.
    pub(super) fn new(show_tenants: bool) -> Self {
        Self {
            ended: Family::default(),
            active: Family::default(),
            length: Family::new_with_constructor(lengths),
            wire_to_ear: Family::new_with_constructor(delays),
            stt: Family::new_with_constructor(delays),
            llm: Family::new_with_constructor(delays),
            tts: Family::new_with_constructor(delays),
            cost: Family::default(),
            tenants: show_tenants.then(|| Words::new(TENANTS)),
            providers: Words::new(PROVIDERS),
            models: Words::new(NAMES),
            voices: Words::new(NAMES),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("calls", "Calls with a terminal record", self.ended.clone());
        registry.register("calls_active", "Running calls that workers told of", self.active.clone());
        registry.register("call_duration_seconds", "Length of calls", self.length.clone());
        registry.register("e2e_latency_seconds", "Wire to ear, per turn", self.wire_to_ear.clone());
        registry.register("stt_latency_seconds", "End of a turn to its final transcript", self.stt.clone());
        registry.register("llm_latency_seconds", "Request to the model's first token", self.llm.clone());
        registry.register("tts_latency_seconds", "Text to the voice's first audio", self.tts.clone());
        registry.register("provider_cost", "What vendors cost, by the price table", self.cost.clone());
    }

    fn tenant(&self, tenant: &TenantId) -> String {
        self.tenants.as_ref().map(|tenants| tenants.label(tenant.as_str())).unwrap_or_default()
    }

    /// A call has its first terminal record, and was charged these lines.
    pub fn ended(&self, tenant: &TenantId, result: &CallResult, charged: &[Line]) {
        let tenant = self.tenant(tenant);
        let direction = match result.call_direction.as_deref() {
            Some("outgoing") => "outgoing",
            _ => "incoming",
        };
        let status = CallStatus::of(result.disconnected_by).as_str();
        self.ended.get_or_create(&Ended { tenant: tenant.clone(), direction, status }).inc();
        let lasted = Lasted { tenant: tenant.clone(), direction };
        self.length.get_or_create(&lasted).observe(finite(result.call_duration_seconds));
        for turn in &result.latency_samples {
            let whose = Whose { tenant: tenant.clone() };
            self.wire_to_ear.get_or_create(&whose).observe(finite(turn.total_ms / 1e3));
        }
        result.answers().for_each(|answer| self.answered(&tenant, &answer));
        charged.iter().for_each(|line| self.charged(&tenant, line));
    }

    fn answered(&self, tenant: &str, answer: &Answer<'_>) {
        let (tenant, provider) = (tenant.to_owned(), self.providers.label(answer.provider));
        match answer.service {
            Service::Stt => self.stt.get_or_create(&Vendor { tenant, provider }).observe(answer.seconds),
            Service::Llm => {
                let model = Model { tenant, provider, model: self.models.label(answer.model) };
                self.llm.get_or_create(&model).observe(answer.seconds);
            }
            Service::Tts => {
                let voice = Voice { tenant, provider, voice: self.voices.label(answer.voice) };
                self.tts.get_or_create(&voice).observe(answer.seconds);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric, and the ledger is exact")]
    fn charged(&self, tenant: &str, line: &Line) {
        if line.entry != EntryKind::Vendor {
            return;
        }
        let vendor = Vendor { tenant: tenant.to_owned(), provider: self.providers.label(&line.vendor) };
        self.cost.get_or_create(&vendor).inc_by(line.amounts.money.max(0) as f64 / MICRO_UNITS);
    }

    /// Calls that run now, by tenant.
    pub(super) fn running(&self, by_tenant: impl Iterator<Item = (TenantId, usize)>) {
        let mut sums = BTreeMap::<String, i64>::new();
        for (tenant, calls) in by_tenant {
            let sum = sums.entry(self.tenant(&tenant)).or_default();
            *sum = sum.saturating_add(i64::try_from(calls).unwrap_or(i64::MAX));
        }
        self.active.clear();
        for (tenant, calls) in sums {
            // Set, not added: somebody else may read the metrics at this moment.
            self.active.get_or_create(&Whose { tenant }).set(calls);
        }
    }
}

/// A worker may say anything.
fn finite(seconds: f64) -> f64 {
    if seconds.is_finite() { seconds.max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_run_are_not_counted_twice_by_two_who_read_at_once() {
        let calls = Calls::new(false);
        let running = || ["one", "other"].map(|tenant| (tenant.parse().unwrap(), 2)).into_iter();
        for _ in 0..500 {
            std::thread::scope(|scope| {
                scope.spawn(|| calls.running(running()));
                scope.spawn(|| calls.running(running()));
            });
            assert_eq!(calls.active.get_or_create(&Whose { tenant: String::new() }).get(), 4);
        }
    }
}
