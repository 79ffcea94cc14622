//! What was told of running calls, for the worker's metrics.

use prometheus_client::metrics::counter::Counter;

/// Events of all calls of the process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// A bridge has taken them.
    pub sent: Counter,
    /// They were given up.
    pub dropped: Counter,
}
