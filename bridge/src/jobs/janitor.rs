//! Forgets what expired: tickets, what LiveKit told, refresh tokens, workers, events and their deliveries, reservations, invitations, jobs that were
//! done, and bots that were deleted long ago. None of them is used after its expiry anyway; this keeps the store small.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;

use super::deleted_bots;
use crate::coordination::rounds::{Fault, Rounds, Work};
use crate::store::{SWEPT, Stamp, StoreError, Stores};

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// Pause before the next batch while there is more to do: the store belongs to the calls.
const BREATH: Duration = Duration::from_millis(200);
/// Expired workers are in no list and are asked for nothing; their documents stay for whoever looks for a worker that was
/// lost a moment ago.
const WORKERS_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// How long events can be asked for.
pub const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What was pushed to CRMs is shown so long.
const PUSHES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So long after its time an invitation can be seen in the list, and be sent again.
const INVITATIONS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long an `Idempotency-Key` of a dialout counts, and how long it can be looked up why a call was placed where it was.
const DIALOUTS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So long after a call's deletion somebody may still be making its digest.
const DIGESTS_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// How long a deleted call's id is remembered. A worker whose outbox is away for longer brings its call back.
const TOMBSTONES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 365);

/// What one batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Documents that went, and calls that were closed.
    pub gone: usize,
    /// A batch was full, so there is more.
    pub more: bool,
}

/// Some kinds could not be swept.
#[derive(Debug, thiserror::Error)]
#[error("not every kind of what expired could be removed")]
pub struct Unswept {
    /// What the others did.
    pub swept: Swept,
    /// Why the first of them could not.
    pub source: StoreError,
}

impl Fault for Unswept {
    fn fault(&self) -> String {
        format!("{self}: {}", self.source.fault())
    }
}

/// Sweep again and again until `stop`: batch after batch while there is more, so that it never falls behind.
pub async fn run(stores: Stores, clock: Clock, rounds: Rounds, stop: CancellationToken) {
    let mut pause = PAUSE;
    while rounds.pause(Work::CleanSessions, pause, &stop).await.is_some() {
        pause = PAUSE;
        match rounds.through(Work::CleanSessions, Box::pin(sweep(&stores, &clock))).await {
            Ok(Swept { gone: 0, .. }) => {}
            Ok(Swept { gone, more }) => {
                tracing::debug!(gone, more, "expired documents were removed");
                if more {
                    pause = BREATH;
                }
            }
            Err(Unswept { swept, source: error }) => {
                tracing::warn!(gone = swept.gone, %error, "some expired documents could not be removed");
                if swept.more {
                    pause = BREATH;
                }
            }
        }
    }
}

/// One batch of each kind. One that cannot be swept keeps no other from its turn: the first failure is told when all were tried.
pub async fn sweep(stores: &Stores, clock: &Clock) -> Result<Swept, Unswept> {
    let now = clock.now();
    let before = |time: SignedDuration| Stamp(now.saturating_sub(time).unwrap_or(now));
    let batches = [
        stores.tickets().sweep(Stamp(now)).await,
        stores.dispatches().sweep(Stamp(now)).await,
        stores.refresh_tokens().sweep(Stamp(now)).await,
        stores.workers().sweep(before(WORKERS_KEPT)).await,
        stores.all_deliveries().sweep(Stamp(now)).await,
        stores.all_jobs().sweep(Stamp(now)).await,
        stores.all_pushes().sweep(before(PUSHES_KEPT)).await,
        stores.all_events().sweep(before(EVENTS_KEPT)).await,
        stores.all_invitations().sweep(before(INVITATIONS_KEPT)).await,
        stores.reservations().sweep(before(DIALOUTS_KEPT)).await,
        stores.all_dialouts().sweep(before(DIALOUTS_KEPT)).await,
        stores.all_digests().sweep(before(DIGESTS_KEPT)).await,
        stores.all_budgets().sweep(Stamp(now)).await,
        stores.all_config_requests().sweep(Stamp(now)).await,
        stores.sign_ins().sweep(Stamp(now)).await,
        stores.all_calls().sweep_deleted(before(TOMBSTONES_KEPT)).await,
    ];
    let bots = Box::pin(deleted_bots::sweep(stores, now)).await;
    let batches = batches.map(|batch| batch.map(|gone| (gone, gone == SWEPT)));
    let (mut swept, mut failed) = (Swept { gone: 0, more: false }, None);
    for batch in batches.into_iter().chain([bots]) {
        match batch {
            Ok((gone, more)) => swept = Swept { gone: swept.gone + gone, more: swept.more || more },
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        None => Ok(swept),
        Some(source) => Err(Unswept { swept, source }),
    }
}
