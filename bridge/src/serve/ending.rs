//! The end of the server, for answers that would go on for ever.

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Told to every connection: an answer without an end of its own ends when the server does.
#[derive(Clone, Debug)]
pub struct Ending(CancellationToken);

impl Ending {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self(stop)
    }

    /// Until the server is told to stop.
    pub fn wait(&self) -> WaitForCancellationFutureOwned {
        self.0.clone().cancelled_owned()
    }
}
