//! How the fleet is shown.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::fleet::{Capacity, capacity};
use crate::store::workers::Registration;

/// The whole deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetView {
    pub capacity: u32,
    pub active: u32,
    pub available: u32,
    pub hosts: Vec<HostView>,
}

/// One machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct HostView {
    /// The address of its first worker.
    pub url: String,
    pub host: String,
    /// `ok` or `draining`.
    pub status: &'static str,
    pub total_capacity: u32,
    pub total_available: u32,
    pub worker_calls: u32,
    pub workers: Vec<WorkerView>,
}

/// One worker.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerView {
    pub id: String,
    pub address: String,
    pub calls: u32,
    pub max: u32,
    pub pid: u32,
    pub build: String,
    pub draining: bool,
    pub session_id: Option<String>,
    pub outbox_depth: u64,
    pub outbox_oldest_seconds: f64,
    pub outbox_rejected: u64,
}

/// The view of an operator, by host.
pub fn view(workers: &[Registration]) -> FleetView {
    let Capacity { total, active, available } = capacity(workers);
    let mut hosts: BTreeMap<&str, Vec<&Registration>> = BTreeMap::new();
    for worker in workers {
        hosts.entry(&worker.report.host).or_default().push(worker);
    }
    let hosts = hosts.into_iter().map(|(host, workers)| host_view(host, &workers)).collect();
    FleetView { capacity: total, active, available, hosts }
}

fn host_view(host: &str, workers: &[&Registration]) -> HostView {
    let sum = capacity(workers.iter().copied());
    HostView {
        url: workers.first().map(|w| w.report.address.clone()).unwrap_or_default(),
        host: host.to_owned(),
        status: if workers.iter().all(|w| w.report.draining) { "draining" } else { "ok" },
        total_capacity: sum.total,
        total_available: sum.available,
        worker_calls: sum.active,
        workers: workers.iter().map(|w| worker_view(w)).collect(),
    }
}

fn worker_view(worker: &Registration) -> WorkerView {
    let report = worker.report.clone();
    WorkerView {
        id: report.worker_id.to_string(),
        address: report.address,
        calls: report.calls,
        max: report.slots,
        pid: report.pid,
        build: report.build,
        draining: report.draining,
        session_id: report.session_id.map(|s| s.to_string()),
        outbox_depth: report.outbox_depth,
        outbox_oldest_seconds: report.outbox_oldest_seconds,
        outbox_rejected: report.outbox_rejected,
    }
}
