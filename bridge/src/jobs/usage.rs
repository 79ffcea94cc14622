//! Brings what the ledger adds up to into the tenants' quotas, again and again.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::billing::rollup::RollUp;

/// Pause between two rounds. A tenant of which nothing new is in the ledger costs a round one look.
const PAUSE: Duration = Duration::from_secs(10);

/// Add up until `stop`.
pub async fn run(roll_up: RollUp, stop: CancellationToken) {
    while stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
        if let Err(error) = roll_up.round().await {
            tracing::warn!(%error, "what tenants used could not be added up");
        }
    }
}
