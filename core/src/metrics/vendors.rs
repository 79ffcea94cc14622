//! What the metrics tell of vendors: how long they take to answer, how often they fail, and their breakers. Models and voices are words of bots,
//! so there are only so many labels.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vox_shared::labels::Words;
use vox_shared::wire::answers::{Answer, Service};
use vox_shared::wire::fleet::{BreakerState, VendorStanding};
use vox_shared::wire::result::CallResult;

use super::SECONDS;

/// Vendors that are labels.
const PROVIDERS: usize = 64;
/// Models, and voices, that are.
const NAMES: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Recogniser {
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    provider: String,
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Voice {
    provider: String,
    voice: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    provider: String,
    kind: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Guarded {
    service: String,
    kind: &'static str,
}

type Latencies<L> = Family<L, Histogram, fn() -> Histogram>;

/// The vendors' part of the metrics.
#[derive(Debug)]
pub(super) struct Vendors {
    stt: Latencies<Recogniser>,
    llm: Latencies<Model>,
    tts: Latencies<Voice>,
    requests: Family<Asked, Counter>,
    breakers: Family<Guarded, Gauge>,
    seconds: Counter,
    providers: Words,
    models: Words,
    voices: Words,
}

fn latency() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Vendors {
    fn default() -> Self {
        Self {
            stt: Family::new_with_constructor(latency),
            llm: Family::new_with_constructor(latency),
            tts: Family::new_with_constructor(latency),
            requests: Family::default(),
            breakers: Family::default(),
            seconds: Counter::default(),
            providers: Words::new(PROVIDERS),
            models: Words::new(NAMES),
            voices: Words::new(NAMES),
        }
    }
}

impl Vendors {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("stt_latency_seconds", "End of a turn to its final transcript", self.stt.clone());
        registry.register("llm_latency_seconds", "Request to the model's first token", self.llm.clone());
        registry.register("tts_latency_seconds", "Text to the voice's first audio", self.tts.clone());
        registry.register("provider_requests", "Requests to vendors by outcome", self.requests.clone());
        let help = "Breakers of vendors: 0 closed, 1 half open, 2 open";
        registry.register("circuit_breaker_state", help, self.breakers.clone());
        let help = "Models that were late and were asked once more";
        registry.register("model_second_requests", help, self.seconds.clone());
    }

    /// The vendors as they stand now. Of several accounts of a vendor the worst breaker counts.
    pub(super) fn show(&self, standings: &[VendorStanding], seconds: u64) {
        let mut worst = BTreeMap::new();
        for standing in standings {
            let of = (standing.service, self.providers.label(&standing.provider));
            let known = worst.entry(of).or_insert(standing.breaker);
            *known = standing.breaker.max(*known);
        }
        self.breakers.clear();
        for ((kind, service), breaker) in worst {
            let number = match breaker {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            self.breakers.get_or_create(&Guarded { service, kind: kind.as_str() }).set(number);
        }
        self.seconds.inner().store(seconds, Ordering::Relaxed);
    }

    /// A call has its record.
    pub(super) fn call_ended(&self, result: &CallResult) {
        result.answers().for_each(|answer| self.answered(&answer));
        for usage in &result.usage_metrics {
            let asked = |outcome| Asked {
                provider: self.providers.label(&usage.provider),
                kind: usage.kind.clone(),
                outcome,
            };
            let ok = usage.requests.saturating_sub(usage.failures);
            self.requests.get_or_create(&asked("ok")).inc_by(ok);
            self.requests.get_or_create(&asked("failed")).inc_by(usage.failures);
        }
    }

    fn answered(&self, answer: &Answer<'_>) {
        let provider = self.providers.label(answer.provider);
        match answer.service {
            Service::Stt => self.stt.get_or_create(&Recogniser { provider }).observe(answer.seconds),
            Service::Llm => {
                let model = Model { provider, model: self.models.label(answer.model) };
                self.llm.get_or_create(&model).observe(answer.seconds);
            }
            Service::Tts => {
                let voice = Voice { provider, voice: self.voices.label(answer.voice) };
                self.tts.get_or_create(&voice).observe(answer.seconds);
            }
        }
    }
}
