//! What `/metrics` shows. Names and labels are a contract; label sets are bounded: paths are route templates.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::fleet::sight::Capacity;
use crate::live::Figures;

/// Upper bounds of request durations, seconds. 10 ms is the bar for config fetches.
const DURATIONS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requested {
    method: String,
    path: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    method: String,
    path: String,
}

/// A call that reached its terminal record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    pub tenant: String,
    pub direction: String,
    pub status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    service: String,
    r#type: String,
}

/// What was counted in this process alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Alone {
    what: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tried {
    queue: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SlotState {
    state: String,
}

/// The process's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<Requested, Counter>,
    durations: Family<Timed, Histogram, fn() -> Histogram>,
    calls: Family<Ended, Counter>,
    errors: Family<Failed, Counter>,
    slots: Family<SlotState, Gauge>,
    jobs: Family<Tried, Counter>,
    streams: Gauge,
    alone: Family<Alone, Counter>,
    unopened: Counter,
    live: Figures,
    lost_requests: Counter,
    show_tenants: bool,
}

impl Metrics {
    /// `show_tenants`: whether calls are labelled with their tenant.
    pub fn new(show_tenants: bool) -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(DURATIONS)) as fn() -> Histogram);
        let (calls, errors, slots) = (Family::default(), Family::default(), Family::default());
        let (streams, alone, live) = (Gauge::default(), Family::default(), Figures::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", durations.clone());
        registry.register("calls", "Calls with a terminal record", calls.clone());
        registry.register("errors", "Refused and failed requests by code", errors.clone());
        registry.register("slots", "Call slots of the fleet", slots.clone());
        let jobs = Family::default();
        registry.register("jobs", "Tries of jobs by what came of them", jobs.clone());
        registry.register("event_streams", "Streams of events that are open", streams.clone());
        registry.register("coordination_alone", "Limits counted in this process alone", alone.clone());
        registry.register("live_calls", "Running calls that workers told of", live.calls.clone());
        registry.register("live_events", "Events of running calls", live.events.clone());
        registry.register("live_events_missing", "Numbers missing among them", live.missing.clone());
        let lost_requests = Counter::default();
        registry.register(
            "config_requests_lost",
            "Requests for configs not in their logs",
            lost_requests.clone(),
        );
        let unopened = Counter::default();
        registry.register("recordings_unopened", "Recordings that do not open", unopened.clone());
        Self {
            lost_requests,
            registry,
            requests,
            durations,
            calls,
            errors,
            slots,
            jobs,
            streams,
            alone,
            unopened,
            live,
            show_tenants,
        }
    }

    /// Requests for configs are not in the logs of their bots.
    pub fn config_requests_lost(&self, many: usize) {
        self.lost_requests.inc_by(many as u64);
    }

    /// How many were not.
    pub fn lost_config_requests(&self) -> u64 {
        self.lost_requests.get()
    }

    /// Recordings that were found changed, cut or moved.
    pub fn unopened(&self) -> &Counter {
        &self.unopened
    }

    /// What was told of running calls.
    pub fn live(&self) -> &Figures {
        &self.live
    }

    /// Streams of events that are open.
    pub fn streams(&self) -> &Gauge {
        &self.streams
    }

    pub fn request(&self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let method = if path == "unmatched" { "any" } else { known(method) }.to_owned();
        let path = path.to_owned();
        let requested = Requested { method: method.clone(), path: path.clone(), status: status.as_u16() };
        self.requests.get_or_create(&requested).inc();
        self.durations.get_or_create(&Timed { method, path }).observe(took.as_secs_f64());
    }

    pub fn error(&self, code: &str) {
        self.errors.get_or_create(&Failed { service: "bridge".into(), r#type: code.into() }).inc();
    }

    pub fn job_tried(&self, queue: &str, outcome: &str) {
        self.jobs.get_or_create(&Tried { queue: queue.into(), outcome: outcome.into() }).inc();
    }

    pub fn call_ended(&self, mut ended: Ended) {
        if !self.show_tenants {
            ended.tenant.clear();
        }
        self.calls.get_or_create(&ended).inc();
    }

    /// A limit was counted without the other bridges, because they could not be asked.
    pub fn counted_alone(&self, what: &str) {
        self.alone.get_or_create(&Alone { what: what.into() }).inc();
    }

    /// The text of `/metrics`.
    pub fn render(&self, capacity: Capacity) -> Result<String, std::fmt::Error> {
        for (state, value) in
            [("free", capacity.available), ("busy", capacity.active), ("reserved", capacity.reserved)]
        {
            self.slots.get_or_create(&SlotState { state: state.into() }).set(i64::from(value));
        }
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A client may invent methods, and the 405 that answers one must not become a label that stays for ever.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_share_one_label() {
        let metrics = Metrics::new(false);
        for n in 0..50 {
            let method = Method::from_bytes(format!("INVENTED{n}").as_bytes()).unwrap();
            metrics.request(&method, "/health", StatusCode::METHOD_NOT_ALLOWED, Duration::ZERO);
        }
        metrics.request(&Method::GET, "/health", StatusCode::OK, Duration::ZERO);
        let text = metrics.render(Capacity::default()).unwrap();
        let counted: Vec<&str> = text.lines().filter(|l| l.starts_with("http_requests_total{")).collect();
        assert_eq!(counted.len(), 2, "{counted:?}");
        assert!(text.contains(r#"method="other",path="/health",status="405"} 50"#), "{text}");
    }
}
