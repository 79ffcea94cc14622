//! Forgets what expired: tickets, refresh tokens, workers. None of them is used after its expiry anyway; this keeps the
//! store small.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::store::{Stamp, StoreError};

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// Expired workers are in no list and are asked for nothing; their documents stay for whoever looks for a worker that was
/// lost a moment ago.
const WORKERS_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Sweep again and again until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    while stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
        match sweep(&app).await {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "expired documents were removed"),
            Err(error) => tracing::warn!(%error, "expired documents could not be removed"),
        }
    }
}

/// One round; answers how many documents went, a page of each kind at most.
pub async fn sweep(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    let long_ago = now.saturating_sub(WORKERS_KEPT).unwrap_or(now);
    let tickets = app.stores.tickets().sweep(Stamp(now)).await?;
    let sessions = app.stores.refresh_tokens().sweep(Stamp(now)).await?;
    let workers = app.stores.workers().sweep(Stamp(long_ago)).await?;
    Ok(tickets + sessions + workers)
}
