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
    /// Events that were told on channels.
    pub announced: Counter,
    /// Events that were not, or not put into the tenant's list, or not sent to an endpoint that names them: too many at once, or a server
    /// was away.
    pub unannounced: Counter,
}
