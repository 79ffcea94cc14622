//! The dialler's metrics. Names are listed in `docs/metrics.md`.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    pub ending: &'static str,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refused {
    pub reason: &'static str,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct State {
    pub state: &'static str,
}

const READY_SECONDS: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0];

/// See the module.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Requests to dial that were sent.
    pub dials: Counter,
    /// Attempts that are over, by how.
    pub ended: Family<Ended, Counter>,
    /// Claims that were refused, by why.
    pub refused: Family<Refused, Counter>,
    /// Lines now, by state: preparing, ringing, talking, recovering.
    pub lines: Family<State, Gauge>,
    /// Partitions that are held.
    pub leases: Gauge,
    /// Calls that were taken over from another dialler.
    pub adopted: Counter,
    /// Attempts whose rooms are waited out.
    pub recoveries: Counter,
    /// From the order to the worker until it is ready, seconds.
    pub ready: Histogram,
    /// Whether rooms have to be made before they are joined: without it no campaign runs.
    pub fuse: Gauge,
    /// Trunks that are left alone.
    pub open_trunks: Gauge,
    /// Rooms that should not be there, at the last look.
    pub stray_rooms: Gauge,
    /// Of them: deleted.
    pub deleted_rooms: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            dials: Counter::default(),
            ended: Family::default(),
            refused: Family::default(),
            lines: Family::default(),
            leases: Gauge::default(),
            adopted: Counter::default(),
            recoveries: Counter::default(),
            ready: Histogram::new(READY_SECONDS),
            fuse: Gauge::default(),
            open_trunks: Gauge::default(),
            stray_rooms: Gauge::default(),
            deleted_rooms: Counter::default(),
        };
        let mut registry = Registry::with_prefix("dialler");
        registry.register("dials", "Requests to dial that were sent", metrics.dials.clone());
        registry.register("attempts_ended", "Attempts that are over, by how", metrics.ended.clone());
        registry.register("claims_refused", "Claims that were refused, by why", metrics.refused.clone());
        registry.register("lines", "Lines now, by state", metrics.lines.clone());
        registry.register("leases", "Partitions held", metrics.leases.clone());
        registry.register(
            "calls_adopted",
            "Running calls of other diallers that were taken over",
            metrics.adopted.clone(),
        );
        registry.register("recoveries", "Attempts whose rooms were waited out", metrics.recoveries.clone());
        registry.register(
            "ready_seconds",
            "From the order to a worker until it is ready",
            metrics.ready.clone(),
        );
        registry.register("fuse", "1: rooms have to be made before they are joined", metrics.fuse.clone());
        registry.register("trunks_open", "Trunks that are left alone", metrics.open_trunks.clone());
        registry.register(
            "rooms_stray",
            "Rooms without an attempt that is under way",
            metrics.stray_rooms.clone(),
        );
        registry.register(
            "rooms_deleted",
            "Rooms that were deleted long after their attempts",
            metrics.deleted_rooms.clone(),
        );
        Self { registry: Mutex::new(registry), ..metrics }
    }
}

impl Metrics {
    /// The page, in the OpenMetrics text form.
    pub fn page(&self) -> String {
        let mut page = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut page, &registry).expect("a string takes any text");
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_as_documented() {
        let metrics = Metrics::default();
        metrics.ended.get_or_create(&Ended { ending: "busy" }).inc();
        metrics.refused.get_or_create(&Refused { reason: "cap" }).inc();
        metrics.lines.get_or_create(&State { state: "ringing" }).set(1);
        let page = metrics.page();
        let mut told: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
            .map(|(name, kind)| {
                let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
                (name, kind.to_owned())
            })
            .collect();
        let document = include_str!("../../docs/metrics.md");
        let rows = document.lines().filter(|line| line.starts_with("| `dialler_"));
        let mut documented: Vec<_> = rows
            .map(|row| {
                let cells: Vec<_> = row.split('|').map(str::trim).collect();
                (cells[1].trim_end_matches('†').trim().trim_matches('`').to_owned(), cells[2].to_owned())
            })
            .collect();
        told.sort();
        documented.sort();
        assert_eq!(told, documented);
    }
}
