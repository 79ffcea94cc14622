//! Brings plans to those of their tenants that a broken change left out.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::billing::plans::PlanBook;

/// Pause between two looks at all tenants.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// Before the first one: a bridge that was killed in a change has just been started anew.
const FIRST: Duration = Duration::from_secs(60);

/// Look until `stop`.
pub async fn run(plans: PlanBook, stop: CancellationToken) {
    let mut pause = FIRST;
    while stop.run_until_cancelled(sleep(pause)).await.is_some() {
        pause = PAUSE;
        match plans.bring_all().await {
            Ok(0) => {}
            Ok(tenants) => {
                tracing::info!(tenants, "limits that a broken change of a plan left behind are renewed")
            }
            Err(error) => tracing::warn!(%error, "not all tenants have the limits of their plans"),
        }
    }
}
