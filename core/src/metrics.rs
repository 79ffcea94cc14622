//! The worker's metrics. Names are listed in `docs/metrics.md`.

mod vendors;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vox_shared::wire::fleet::VendorStanding;
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use crate::courier::desk::Books;
use crate::courier::live::counts::Counts;
use crate::session::kind::EventKind;
use crate::transport::untidy::Untidy;
use vendors::Vendors;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    direction: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lasted {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fault {
    service: &'static str,
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Uploaded {
    outcome: &'static str,
}

/// A message that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Left {
    transport: &'static str,
    kind: &'static str,
}

/// The worker's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    calls: Family<Ended, Counter>,
    active: Gauge,
    refused: Counter,
    recovered: Counter,
    dropped: Family<Left, Counter>,
    duration: Family<Lasted, Histogram, fn() -> Histogram>,
    errors: Family<Fault, Counter>,
    wire_to_ear: Histogram,
    platform: Histogram,
    barge_in: Histogram,
    lateness: Histogram,
    vendors: Vendors,
    outbox_depth: Gauge,
    outbox_oldest: Gauge,
    outbox_rejected: Counter,
    uploads: Family<Uploaded, Counter>,
    results_in_memory: Gauge,
    /// Counted where they are told.
    pub live: Counts,
}

/// Events of a call that are faults.
const FAULTS: [EventKind; 6] = [
    EventKind::RecogniserFailed,
    EventKind::ModelFailed,
    EventKind::VoiceFailed,
    EventKind::ToolFailed,
    EventKind::LineFailed,
    EventKind::RecordingIncomplete,
];

/// Wire to ear: 0.8 s is good, 2 s is an alert.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
const SHORT: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5];
const LONG: [f64; 9] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::default()),
            calls: Family::default(),
            active: Gauge::default(),
            refused: Counter::default(),
            recovered: Counter::default(),
            dropped: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(LONG)),
            errors: Family::default(),
            wire_to_ear: Histogram::new(SECONDS),
            platform: Histogram::new(SHORT),
            barge_in: Histogram::new(SECONDS),
            lateness: Histogram::new(SHORT),
            vendors: Vendors::default(),
            outbox_depth: Gauge::default(),
            outbox_oldest: Gauge::default(),
            outbox_rejected: Counter::default(),
            uploads: Family::default(),
            results_in_memory: Gauge::default(),
            live: Counts::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register("calls", "Calls that ended, by how", self.calls.clone());
        registry.register("calls_active", "Calls now", self.active.clone());
        registry.register("calls_refused", "Calls not let in", self.refused.clone());
        let help = "Calls of workers that died, with which this one went on";
        registry.register("calls_recovered", help, self.recovered.clone());
        let help = "Messages of carriers that could not be used";
        registry.register("line_messages_dropped", help, self.dropped.clone());
        registry.register("call_duration_seconds", "Length of calls", self.duration.clone());
        registry.register("errors", "What went wrong, by kind", self.errors.clone());
        registry.register("e2e_latency_seconds", "Wire to ear, per turn", self.wire_to_ear.clone());
        registry.register(
            "platform_latency_seconds",
            "Our own share of a turn's delay",
            self.platform.clone(),
        );
        registry.register("barge_in_seconds", "Interrupting speech to silence", self.barge_in.clone());
        registry.register(
            "frame_lateness_seconds",
            "99th percentile of a call's frame lateness",
            self.lateness.clone(),
        );
        self.vendors.register(&mut registry);
        registry.register("recording_uploads", "Uploads of recordings by outcome", self.uploads.clone());
        registry.register("outbox_depth", "Records waiting for delivery", self.outbox_depth.clone());
        registry.register(
            "outbox_oldest_seconds",
            "Age of the oldest waiting record",
            self.outbox_oldest.clone(),
        );
        registry.register(
            "outbox_rejected",
            "Records that the bridge will never take",
            self.outbox_rejected.clone(),
        );
        registry.register(
            "results_in_memory",
            "Ends of calls that neither the disk nor the bridge has yet",
            self.results_in_memory.clone(),
        );
        let help = "Events of running calls that a bridge has taken";
        registry.register("live_events_sent", help, self.live.sent.clone());
        let help = "Events of running calls that were given up";
        registry.register("live_events_dropped", help, self.live.dropped.clone());
    }

    fn fault(&self, kind: &'static str) {
        self.errors.get_or_create(&Fault { service: "core", r#type: kind }).inc();
    }

    /// A call was let in.
    pub fn call_started(&self) {
        self.active.inc();
    }

    /// It goes on with the call of a worker that died.
    pub fn call_recovered(&self) {
        self.active.inc();
        self.recovered.inc();
    }

    /// A call was not let in.
    pub fn call_refused(&self) {
        self.refused.inc();
    }

    /// The bridge could not be asked for a call's config.
    pub fn control_plane_away(&self) {
        self.fault("control_plane_unavailable");
    }

    /// The disk does not take a call's birth.
    pub fn disk_refused(&self) {
        self.fault("no_record");
    }

    /// What a line's carrier sent and nobody could use, from its first message to its last.
    pub fn messages_dropped(&self, transport: &'static str, counts: &[(Untidy, u64)]) {
        for (kind, count) in counts {
            self.dropped.get_or_create(&Left { transport, kind: kind.as_str() }).inc_by(*count);
        }
    }

    /// A call that was let in has its record.
    pub fn call_ended(&self, result: &CallResult) {
        self.active.dec();
        let direction = match result.call_direction.as_deref() {
            Some("outgoing") => "outgoing",
            _ => "incoming",
        };
        let status = result.disconnected_by.as_str().to_owned();
        self.calls.get_or_create(&Ended { direction: direction.into(), status }).inc();
        self.duration.get_or_create(&Lasted { direction }).observe(result.call_duration_seconds);
        self.lateness.observe(result.latency.frame_lateness_p99_ms / 1e3);
        for turn in &result.latency_samples {
            self.wire_to_ear.observe(turn.total_ms / 1e3);
            self.platform.observe(turn.platform_ms / 1e3);
        }
        for ms in &result.latency.barge_in_ms {
            self.barge_in.observe(ms / 1e3);
        }
        self.vendors.call_ended(result);
        self.count_faults(result);
    }

    fn count_faults(&self, result: &CallResult) {
        if result.disconnected_by == DisconnectedBy::Error {
            self.fault("call_failed");
        }
        for event in &result.events {
            if let Some(kind) = FAULTS.into_iter().find(|kind| event.event == kind.as_str()) {
                self.fault(kind.as_str());
            }
        }
    }

    /// How the vendors stand, and how often models were asked twice.
    pub fn show_vendors(&self, standings: &[VendorStanding], seconds: u64) {
        self.vendors.show(standings, seconds);
    }

    /// All metrics as text, with the outbox and what the courier has in hand as they are now.
    pub fn render(&self, outbox: &vox_shared::outbox::Outbox, books: &Books) -> String {
        let stats = outbox.stats();
        self.outbox_depth.set(i64::try_from(stats.depth).unwrap_or(i64::MAX));
        self.outbox_rejected.inner().store(stats.rejected + books.refused(), Ordering::Relaxed);
        for (outcome, count) in books.uploads() {
            self.uploads.get_or_create(&Uploaded { outcome }).inner().store(count, Ordering::Relaxed);
        }
        self.results_in_memory.set(i64::try_from(books.held()).unwrap_or(i64::MAX));
        let oldest = outbox.oldest_age().unwrap_or_default().as_secs();
        self.outbox_oldest.set(i64::try_from(oldest).unwrap_or(i64::MAX));
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing into a string cannot fail.
        let _infallible = encode(&mut text, &registry);
        text
    }
}
