//! What the metrics show of running calls.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Calls that workers told of and that have not ended.
    pub calls: Gauge,
    /// Events that workers told.
    pub events: Counter,
    /// Numbers that were missing among them.
    pub missing: Counter,
}
