//! Makes carriers known to LiveKit: a trunk for each direction, and a rule that brings each call into a room of its own. What LiveKit has is
//! found by its metadata, which names the carrier and the deployment: a bridge that is killed between making a trunk and noting it leaves
//! none that a later look would not find. One bridge at a time has a carrier in hand.

mod gone;
mod one;
mod round;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};
use tokio::time::{sleep, timeout};
use vox_livekit::service::ServiceError;
use vox_shared::clock::Clock;
use vox_shared::ids::{CarrierId, TenantId};

use super::{LiveKit, NotConfigured};
use crate::coordination::rounds::{Rounds, Work};
use crate::coordination::{Coordination, CoordinationError, Fence};
use crate::metrics::Metrics;
use crate::store::trunks::{SyncStatus, Trunk};
use crate::store::{StoreError, Stores};

pub use round::{RoundError, run};
pub use wanted::ROOM_PREFIX;

/// How long a bridge that is gone has a carrier in hand.
const HELD: Duration = Duration::from_secs(180);
/// No making known takes longer.
const LONGEST: Duration = Duration::from_secs(150);
/// Tries to get a carrier that another bridge, or another request, has in hand, and the pause between them.
const TURN_TRIES: u32 = 20;
const TURN_PAUSE: Duration = Duration::from_millis(250);
/// Random characters of a holder.
const HOLDER_CHARS: usize = 20;

/// Makes carriers known. Cheap to clone.
#[derive(Clone)]
pub struct TrunkDesk {
    pub stores: Stores,
    pub clock: Clock,
    pub livekit: LiveKit,
    pub coordination: Arc<dyn Coordination>,
    pub rounds: Rounds,
    pub metrics: Arc<Metrics>,
}

/// Why a carrier could not be looked at. That LiveKit does not take it is none: it is how the carrier stands then.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    NotConfigured(#[from] NotConfigured),
    #[error("the carrier is being made known to LiveKit just now; ask again")]
    UnderWay,
    #[error("it took longer than {} s; look at LiveKit, and ask again", LONGEST.as_secs())]
    TooLong,
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of a removal alone.
    #[error("LiveKit still has trunks of the carrier, and they could not be taken away: {0}")]
    NotRemoved(#[source] ServiceError),
}

impl TrunkDesk {
    /// Something of a carrier was changed: it is made known soon. What cannot be noted now the next look finds.
    pub async fn changed(&self, tenant: &TenantId, carrier: &CarrierId) {
        if !self.livekit.is_configured() {
            return;
        }
        let noted = async {
            let trunks = self.stores.trunks(tenant);
            let mut trunk = trunks.of_carrier(carrier).await?;
            (trunk.status, trunk.text) = (SyncStatus::Pending, None);
            trunks.keep(carrier, &trunk).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(carrier.id = %carrier, %error, "that a carrier was changed could not be noted");
        }
        self.rounds.ask(Work::SyncTrunks);
    }

    /// Make a carrier known as it is set now, whatever is noted of it. Answers how it stands then.
    pub async fn sync(&self, tenant: &TenantId, carrier: &CarrierId) -> Result<Trunk, SyncError> {
        let server = self.livekit.server()?;
        let turn = self.turn(carrier).await?;
        let synced =
            timeout(LONGEST, Box::pin(self.sync_one(server, (tenant, carrier), one::How::Anew))).await;
        turn.end().await;
        synced.map_err(|_| SyncError::TooLong)?
    }

    /// Take away what LiveKit has of a carrier, and what is noted of it: it is about to be deleted. Without LiveKit there is only the note.
    pub async fn remove(&self, tenant: &TenantId, carrier: &CarrierId) -> Result<(), SyncError> {
        if let Ok(server) = self.livekit.server() {
            let turn = self.turn(carrier).await?;
            let removed = timeout(LONGEST, one::take_away(&server.service, carrier)).await;
            turn.end().await;
            removed.map_err(|_| SyncError::TooLong)?.map_err(SyncError::NotRemoved)?;
        }
        Ok(self.stores.trunks(tenant).forget(carrier).await?)
    }

    /// Wait until nobody else has the carrier in hand.
    async fn turn(&self, carrier: &CarrierId) -> Result<Turn, SyncError> {
        for _ in 0..TURN_TRIES {
            if let Some(turn) = self.try_turn(carrier).await? {
                return Ok(turn);
            }
            sleep(TURN_PAUSE).await;
        }
        Err(SyncError::UnderWay)
    }

    async fn try_turn(&self, carrier: &CarrierId) -> Result<Option<Turn>, CoordinationError> {
        let (lease, holder) = (format!("trunks of {carrier}"), holder());
        let fence = self.coordination.acquire(lease.clone(), holder, HELD).await?;
        Ok(fence.map(|fence| Turn { coordination: self.coordination.clone(), lease, fence }))
    }
}

fn holder() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), HOLDER_CHARS)
}

/// A carrier in hand.
struct Turn {
    coordination: Arc<dyn Coordination>,
    lease: String,
    fence: Fence,
}

impl Turn {
    async fn end(self) {
        if let Err(error) = self.coordination.release(self.lease, self.fence).await {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }
}
