//! How the fleet is shown.

use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::wire::fleet::VendorStanding;

use crate::fleet::sight::{Seat, Sight, Standing, Station, standing, total};
use crate::store::hosts::Reading;
use crate::vendors::breaker::State;

/// The whole deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetView {
    pub capacity: u32,
    pub active: u32,
    pub available: u32,
    /// Slots that are promised to calls about to be placed.
    pub reserved: u32,
    pub hosts: Vec<HostView>,
}

/// One machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct HostView {
    /// The address of its first worker, or where it is polled.
    pub url: String,
    pub host: String,
    /// `ok`, `draining`, or `unhealthy` (a polled one; `error` says why).
    pub status: &'static str,
    pub total_capacity: u32,
    pub total_available: u32,
    pub worker_calls: u32,
    pub reserved: u32,
    /// Why it is not healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the bridge asks it, because its workers do not register.
    pub polled: bool,
    /// Of a polled host as it tells them itself.
    #[schema(value_type = Vec<WorkerView>)]
    pub workers: Vec<serde_json::Value>,
}

/// One worker that registers.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerView {
    pub id: String,
    pub address: String,
    pub calls: u32,
    pub max: u32,
    pub reserved: u32,
    pub pid: u32,
    pub build: String,
    pub draining: bool,
    pub session_id: Option<String>,
    pub outbox_depth: u64,
    pub outbox_oldest_seconds: f64,
    pub outbox_rejected: u64,
    /// How the vendors of its calls did.
    pub vendors: Vec<VendorView>,
}

/// How a vendor did in the calls of a worker. The figures are of at most a hundred answers of the last half hour: of a recogniser from
/// the end of a turn to its final words, of a model to its first token, of a voice to its first sound.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorView {
    /// `stt`, `llm` or `tts`.
    pub service: &'static str,
    pub provider: String,
    /// Behind an address of the tenant's own.
    pub own_server: bool,
    /// The first eight characters of the SHA-256 of the key.
    pub key: String,
    pub model: String,
    /// Of the key at this vendor, in this worker.
    pub breaker: State,
    pub samples: u32,
    pub p50_ms: Option<f64>,
    pub p90_ms: Option<f64>,
    pub p95_ms: Option<f64>,
}

/// The view of an operator, by host.
pub fn view(sight: &Sight) -> FleetView {
    let sum = sight.capacity();
    let hosts = sight.by_host().into_iter().map(|(host, seats)| host_view(host, &seats)).collect();
    FleetView {
        capacity: sum.total,
        active: sum.active,
        available: sum.available,
        reserved: sum.reserved,
        hosts,
    }
}

fn host_view(host: &str, seats: &[&Seat]) -> HostView {
    let (sum, standing) = (total(seats), standing(seats));
    HostView {
        url: seats.first().map(|seat| seat.address().to_owned()).unwrap_or_default(),
        host: host.to_owned(),
        status: standing.as_str(),
        total_capacity: sum.total,
        total_available: sum.available,
        worker_calls: sum.active,
        reserved: sum.reserved,
        error: match standing {
            Standing::Unhealthy(why) => Some(why),
            Standing::Ok | Standing::Draining => None,
        },
        polled: seats.iter().any(|seat| matches!(seat.station, Station::Polled(_))),
        workers: seats.iter().flat_map(|seat| workers(seat)).collect(),
    }
}

fn workers(seat: &Seat) -> Vec<serde_json::Value> {
    match &seat.station {
        Station::Worker(_) => {
            worker_view(seat).and_then(|w| serde_json::to_value(w).ok()).into_iter().collect()
        }
        Station::Polled(host) => match host.value.polled.as_ref().map(|polled| &polled.said) {
            Some(Ok(Reading { workers, .. })) => workers.clone(),
            _ => Vec::new(),
        },
    }
}

fn worker_view(seat: &Seat) -> Option<WorkerView> {
    let Station::Worker(worker) = &seat.station else { return None };
    let report = worker.value.report.clone();
    Some(WorkerView {
        id: report.worker_id.to_string(),
        address: report.address,
        calls: report.calls,
        max: report.slots,
        reserved: seat.capacity.reserved,
        pid: report.pid,
        build: report.build,
        draining: report.draining,
        session_id: report.session_id.map(|s| s.to_string()),
        outbox_depth: report.outbox_depth,
        outbox_oldest_seconds: report.outbox_oldest_seconds,
        outbox_rejected: report.outbox_rejected,
        vendors: report.vendors.into_iter().map(vendor_view).collect(),
    })
}

fn vendor_view(of: VendorStanding) -> VendorView {
    VendorView {
        service: of.service.as_str(),
        own_server: of.base_url.is_some(),
        provider: of.provider,
        key: of.key,
        model: of.model,
        breaker: of.breaker.into(),
        samples: of.samples,
        p50_ms: of.p50_ms,
        p90_ms: of.p90_ms,
        p95_ms: of.p95_ms,
    }
}
