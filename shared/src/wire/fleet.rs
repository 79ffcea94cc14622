//! Worker registration (core to bridge, `POST /api/v1/fleet/workers`, renewed before the TTL runs out).

use serde::{Deserialize, Serialize};

use crate::ids::{SessionId, WorkerId};

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    pub worker_id: WorkerId,
    /// The machine, for grouping.
    pub host: String,
    /// Where its HTTP surface is reached by the bridge (`http://127.0.0.1:9001`).
    pub address: String,
    /// Calls it can hold: 1.
    pub slots: u32,
    pub calls: u32,
    /// Build version.
    pub build: String,
    pub draining: bool,
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// It takes orders for its running call (`POST /calls/{session_id}/orders`). Workers from before say nothing.
    #[serde(default)]
    pub takes_orders: bool,
    /// Supervisors can be seated in its calls in rooms. Workers from before say nothing.
    #[serde(default)]
    pub seats_supervisors: bool,
    #[serde(default)]
    pub outbox_depth: u64,
    #[serde(default)]
    pub outbox_oldest_seconds: f64,
    #[serde(default)]
    pub outbox_rejected: u64,
}

/// The bridge's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerLease {
    /// The registration is forgotten after this many seconds without renewal.
    pub ttl_seconds: u32,
}
