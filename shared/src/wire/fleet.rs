//! Worker registration (core to bridge, `POST /api/v1/fleet/workers`, renewed before the TTL runs out).

use serde::{Deserialize, Serialize};

use super::answers::Service;
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
    /// How the vendors of its calls did, as far as it remembers. Workers from before say nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendors: Vec<VendorStanding>,
    /// The permits of its running call, by their names (`super::permit`). Workers from before say nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permits: Vec<String>,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    #[default]
    Closed,
    /// It was open, and its time is over: the next one who asks tries it.
    HalfOpen,
    Open,
}

/// How a vendor did in a worker's calls. The breaker is of the account; the figures are of the model, of at most a hundred answers of
/// the last half hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VendorStanding {
    pub service: Service,
    pub provider: String,
    /// An address of the tenant's own; none for the vendor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The first eight characters of the SHA-256 of the key.
    pub key: String,
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub breaker: BreakerState,
    #[serde(default)]
    pub samples: u32,
    /// Of a recogniser from the end of a turn to its final words, of a model to its first token, of a voice to its first sound. None
    /// while there are no samples.
    #[serde(default)]
    pub p50_ms: Option<f64>,
    #[serde(default)]
    pub p90_ms: Option<f64>,
    #[serde(default)]
    pub p95_ms: Option<f64>,
    /// Answers and failures of the account in the last half hour, told with its first model.
    #[serde(default)]
    pub answered: u32,
    #[serde(default)]
    pub failed: u32,
    /// How many of the samples were within each of [`BOUNDS_MS`], and after the last; empty where that is not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spread: Vec<u32>,
}

/// Milliseconds, each the upper bound of a count of [`VendorStanding::spread`].
pub const BOUNDS_MS: [u32; 14] =
    [50, 100, 150, 200, 300, 400, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000];

/// The bridge's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerLease {
    /// The registration is forgotten after this many seconds without renewal.
    pub ttl_seconds: u32,
}
