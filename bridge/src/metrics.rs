//! What `/metrics` shows. Names and labels are a contract; label sets are bounded: paths are route templates.

pub mod backlog;
pub mod calls;
pub mod campaigns;
mod livekit;
pub mod stores;
pub mod vendors;

use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use vox_shared::ids::TenantId;

use crate::live::Figures;
use crate::store::engine::Connections;
use backlog::Backlog;
use calls::Calls;
use campaigns::Campaigns;
use livekit::Rooms;
use stores::Operations;
use vendors::Vendors;

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
struct Attempted {
    outcome: &'static str,
}

/// Connections to servers.
#[derive(Default)]
struct Servers {
    db_active: Gauge,
    db_most: Gauge,
    redis_active: Gauge,
}

/// The process's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<Requested, Counter>,
    durations: Family<Timed, Histogram, fn() -> Histogram>,
    errors: Family<Failed, Counter>,
    jobs: Family<Tried, Counter>,
    attempts: Family<Attempted, Counter>,
    streams: Gauge,
    alone: Family<Alone, Counter>,
    unopened: Counter,
    live: Figures,
    lost_requests: Counter,
    servers: Servers,
    calls: Calls,
    operations: Operations,
    backlog: Backlog,
    vendors: Vendors,
    rooms: Rooms,
    campaigns: Campaigns,
}

/// What is told of the process whenever somebody reads its metrics.
pub struct Now {
    pub documents: Connections,
    /// Connections for coordination.
    pub redis: u32,
    pub running: HashMap<TenantId, usize>,
}

impl Metrics {
    /// `show_tenants`: whether calls are labelled with their tenant.
    pub fn new(show_tenants: bool) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor((|| Histogram::new(DURATIONS)) as fn() -> Histogram),
            errors: Family::default(),
            jobs: Family::default(),
            attempts: Family::default(),
            streams: Gauge::default(),
            alone: Family::default(),
            unopened: Counter::default(),
            live: Figures::default(),
            lost_requests: Counter::default(),
            servers: Servers::default(),
            calls: Calls::new(show_tenants),
            operations: Operations::default(),
            backlog: Backlog::default(),
            vendors: Vendors::default(),
            rooms: Rooms::default(),
            campaigns: Campaigns::default(),
        };
        metrics.registered()
    }

    /// What campaigns do.
    pub fn campaigns(&self) -> &Campaigns {
        &self.campaigns
    }

    fn registered(mut self) -> Self {
        let to = &mut self.registry;
        to.register("http_requests", "Requests answered", self.requests.clone());
        to.register("http_request_duration_seconds", "Time to answer", self.durations.clone());
        to.register("errors", "Refused and failed requests by code", self.errors.clone());
        to.register("jobs", "Tries of jobs by what came of them", self.jobs.clone());
        to.register("webhook_attempts", "Attempts to send an event by outcome", self.attempts.clone());
        to.register("event_streams", "Streams of events that are open", self.streams.clone());
        to.register("coordination_alone", "Limits counted in this process alone", self.alone.clone());
        to.register("live_calls", "Running calls that workers told of", self.live.calls.clone());
        to.register("live_events", "Events of running calls", self.live.events.clone());
        to.register("live_events_missing", "Numbers missing among them", self.live.missing.clone());
        to.register("channel_events", "Events told on channels of Redis", self.live.announced.clone());
        to.register("channel_events_lost", "Events that could not be told on", self.live.unannounced.clone());
        to.register(
            "config_requests_lost",
            "Requests for configs not in their logs",
            self.lost_requests.clone(),
        );
        to.register("recordings_unopened", "Recordings that do not open", self.unopened.clone());
        let Servers { db_active, db_most, redis_active } = &self.servers;
        to.register("db_connections_active", "Connections to the documents at work", db_active.clone());
        to.register("db_connections_max", "As many as there may be", db_most.clone());
        to.register("redis_connections_active", "Open connections to Redis", redis_active.clone());
        self.calls.register(to);
        self.operations.register(to);
        self.backlog.register(to);
        self.vendors.register(to);
        self.rooms.register(to);
        self.campaigns.register(to);
        self
    }

    /// Show a kind of tries before there is one: of a row that begins with its first failure nobody sees that it grew.
    pub fn expects_jobs(&self, queue: &str, outcomes: &[&str]) {
        for outcome in outcomes {
            self.jobs.get_or_create(&Tried { queue: queue.into(), outcome: (*outcome).into() }).inc_by(0);
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

    /// What is told of calls.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// What is told of the stores.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// What is read from the stores.
    pub fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// What came of trying vendors.
    pub fn vendors(&self) -> &Vendors {
        &self.vendors
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

    /// An attempt to send an event to an endpoint has come to its end.
    pub fn webhook_attempted(&self, outcome: &'static str) {
        self.attempts.get_or_create(&Attempted { outcome }).inc();
    }

    /// A limit was counted without the other bridges, because they could not be asked.
    pub fn counted_alone(&self, what: &str) {
        self.alone.get_or_create(&Alone { what: what.into() }).inc();
    }

    /// The text of `/metrics`.
    pub fn render(&self, now: Now) -> Result<String, std::fmt::Error> {
        let number = i64::from;
        self.servers.db_active.set(number(now.documents.active));
        self.servers.db_most.set(number(now.documents.most));
        self.servers.redis_active.set(number(now.redis));
        self.calls.running(now.running.into_iter());
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
        let text = metrics
            .render(Now { documents: Connections::default(), redis: 0, running: HashMap::new() })
            .unwrap();
        let counted: Vec<&str> = text.lines().filter(|l| l.starts_with("http_requests_total{")).collect();
        assert_eq!(counted.len(), 2, "{counted:?}");
        assert!(text.contains(r#"method="other",path="/health",status="405"} 50"#), "{text}");
    }
}
