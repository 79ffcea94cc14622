//! Tries vendors and their keys, again and again. Every bridge does, for itself: what it finds is about its own way to them.

use std::time::Duration;

use futures_util::future::join;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::coordination::rounds::{Rounds, Work};
use crate::error::with_source;
use crate::vendors::checks::Checks;

/// Pause between two looks at which keys are to be tried.
const PAUSE: Duration = Duration::from_secs(15);

/// Try until `stop`. Addresses of tenants' own have a turn of their own after each round, for which no round waits.
pub async fn run(checks: Checks, rounds: Rounds, stop: CancellationToken) {
    let looked = Notify::new();
    let vendors = async {
        while rounds.pause(Work::CheckVendors, PAUSE, &stop).await.is_some() {
            let round = rounds.through(Work::CheckVendors, checks.round());
            match stop.run_until_cancelled(round).await {
                Some(Err(error)) => {
                    tracing::warn!(
                        error = with_source(&error),
                        "the keys of vendors could not be looked for"
                    );
                }
                Some(Ok(())) => {}
                None => return,
            }
            looked.notify_one();
        }
    };
    let own = async {
        while stop.run_until_cancelled(looked.notified()).await.is_some() {
            if stop.run_until_cancelled(checks.round_of_own()).await.is_none() {
                return;
            }
        }
    };
    join(vendors, own).await;
}
