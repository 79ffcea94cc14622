//! Tries vendors and their keys, again and again. Every bridge does, for itself: what it finds is about its own way to them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::coordination::rounds::{Rounds, Work};
use crate::error::with_source;
use crate::vendors::checks::Checks;

/// Pause between two looks at which keys are to be tried.
const PAUSE: Duration = Duration::from_secs(15);

/// Try until `stop`.
pub async fn run(checks: Checks, rounds: Rounds, stop: CancellationToken) {
    while rounds.pause(Work::CheckVendors, PAUSE, &stop).await.is_some() {
        let round = rounds.through(Work::CheckVendors, checks.round());
        match stop.run_until_cancelled(round).await {
            Some(Err(error)) => {
                tracing::warn!(error = with_source(&error), "the keys of vendors could not be looked for");
            }
            Some(Ok(())) => {}
            None => return,
        }
    }
}
