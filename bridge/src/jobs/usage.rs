//! Brings what the ledger adds up to into the tenants' quotas, again and again. One bridge of a deployment does it at a time; where they
//! cannot be told apart each does, which only costs reads.

use std::sync::Arc;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};
use tokio_util::sync::CancellationToken;

use crate::billing::rollup::RollUp;
use crate::coordination::rounds::{Rounds, Woken, Work};
use crate::coordination::{Coordination, Fence};
use crate::error::with_source;

/// Pause between two rounds. A tenant of which nothing new is in the ledger costs a round one look.
const PAUSE: Duration = Duration::from_secs(10);
/// The lease of the bridge that adds up, and how long one that is gone holds it. A round that takes longer is joined by another
/// bridge's, which does the same.
const LEASE: &str = "adding up the ledger";
const HELD: Duration = Duration::from_secs(60);
/// Random characters of a holder.
const HOLDER_CHARS: usize = 20;

/// Add up until `stop`.
pub async fn run(
    roll_up: RollUp,
    (coordination, rounds): (Arc<dyn Coordination>, Rounds),
    stop: CancellationToken,
) {
    let mut turn = Turn::new(coordination);
    while let Some(woken) = rounds.pause(Work::AggregateUsage, PAUSE, &stop).await {
        if !turn.take().await {
            roll_up.forget();
            // Who is asked does it whoever's turn it is: nothing is counted twice by that.
            if woken == Woken::Due {
                continue;
            }
        }
        if let Err(error) = rounds.through(Work::AggregateUsage, roll_up.round()).await {
            tracing::warn!(error = with_source(&error), "what tenants used could not be added up");
        }
    }
    turn.pass_on().await;
}

/// Whose turn it is.
struct Turn {
    coordination: Arc<dyn Coordination>,
    holder: String,
    fence: Option<Fence>,
}

impl Turn {
    fn new(coordination: Arc<dyn Coordination>) -> Self {
        let holder = Alphanumeric.sample_string(&mut rand::rng(), HOLDER_CHARS);
        Self { coordination, holder, fence: None }
    }

    /// Whether it is this bridge's. While the others cannot be asked it is: nothing is counted twice by that.
    async fn take(&mut self) -> bool {
        match self.coordination.acquire(LEASE.into(), self.holder.clone(), HELD).await {
            Ok(fence) => {
                self.fence = fence;
                fence.is_some()
            }
            Err(error) => {
                tracing::debug!(%error, "added up without a lease");
                true
            }
        }
    }

    async fn pass_on(self) {
        if let Some(fence) = self.fence
            && let Err(error) = self.coordination.release(LEASE.into(), fence).await
        {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use vox_shared::clock::Clock;

    use super::*;
    use crate::coordination::InProcess;

    #[tokio::test]
    async fn one_bridge_adds_up_until_it_passes_the_turn_on_or_is_gone() {
        let clock = Clock::manual("2026-11-20T10:00:00Z".parse().unwrap());
        let shared: Arc<dyn Coordination> = Arc::new(InProcess::new(clock.clone()));
        let [mut one, mut two, mut three] = [(); 3].map(|()| Turn::new(shared.clone()));
        for _ in 0..10 {
            assert!(one.take().await && !two.take().await);
            clock.advance(SignedDuration::from_secs(10));
        }
        one.pass_on().await;
        assert!(two.take().await && !three.take().await);
        clock.advance(SignedDuration::from_secs(61));
        assert!(three.take().await, "the second is gone");
    }
}
