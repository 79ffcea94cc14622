//! Removes what deleted calls left elsewhere, where whoever deleted them could not, and carries erasures of people on.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::custody::Custodian;
use crate::store::StoreError;

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(30);
/// Pause before the next batch while there is more to do: the store belongs to the calls.
const BREATH: Duration = Duration::from_millis(200);
/// Calls cleaned in one batch.
const BATCH: usize = 100;

/// Work until `stop`. What fails is tried again in the next round.
pub async fn run(custodian: Custodian, stop: CancellationToken) {
    let mut pause = PAUSE;
    while stop.run_until_cancelled(sleep(pause)).await.is_some() {
        // A stop between two steps of an erasure leaves it as a kill would: another round goes on.
        let Some(round) = Box::pin(stop.run_until_cancelled(round(&custodian))).await else { return };
        pause = match round {
            Ok(true) => BREATH,
            Ok(false) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "what deleted calls left could not be removed");
                PAUSE
            }
        };
    }
}

/// One batch of each; answers whether there may be more. Neither waits for the other.
async fn round(custodian: &Custodian) -> Result<bool, StoreError> {
    custodian.settle().await;
    let cleaned = custodian.clean_due(BATCH).await;
    let erased = custodian.erase_due().await?;
    Ok(erased || cleaned? == BATCH)
}
